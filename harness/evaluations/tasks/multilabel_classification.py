"""Multi-label classification: one text, any number of labels, each a yes/no question of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError, unknown
from harness.core.evaluation import Item, ItemMeasure
from harness.core.examples import LabeledText
from harness.core.labels import is_missing, label_text
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import COSTLY, Record
from harness.core.requests import Classify, Failure, Request, Response
from harness.evaluations.columns import pieces_of, text_of
from harness.evaluations.label_stats import expected_set_stats
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens
from harness.evaluations.row_task import PARENT, RowOptions, RowTask
from harness.evaluations.subsample import choose
from harness.metrics.capability.multilabel_f1 import NEEDS, label_counts
from harness.schema.suite.types import Label

HEAD = "head"


class MultiLabelOptions(RowOptions):
    """The YAML of a multi-label task."""

    text: str = Field("text", description="Column with the text.")
    label: str = Field("labels", description="Column with the labels, joined by `separator`; can be empty.")
    separator: str = Field(";", min_length=1)
    labels: list[Label] = Field(description="All labels.")
    unlabeled: Literal["ask"] | None = Field(
        None,
        description="A row with an empty cell has none of the labels; with `ask`, nobody has labeled it, and it is "
        "asked about too: what models say of it makes the figures of the labeled rows surer (`adjusted`), where chance "
        "chose which rows have labels. A cell with the separator alone then has none of the labels.",
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="A label with at least this probability is predicted.")

    @field_validator("labels")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        if not value or len(set(value)) != len(value):
            raise ValueError(f"expected one or more different labels, found {value}")
        return value

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(self.labels)


class MultiLabel(RowTask[MultiLabelOptions]):
    """Asks for every label of each text."""

    Options: ClassVar[type[MultiLabelOptions]] = MultiLabelOptions
    kind: ClassVar[str] = "multilabel_classification"
    summary: ClassVar[str] = "Multilabel text classification: any number of labels per text."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (ItemMeasure("f1_sample", "F1 of the labels", better="higher"),)
    implied_rules: ClassVar[tuple[str, ...]] = ("majority", "prior")
    provides: ClassVar[tuple[str, ...]] = (NEEDS, "f1_sample", "correct", "target", "prediction")
    default_metrics: tuple[str, ...] = (
        *("f1_multilabel_micro", "f1_multilabel_macro", "f1_multilabel_samples", "subset_accuracy"),
    )

    def columns(self) -> Sequence[str]:
        return [self.options.text, self.options.label]

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The items of a split, at most `limit`; rows that nobody labeled last, where they are asked about."""
        asked = chain(self.every_item(data, split), self._unlabeled(data, split))
        yield from choose(asked, self.options.limit, self.cluster_unit)

    def _unlabeled(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        (dataset,) = data
        for row in dataset.split(split):
            if self._has_no_labels(row):
                text = text_of(dataset, row, self.options.text)
                yield Item(
                    id=row.id, payload={"text": text}, texts={"text": text}, clusters={PARENT: row.cluster},
                    slices=row.slices,
                )  # fmt: skip

    def _has_no_labels(self, row: Row) -> bool:
        return self.options.unlabeled == "ask" and is_missing(row.fields.get(self.options.label))

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        """One item a row; rows that nobody labeled are left out."""
        if self._has_no_labels(row):
            return
        text = text_of(dataset, row, self.options.text)
        parts = pieces_of(dataset, row, self.options.label, self.options.separator)
        given = [label_text(part.strip()) for part in parts if part.strip()]
        for label in given:
            if label not in self.options.labels:
                raise DataError(f"{dataset.place(row)}: {unknown('label', label, self.options.labels)}")
        gold = [label for label in self.options.labels if label in given]
        yield Item(
            id=row.id,
            payload={"text": text, "gold": gold},
            texts={"text": text},
            target="; ".join(gold),
            clusters={PARENT: row.cluster},
            slices=row.slices,
        )

    def examples(self, dataset: Dataset, split: str) -> list[LabeledText]:
        """Every text with the places of its labels, for training."""
        places = {label: place for place, label in enumerate(self.options.labels)}
        return [
            LabeledText(item.payload["text"], tuple(places[label] for label in item.payload["gold"]), independent=True)
            for item in self.every_item([dataset], split)
        ]

    def protocol(self, facts: ModelFacts) -> str | None:
        return HEAD if facts.labels is not None and set(facts.labels) == set(self.options.labels) else None

    def unsupported(self, facts: ModelFacts) -> str:
        return "it has no head for these labels; only heads answer tasks with several labels"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        return [Classify(item.payload["text"], tuple(self.options.labels), independent=True)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        values = scores(responses[0], len(self.options.labels))
        if isinstance(values, Failure):
            return failed(item, values, truncated=truncated)
        cut = math.log(self.options.threshold)
        predicted = [label for label, value in zip(self.options.labels, values, strict=True) if value >= cut]
        log_p = dict(zip(self.options.labels, values, strict=True))
        gold = item.payload.get("gold")
        stats = {} if gold is None else label_counts(gold, predicted, self.options.labels)
        if self.options.unlabeled == "ask":
            stats |= expected_set_stats(log_p, predicted) | {COSTLY: float(gold is not None)}
        return outcome(
            item, prediction="; ".join(predicted), truncated=truncated, response={"log_p": log_p}, stats=stats
        )

    def remarks(self, data: Sequence[Dataset], split: str) -> Sequence[str]:
        """How many rows nobody labeled, and what becomes of them."""
        (dataset,) = data
        count = sum(self._has_no_labels(row) for row in dataset.split(split))
        if not count:
            return ()
        rows, verb = ("1 row has", "is") if count == 1 else (f"{count} rows have", "are")
        use = "asked about too: what models say of them makes figures of the labeled rows surer (`adjusted`)."
        return (f"{rows} no {self.options.label!r} and {verb} {use}",)

    def metric_context(self) -> MetricContext:
        return MetricContext(labels=tuple(self.options.labels), cluster_unit=self.cluster_unit)
