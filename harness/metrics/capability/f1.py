"""F1 per class and its averages, from true positives, false positives and false negatives.

F1 = 2·TP / (2·TP + FP + FN). A class that neither the targets nor the predictions hold has no
F1 (NaN, as scikit-learn's `zero_division=np.nan`). Macro F1 is the mean over the classes of the targets, which are
the same for every model: scikit-learn's with `labels=np.unique(y_true)`. An answer outside of them is a wrong answer
for its target and makes no class of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from harness.core.errors import DataError, SuiteError, unknown
from harness.core.metric import Metric, MetricContext, MetricKind
from harness.core.metric_structure import PLAIN, MetricStructure
from harness.core.records import FloatArray, Records
from harness.metrics.metric_shapes import Factory, RecordMetric, column, divide

Average = Literal["macro", "micro", "weighted"]
_TP, _FP, _FN = range(3)


@dataclass(slots=True, kw_only=True)
class AveragedF1(RecordMetric):
    """F1 over several classes; `stats` is [n, 3·classes]: TP, FP, FN of each class."""

    labels: tuple[str, ...]
    average: Average
    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        return _counts(records, self.labels).reshape(len(records), 3 * len(self.labels))

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        counts = sums.reshape(*sums.shape[:-1], len(self.labels), 3)
        if self.average == "micro":
            return _f1(counts.sum(axis=-2))
        scores = _f1(counts)
        if self.average == "macro":
            weights = (counts[..., _TP] + counts[..., _FN] > 0).astype(np.float64)
        else:
            weights = counts[..., _TP] + counts[..., _FN]
        weighted = np.where(np.isnan(scores), 0.0, scores) * weights
        return divide(weighted.sum(axis=-1), weights.sum(axis=-1))

    def structure(self, records: Records) -> MetricStructure:
        """The labels of a macro average count alike, the rare ones too."""
        if self.average != "macro":
            return PLAIN
        places = {label: place for place, label in enumerate(self.labels)}
        return MetricStructure(classes=_places(records, "target", places), class_names=self.labels)


@dataclass(slots=True, kw_only=True)
class ClassF1(RecordMetric):
    """F1 of one class against the rest; `stats` is [n, 3]: TP, FP, FN."""

    labels: tuple[str, ...]
    positive_label: str
    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        return _counts(records, self.labels)[:, self.labels.index(self.positive_label)].copy()

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return _f1(sums)

    def structure(self, records: Records) -> MetricStructure:
        """Its items are those of the label."""
        right = np.array(records.texts("target"), dtype=object) == self.positive_label
        return MetricStructure(parts={self.positive_label: right})


class _F1(Factory):
    needs: tuple[str, ...] = ("target", "prediction")
    average: ClassVar[Average]

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            AveragedF1(
                id=f"f1_{self.average}",
                unit="fraction",
                direction="higher",
                cluster_unit=context.cluster_unit,
                labels=_labels(name, context),
                average=self.average,
            )
        ]


class MacroF1(_F1):
    """Mean of the classes' F1, each class counting alike."""

    label: str = "F1, mean over labels"
    short: str = "F1 (mean over labels)"
    summary: str = "Macro F1: unweighted mean over the labels of the targets."
    average: ClassVar[Average] = "macro"


class MicroF1(_F1):
    """F1 of the pooled counts; with one label an item it equals accuracy."""

    label: str = "F1 over all answers"
    summary: str = "Micro F1 over pooled counts; equals accuracy if each item has one label."
    average: ClassVar[Average] = "micro"


class WeightedF1(_F1):
    """Mean of the classes' F1, weighted by how many items have the class as target."""

    label: str = "F1, labels weighted by size"
    summary: str = "Weighted F1: mean over the labels, weighted by support."
    average: ClassVar[Average] = "weighted"


@dataclass(slots=True, kw_only=True)
class CountedF1(RecordMetric):
    """F1 from counts that the records hold; `stats` is [n, 3]: TP, FP, FN."""

    columns: tuple[str, ...]
    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        return np.column_stack([column(records, name) for name in self.columns])

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return _f1(sums)


class BinaryF1(Factory):
    """F1 of the second of two labels, as scikit-learn has it where labels are 0 and 1."""

    needs: tuple[str, ...] = ("f1.tp", "f1.fp", "f1.fn")
    label: str = "F1 of the second of two choices"
    summary: str = "F1 of the second of two choices, as lm-eval's `f1` (scikit-learn's default)."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            CountedF1(
                id="f1_binary",
                unit="fraction",
                direction="higher",
                cluster_unit=context.cluster_unit,
                columns=self.needs,
            )
        ]


class PerClassF1(Factory):
    """One metric `f1[<label>]` for each label."""

    needs: tuple[str, ...] = ("target", "prediction")
    label: str = "F1 of one label"
    summary: str = "F1 per label, one-vs-rest, as f1[<label>]."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        labels = _labels(name, context)
        return [
            ClassF1(
                id=f"f1[{label}]",
                unit="fraction",
                direction="higher",
                cluster_unit=context.cluster_unit,
                labels=labels,
                positive_label=label,
            )
            for label in labels
        ]


f1_macro = MacroF1()
f1_micro = MicroF1()
f1_weighted = WeightedF1()
f1_per_class = PerClassF1()
f1_binary = BinaryF1()


def binary_f1_counts(right: int, answer: int) -> dict[str, float]:
    """TP, FP and FN of one item, whose positive label is the place 1."""
    counts = (right == answer == 1, answer == 1 != right, right == 1 != answer)
    return dict(zip(BinaryF1.needs, map(float, counts), strict=True))


def _labels(name: str, context: MetricContext) -> tuple[str, ...]:
    if not context.labels:
        raise SuiteError(
            f"the metric {name!r} needs the labels of the task, which are unknown.",
            hint="set them in the task: `labels: [negative, neutral, positive]`.",
        )
    return context.labels


def _counts(records: Records, labels: tuple[str, ...]) -> FloatArray:
    """float64[n, classes, 3] of TP, FP, FN; NaN where there is no target or no prediction."""
    places = {label: place for place, label in enumerate(labels)}
    targets = _places(records, "target", places)
    predictions = _places(records, "prediction", places)
    counts = np.zeros((len(records), len(labels), 3))
    known = (targets >= 0) & (predictions >= 0)
    counts[~known] = np.nan
    right = np.flatnonzero(known & (targets == predictions))
    wrong = np.flatnonzero(known & (targets != predictions))
    counts[right, targets[right], _TP] = 1.0
    counts[wrong, predictions[wrong], _FP] = 1.0
    counts[wrong, targets[wrong], _FN] = 1.0
    return counts


def _places(records: Records, name: str, places: dict[str, int]) -> npt.NDArray[np.int64]:
    values = records.texts(name)
    for item_id, value in zip(records.item_ids, values, strict=True):
        if value is not None and value not in places:
            raise DataError(
                f"records of {records.head.evaluation!r}, item {item_id}: {unknown('label', value, places)}",
                hint="run the suite again, so that records and labels agree.",
            )
    return np.array([-1 if value is None else places[value] for value in values], dtype=np.int64)


def _f1(counts: FloatArray) -> FloatArray:
    twice = 2.0 * counts[..., _TP]
    return divide(twice, twice + counts[..., _FP] + counts[..., _FN])
