"""Retrieval: the documents of a whole corpus that fit a query, by an encoder's vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from harness.core.requests import DocumentPool
from harness.evaluations.tasks.ranking.collection import Collection, ordered_pool
from harness.evaluations.tasks.ranking.ranking_base import RankingOptions, RankingTask


class Retrieval(RankingTask[RankingOptions]):
    """Ranks all documents for each query."""

    Options: ClassVar[type[RankingOptions]] = RankingOptions
    kind: ClassVar[str] = "retrieval"
    summary: ClassVar[str] = "Documents of a corpus that fit a query, ranked by a sentence encoder."
    default_metrics: tuple[str, ...] = ("ndcg_at_k[10]", "mrr_at_k[10]", "recall_at_k[100]", "map")

    def pools(self, collection: Collection) -> Mapping[str, tuple[DocumentPool, tuple[str, ...]]]:
        whole = ordered_pool(collection.documents)
        return {query.row.id: whole for query in collection.queries}
