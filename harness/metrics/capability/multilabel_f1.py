"""F1 where an item has any number of labels, from each label's counts.

`f1_multilabel_micro` pools the counts of all labels; `f1_multilabel_macro` is the mean over the labels that occur
or are predicted; `f1_multilabel_samples` is the mean over items of each one's own F1 (1 where no label is right and
none is given, as it should be for an item without labels; scikit-learn's `zero_division=1`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.core.errors import SuiteError
from harness.core.metric import Metric, MetricContext, MetricKind
from harness.core.metric_structure import PLAIN, MetricStructure
from harness.core.records import FloatArray, Records
from harness.metrics.column_metrics import MeanOf
from harness.metrics.metric_shapes import Factory, RecordMetric, column, divide

_COUNTS = ("tp", "fp", "fn")
NEEDS = "label_counts"
"""What an evaluation `provides` when its records hold `tp.<label>`, `fp.<label>` and `fn.<label>`."""


def label_counts(gold: Collection[str], predicted: Collection[str], labels: Sequence[str]) -> dict[str, float]:
    """`tp.<label>`, `fp.<label>`, `fn.<label>` of one item, its own F1 and whether both sets are equal."""
    counts: dict[str, float] = {}
    for label in labels:
        counts[f"tp.{label}"] = float(label in gold and label in predicted)
        counts[f"fp.{label}"] = float(label not in gold and label in predicted)
        counts[f"fn.{label}"] = float(label in gold and label not in predicted)
    both = len(set(gold) & set(predicted))
    total = len(set(gold)) + len(set(predicted))
    return {**counts, "f1_sample": 2.0 * both / total if total else 1.0, "correct": float(set(gold) == set(predicted))}


@dataclass(slots=True, kw_only=True)
class MultilabelF1(RecordMetric):
    """F1 of one or more labels; `stats` is [n, 3·labels]: TP, FP, FN of each."""

    labels: tuple[str, ...]
    pooled: bool = False
    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        return np.column_stack([column(records, f"{name}.{label}") for label in self.labels for name in _COUNTS])

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        counts = sums.reshape(*sums.shape[:-1], len(self.labels), 3)
        if self.pooled:
            counts = counts.sum(axis=-2, keepdims=True)
        twice = 2.0 * counts[..., 0]
        scores = divide(twice, twice + counts[..., 1] + counts[..., 2])
        # A mean is over the labels that items have: the same ones for every model.
        wanted = (
            counts[..., 0] + counts[..., 2] > 0 if len(self.labels) > 1 and not self.pooled else np.isfinite(scores)
        )
        known = wanted & np.isfinite(scores)
        return divide(np.where(known, scores, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))

    def structure(self, records: Records) -> MetricStructure:
        """The labels of a mean over labels count alike, the rare ones too."""
        if self.pooled:
            return PLAIN
        right = {label: (column(records, f"tp.{label}"), column(records, f"fn.{label}")) for label in self.labels}
        return MetricStructure(parts={label: hit + missed > 0 for label, (hit, missed) in right.items()})


class _Averaged(Factory):
    needs: tuple[str, ...] = (NEEDS,)
    pooled: ClassVar[bool]
    id: ClassVar[str]

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [_f1(self.id, _labels(name, context), self.pooled, context)]


class Micro(_Averaged):
    """Pooled counts."""

    id: ClassVar[str] = "f1_multilabel_micro"
    pooled: ClassVar[bool] = True
    label: str = "F1 over all labels, pooled"
    summary: str = "Micro F1 over the pooled counts of all labels, for multilabel items."


class Macro(_Averaged):
    """Mean over the labels."""

    id: ClassVar[str] = "f1_multilabel_macro"
    pooled: ClassVar[bool] = False
    label: str = "F1, mean over labels"
    summary: str = "Macro F1 over the labels, for multilabel items."


class PerLabel(Factory):
    """One metric `f1_multilabel[<label>]` a label."""

    needs: tuple[str, ...] = (NEEDS,)
    label: str = "F1 of one label"
    summary: str = "F1 per label, for multilabel items."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [_f1(f"f1_multilabel[{label}]", (label,), False, context) for label in _labels(name, context)]


def _f1(name: str, labels: tuple[str, ...], pooled: bool, context: MetricContext) -> MultilabelF1:
    return MultilabelF1(
        id=name, unit="fraction", direction="higher", cluster_unit=context.cluster_unit, labels=labels, pooled=pooled
    )


def _labels(name: str, context: MetricContext) -> tuple[str, ...]:
    if not context.labels:
        raise SuiteError(
            f"the metric {name!r} needs the labels of the task, which are unknown.",
            hint="set them in the task: `labels: [sport, politics]`.",
        )
    return context.labels


f1_multilabel_micro = Micro()
f1_multilabel_macro = Macro()
f1_multilabel_per_label = PerLabel()
f1_multilabel_samples = MeanOf(
    "f1_multilabel_samples",
    "Mean over items of the F1 of their label sets.",
    column="f1_sample",
    unit="fraction",
    label="F1 of the label set, mean over items",
)
subset_accuracy = MeanOf(
    "subset_accuracy",
    "Subset accuracy: fraction of items whose label set is exactly correct.",
    column="correct",
    label="share of items whose label set is exactly right",
)
