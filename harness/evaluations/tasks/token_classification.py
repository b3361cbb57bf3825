"""Tagging: one tag a word, judged by whole spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field, field_validator

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError, unknown
from harness.core.evaluation import Item, ItemMeasure
from harness.core.examples import TaggedWords
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Failure, Request, Response, Tag, Tags
from harness.evaluations.columns import pieces_of
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.row_task import PARENT, RowOptions, RowTask
from harness.metrics.capability.span_f1 import OUTSIDE, PREFIXES, Scheme, schemes_of, span_statistics, spans

HEAD = "tag_head"


class TaggingOptions(RowOptions):
    """The YAML of a tagging task."""

    words: str = Field("words", description="Column with the words: separated by spaces, or a list.")
    tags: str = Field("tags", description="Column with one tag per word: separated by spaces, or a list.")
    types: list[str] = Field(description="Span types, such as person and location.")
    scheme: Scheme = Field(
        "iob2",
        description="Tagging scheme: iob2 (B, I, O), iob1 (B only between spans of one type), iobes or bioes (B, I, E, "
        "S, O), or bilou (B, I, L, O, U).",
    )

    @field_validator("scheme", mode="before")
    @classmethod
    def _one_name(cls, value: object) -> object:
        return "iobes" if value == "bioes" else value

    @field_validator("types")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        if not value or len(set(value)) != len(value) or not all(value):
            raise ValueError(f"expected one or more different types, found {value}")
        return value


class Tagging(RowTask[TaggingOptions]):
    """Asks for the tag of every word of a sentence."""

    Options: ClassVar[type[TaggingOptions]] = TaggingOptions
    kind: ClassVar[str] = "token_classification"
    summary: ClassVar[str] = "Token classification: spans such as named entities."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        ItemMeasure(
            "spans_right",
            "F1 of the item's spans",
            better="higher",
            per=("spans_predicted", "spans_gold"),
            divisor=0.5,
            empty=1.0,
        ),
    )
    provides: ClassVar[tuple[str, ...]] = (
        *("spans_right", "spans_predicted", "spans_gold", "malformed", "words", "correct", "target", "prediction"),
    )
    default_metrics: tuple[str, ...] = (
        *("span_f1", "span_precision", "span_recall", "span_f1_per_type", "invalid_tag_rate"),
    )

    @property
    def example_labels(self) -> tuple[str, ...]:
        """The tags, `O` first: what a head for this task chooses from."""
        prefixes = PREFIXES[self.options.scheme]
        return (OUTSIDE, *(f"{prefix}-{kind}" for kind in self.options.types for prefix in prefixes))

    def columns(self) -> Sequence[str]:
        return [self.options.words, self.options.tags]

    def every_item(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The items without the limit.

        Raises:
            DataError: as `items` does, and for tags that do not follow the task's scheme.
        """
        (dataset,) = data
        dataset.require(self.options.tags)
        self._check_scheme(dataset, split)
        yield from super().every_item(data, split)

    def _check_scheme(self, dataset: Dataset, split: str) -> None:
        scheme = self.options.scheme
        rows = dataset.split(split)
        sentences = [self._pieces(dataset, row, self.options.tags) for row in rows]
        wrong = [place for place, tags in enumerate(sentences) if spans(tags, scheme)[1]]
        if not wrong:
            return
        fitting = schemes_of(sentences)
        verdict = f"They follow {' and '.join(fitting)}." if fitting else "They follow none of the schemes."
        first = " ".join(sentences[wrong[0]])
        raise DataError(
            f"{dataset.place(rows[wrong[0]])}: the tags {first[:80]!r} do not follow the scheme {scheme} "
            f"({len(wrong)} of {len(rows)} rows are such). {verdict}",
            hint=f"set `scheme: {fitting[0]}` in the task." if fitting else "correct the tags of these rows.",
        )

    def _pieces(self, dataset: Dataset, row: Row, column: str) -> list[str]:
        """The words or tags of a row: a list in the file, else a text with single spaces."""
        return pieces_of(dataset, row, column, " ", empty=False)

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        words, tags = (self._pieces(dataset, row, column) for column in (self.options.words, self.options.tags))
        where = f"{dataset.place(row)}"
        if len(words) != len(tags):
            raise DataError(
                f"{where}: {len(words)} words and {len(tags)} tags; expected one tag per word.",
                hint="separate words, and tags, by single spaces, or write both as lists.",
            )
        for tag in tags:
            if tag not in self.example_labels:
                raise DataError(
                    f"{where}: {unknown('tag', tag, self.example_labels)}",
                    hint="correct the row, the task's `types` or its `scheme`.",
                )
        yield Item(
            id=row.id,
            payload={"words": words, "tags": tags},
            texts={"text": " ".join(words), "reference": _shown(words, tags, self.options.scheme)},
            target=_shown(words, tags, self.options.scheme),
            clusters={PARENT: row.cluster},
            slices=row.slices,
        )

    def examples(self, dataset: Dataset, split: str) -> list[TaggedWords]:
        """Every sentence with its tags, for training."""
        return [
            TaggedWords(tuple(item.payload["words"]), tuple(item.payload["tags"]))
            for item in self.every_item([dataset], split)
        ]

    def protocol(self, facts: ModelFacts) -> str | None:
        return HEAD if facts.tag_labels is not None and set(facts.tag_labels) == set(self.example_labels) else None

    def unsupported(self, facts: ModelFacts) -> str:
        if facts.tag_labels is None:
            return "it has no head for tags"
        return f"its head has the tags {', '.join(facts.tag_labels)} (the task has {', '.join(self.example_labels)})"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        return [Tag(tuple(item.payload["words"]), self.example_labels)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        (response,) = responses
        words, gold = item.payload["words"], item.payload["tags"]
        if not isinstance(response, Tags) or len(response.labels) != len(words):
            fault = response if isinstance(response, Failure) else Failure("error", f"no tag a word: {response!r}")
            return failed(item, fault, truncated=truncated)
        predicted = list(response.labels)
        scheme = self.options.scheme
        statistics = span_statistics(gold, predicted, self.options.types, scheme)
        return outcome(
            item,
            prediction=_shown(words, predicted, scheme),
            truncated=truncated,
            response={"tags": predicted},
            stats={**statistics, "correct": float(set(spans(gold, scheme)[0]) == set(spans(predicted, scheme)[0]))},
        )

    def metric_context(self) -> MetricContext:
        return MetricContext(labels=tuple(self.options.types), cluster_unit=self.cluster_unit)


def _shown(words: Sequence[str], tags: Sequence[str], scheme: Scheme) -> str:
    """The spans as text: `person: Ada Lovelace; place: London`."""
    tagged, _ = spans(tags, scheme)
    return "; ".join(f"{kind}: {' '.join(words[start:end])}" for kind, start, end in tagged)
