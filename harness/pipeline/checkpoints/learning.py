"""What a stage learns from: the texts or examples of a suite's data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core.dataset import Dataset, Row
from harness.core.digests import fraction
from harness.core.examples import Example, LabelledText
from harness.schema.suite.mitigation import Mitigation


@dataclass(frozen=True)
class DataInputs:
    """What a stage learns from: texts by data name, or examples of a task."""

    texts: Mapping[str, tuple[str, ...]]
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    labels: tuple[str, ...]
    fingerprints: Mapping[str, str]
    groups: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The type of the examples; that of labelled texts where there are none."""
        return self.train[0].kind if self.train else LabelledText.kind


def pretraining_inputs(datasets: Mapping[str, Dataset]) -> DataInputs:
    """The training texts of each data set."""
    return DataInputs(
        texts={name: tuple(dataset.texts("train", "text")) for name, dataset in datasets.items()},
        train=(),
        validation=(),
        labels=(),
        fingerprints={name: dataset.fingerprint for name, dataset in datasets.items()},
    )


def subset(rows: Sequence[Row], count: int | None) -> Sequence[Row]:
    """At most `count` rows, chosen by hash of the row id: the same rows whatever else changes."""
    if count is None or count >= len(rows):
        return rows
    chosen = {row.id for row in sorted(rows, key=lambda row: fraction(row.id))[:count]}
    return [row for row in rows if row.id in chosen]


def column_groups(dataset: Dataset, rows: Sequence[Row], stage: object) -> tuple[str, ...]:
    """Each row's group, where a stage weighs rows by a column of its data; empty where it does not.

    Raises:
        DataError: when there is no such column.
    """
    mitigation = getattr(stage, "mitigate", None)
    weights = mitigation.reweighing if isinstance(mitigation, Mitigation) else None
    if weights is None or weights.column is None:
        return ()
    dataset.require(weights.column)
    return tuple(str(value) if (value := row.fields.get(weights.column)) is not None else "" for row in rows)
