"""Reranking: a few candidates for each query, by a cross-encoder or an encoder's vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from harness.core.errors import DataError
from harness.core.requests import DocumentPool
from harness.evaluations.tasks.ranking.collection import Collection, Judged, ordered_pool
from harness.evaluations.tasks.ranking.ranking_base import RankingOptions, RankingTask
from harness.schema.suite.types import Count
from harness.text.lexical_ranking import LexicalIndex


class RerankingOptions(RankingOptions):
    """The YAML of a reranking task."""

    candidates: Count | None = Field(
        None,
        description="Fill up the judged documents of each query to so many, with those that share most words with it.",
    )


class Reranking(RankingTask[RerankingOptions]):
    """Ranks the judged documents of each query, and with `candidates` those that share most words with it."""

    Options: ClassVar[type[RerankingOptions]] = RerankingOptions
    kind: ClassVar[str] = "reranking"
    summary: ClassVar[str] = "Candidates for a query, ranked by a cross-encoder or a sentence encoder."
    default_metrics: tuple[str, ...] = ("ndcg_at_k[10]", "mrr_at_k[10]", "map")
    reads_pairs: ClassVar[bool] = True

    def pools(self, collection: Collection) -> Mapping[str, tuple[DocumentPool, tuple[str, ...]]]:
        """The candidates of each query.

        Raises:
            DataError: where no query has a document that is not relevant.
        """
        ids = sorted(collection.documents)
        most = self.options.candidates
        index = None if most is None else LexicalIndex([collection.documents[name] for name in ids])
        made = {}
        for query in collection.queries:
            chosen = list(query.grades)
            if index is not None and most is not None and len(chosen) < most:
                text = str(query.row.fields[self.options.query_column])
                order = [ids[place] for place in np.argsort(-index.scores(text), kind="stable").tolist()]
                judged = set(chosen)
                chosen += [name for name in order if name not in judged][: most - len(chosen)]
            made[query.row.id] = ordered_pool({name: collection.documents[name] for name in chosen})
        if all(_decided(query, made[query.row.id][1]) for query in collection.queries):
            raise DataError(
                f"task {self.name!r}: every candidate of every query is relevant, so that each ranking is perfect.",
                hint="name the column of texts that are not under `negatives`, or set `candidates: 50`.",
            )
        return made


def _decided(query: Judged, ids: tuple[str, ...]) -> bool:
    return all(query.grades.get(name, 0) >= 1 for name in ids)
