"""What retrieval and reranking share: queries, documents and judgments, in one table or in three.

One table: each row has a query and the texts that answer it (`positives`), and maybe texts that do not (`negatives`).
Three tables, as BEIR and MTEB have them: queries and documents with ids, and judgments that join them (`qrels`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field, model_validator

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.core.evaluation import EvaluationContext, Item, ItemMeasure
from harness.core.examples import SearchPair
from harness.core.labels import is_missing
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import DocumentPool, Embed, Failure, Rank, Ranking, Regress, Request, Response
from harness.evaluations.columns import joined_slices, text_of
from harness.evaluations.prompts.label_prompt import HEAD
from harness.evaluations.record_builders import failed, outcome
from harness.evaluations.row_task import PARENT, RowOptions, RowTask, texts_in
from harness.evaluations.sentence_vectors import embedding_protocol, vectors_of
from harness.evaluations.tasks.ranking.collection import Collection, Judged, all_rows, document_key, grade_of
from harness.metrics.capability.ranking_quality import (
    CUTOFFS,
    MAP,
    MRR,
    NDCG,
    PRECISION,
    RECALL,
    depth_of,
    ranking_statistics,
)
from harness.schema.suite.data_refs import DataName

RULE = "rule"
DEEPEST = 1000
"""Documents of a ranking that are kept, as trec_eval's runs have them."""
_QUERY_PROMPTS, _DOCUMENT_PROMPTS = ("query",), ("document", "passage", "corpus")
"""The names that sentence-transformers looks for, in its order."""
_SHOWN = 5
_LONGEST_SHOWN = 300


class RankingOptions(RowOptions):
    """The YAML of tasks that rank documents."""

    query: str | None = Field(None, description="Column with the query: `query`, or `text` beside `qrels`.")
    positives: str = Field("positives", description="Column with the text or texts that answer the query.")
    negatives: str | None = Field(None, description="Column with texts that do not answer it.")
    corpus: DataName | None = Field(None, description="Data with the documents, all splits of it.")
    qrels: DataName | None = Field(None, description="Data with the judgments of documents, by ids.")
    id: str = Field("_id", description="Column with the id, of queries and of documents.")
    document: str = Field("text", description="Column with a document's text.")
    title: str | None = Field(None, description="Column with a document's title, which stands before its text.")
    query_id: str = Field("query-id", description="Column of `qrels` with the query's id.")
    document_id: str = Field("corpus-id", description="Column of `qrels` with the document's id.")
    relevance: str = Field("score", description="Column of `qrels` with the grade; from 1 on a document is relevant.")
    ignore_identical_ids: bool = Field(
        False, description="Leave a document out of the ranking of the query that has its id (ArguAna, Quora)."
    )
    query_prompt: str | None = Field(None, description="Name of the sentence encoder's prompt before queries.")
    document_prompt: str | None = Field(None, description="Name of the sentence encoder's prompt before documents.")

    @model_validator(mode="after")
    def _in_three(self) -> RankingOptions:
        if (self.corpus is None) != (self.qrels is None):
            raise ValueError("expected `corpus` and `qrels` together, or neither")
        return self

    @property
    def query_column(self) -> str:
        return self.query or ("query" if self.qrels is None else "text")


RankingOptionsT = TypeVar("RankingOptionsT", bound=RankingOptions)


class RankingTask(RowTask[RankingOptionsT]):
    """A task whose answer is a ranking of documents; subclasses say of which ones."""

    role: ClassVar[Literal["task", "probe"]] = "task"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (ItemMeasure("ndcg.10", "nDCG@10", better="higher"),)
    implied_rules: ClassVar[tuple[str, ...]] = ("tfidf",)
    provides: ClassVar[tuple[str, ...]] = (
        *(f"{name}.{depth}" for name in (NDCG, MRR, RECALL, PRECISION) for depth in CUTOFFS),
        *(MAP, "correct", "target", "prediction"),
    )

    def __init__(self, name: str, options: RankingOptionsT, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        depths = [depth_of(metric) for metric in options.metrics or () if "_at_k[" in metric]
        self.cutoffs = sorted({*CUTOFFS, *depths})
        self._pools: dict[str, tuple[DocumentPool, tuple[str, ...]]] = {}

    @classmethod
    def data_names(cls, options: RankingOptionsT) -> tuple[DataName, ...]:
        return (options.data, *(ref for ref in (options.corpus, options.qrels) if ref is not None))

    def spec(self) -> Mapping[str, Any]:
        """As of all row tasks; the names of the other data are no part, their fingerprints are elsewhere."""
        made = super().spec()
        options = {name: value for name, value in made["options"].items() if name not in ("corpus", "qrels")}
        return {**made, "options": {**options, "tables": 1 if self.options.qrels is None else 3}}

    def columns(self) -> Sequence[str]:
        options = self.options
        if options.qrels is not None:
            return [options.id, options.query_column]
        return [options.query_column, options.positives, *([] if options.negatives is None else [options.negatives])]

    def check_data(self, data: Sequence[Dataset]) -> None:
        """The columns of each table are there."""
        options = self.options
        tables: list[Sequence[str]] = [self.columns()]
        if options.qrels is not None:
            documents = [options.id, options.document, *([] if options.title is None else [options.title])]
            tables += [documents, [options.query_id, options.document_id, options.relevance]]
        for dataset, columns in zip(data, tables, strict=True):
            for column in columns:
                dataset.require(column)

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        return []

    def remarks(self, data: Sequence[Dataset], split: str) -> Sequence[str]:
        """How many documents there are, and how many queries have no relevant one."""
        made = self.collection(data, split)
        lost = [f"{made.unjudged} queries have no relevant document and are left out."] if made.unjudged else []
        return [f"{len(made.queries)} queries, {len(made.documents)} documents.", *lost]

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        """Not by rows alone: see `every_item`."""
        raise NotImplementedError("a query needs the whole collection")

    def every_item(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a query that has a relevant document.

        Raises:
            DataError: for a missing column, a judgment of an unknown document, or no query at all.
        """
        self.check_data(data)
        made = self.collection(data, split)
        pools = self.pools(made)
        for query in made.queries:
            pool, ids = pools[query.row.id]
            self._pools[pool.digest] = pool, ids
            best = max(query.grades, key=lambda document: (query.grades[document], document))
            text = text_of(data[0], query.row, self.options.query_column, empty=False)
            relevant = made.documents[best]
            yield Item(
                id=query.row.id,
                payload={"query": text, "id": query.id, "grades": dict(query.grades), "pool": pool.digest},
                texts={"query": text, "relevant": relevant},
                target=_short(relevant),
                clusters={PARENT: query.row.cluster},
                slices=joined_slices(query.row),
            )

    def collection(self, data: Sequence[Dataset], split: str) -> Collection:
        """The documents and the judged queries of a split."""
        return self._of_one(data[0], split) if self.options.qrels is None else self._of_three(data, split)

    @abstractmethod
    def pools(self, collection: Collection) -> Mapping[str, tuple[DocumentPool, tuple[str, ...]]]:
        """Row id of a query → the documents that are ranked for it, and their ids."""

    def _of_one(self, dataset: Dataset, split: str) -> Collection:
        options, made = self.options, Collection()
        for name, rows in dataset.rows.items():
            for row in rows:
                positives = texts_in(dataset, row, options.positives, None, "positives")
                negatives = [] if options.negatives is None else texts_in(dataset, row, options.negatives)
                # Where a text is both, it answers the query.
                grades = {document_key(text): 0.0 for text in negatives}
                grades |= {document_key(text): 1.0 for text in positives}
                made.documents.update({document_key(text): text for text in (*negatives, *positives)})
                if name == split:
                    if positives:
                        made.queries.append(Judged(row, row.id, grades))
                    else:
                        made.unjudged += 1
        dataset.split(split)
        return made

    def _of_three(self, data: Sequence[Dataset], split: str) -> Collection:
        options, made = self.options, Collection()
        queries, corpus, qrels = data
        for dataset, row in all_rows(corpus):
            title = (
                ""
                if options.title is None or is_missing(row.fields.get(options.title))
                else str(row.fields[options.title])
            )
            text = text_of(dataset, row, options.document)
            made.documents[text_of(dataset, row, options.id)] = f"{title} {text}".strip() if title else text
        grades: dict[str, dict[str, float]] = {}
        for row in qrels.split(split):
            document = text_of(qrels, row, options.document_id)
            if document not in made.documents:
                raise DataError(
                    f"{qrels.place(row)}: the document {document!r} is not in data {corpus.name!r}.",
                    hint="give the corpus that the judgments belong to, whole.",
                )
            grades.setdefault(text_of(qrels, row, options.query_id), {})[document] = grade_of(
                qrels, row, options.relevance
            )
        known = {text_of(dataset, row, options.id): row for dataset, row in all_rows(queries)}
        for query, judged in grades.items():
            if query not in known:
                raise DataError(
                    f"data {qrels.name!r}: the query {query!r} is not in data {queries.name!r}.",
                    hint="give the queries that the judgments belong to.",
                )
            if any(grade >= 1 for grade in judged.values()):
                made.queries.append(Judged(known[query], query, judged))
            else:
                made.unjudged += 1
        return made

    def examples(self, dataset: Dataset, split: str) -> list[SearchPair] | None:
        """Each query with its first positive; of three tables one pair, as rules that rank learn nothing from rows."""
        if self.options.qrels is not None:
            return [SearchPair("query", "document")]
        made = []
        for row in dataset.split(split):
            positives = texts_in(dataset, row, self.options.positives, None, "positives")
            query = text_of(dataset, row, self.options.query_column)
            made += [SearchPair(query, positives[0])] if positives else []
        return made

    def protocol(self, facts: ModelFacts) -> str | None:
        if self.reads_pairs and Regress.kind in facts.supports:
            return HEAD
        if Embed.kind in facts.supports:
            names = (self.options.query_prompt, self.options.document_prompt)
            usual = (_QUERY_PROMPTS, _DOCUMENT_PROMPTS)
            prompts = [
                next((known for known in wanted if known in facts.prompts), None) if name is None else name
                for name, wanted in zip(names, usual, strict=True)
            ]
            return embedding_protocol(facts, prompts)
        return RULE if Rank.kind in facts.supports else None

    def unsupported(self, facts: ModelFacts) -> str:
        return f"it has neither vectors nor a head with one row (it is of the kind {facts.family})"

    @property
    def reads_pairs(self) -> bool:
        """Whether a head that reads query and document together is asked."""
        return False

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        pool, _ = self._pools[item.payload["pool"]]
        vectors = vectors_of(protocol, 2)
        # One more than is kept, for a document that is the query itself.
        top = min(DEEPEST + 1, len(pool.texts))
        query = str(item.payload["query"])
        if vectors is None:
            return [Rank(query, pool, top)]
        names = (vectors.prompts[0], vectors.prompts[1])
        return [Rank(query, pool, top, vectors.pooling, names, vectors.similarity)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        (response,) = responses
        if isinstance(response, Failure):
            return failed(item, response)
        if not isinstance(response, Ranking):
            return failed(item, Failure("error", f"expected a ranking, found {response!r:.80}"))
        pool, ids = self._pools[item.payload["pool"]]
        own = str(item.payload["id"]) if self.options.ignore_identical_ids else None
        kept = [place for place in response.places if ids[place] != own][:DEEPEST]
        ranking, grades = [ids[place] for place in kept], dict(item.payload["grades"])
        stats = ranking_statistics(ranking, grades, self.cutoffs)
        ranks = {document: rank for rank, document in enumerate(ranking, 1) if grades.get(document, 0) >= 1}
        return outcome(
            item,
            prediction=_short(pool.texts[kept[0]]) if kept else "",
            truncated=response.truncated,
            response={
                "first": [{"document": document} for document in ranking[:_SHOWN]],
                "ranks": sorted(ranks.values())[:_SHOWN],
                "relevant": sum(grade >= 1 for grade in grades.values()),
            },
            stats={**stats, "correct": stats[f"{PRECISION}.1"]},
        )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
