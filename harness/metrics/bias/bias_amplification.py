"""Amplification: does a model make a gap of its data larger?

Zhao et al. (2017): b(o, g) = c(o, g)/Σ_g' c(o, g') over groups; the mean over outputs o that training
data tie to a group (b_train above 1 over the number of groups) of b_predicted − b_train.

Wang and Russakovsky (2021), directional: the mean over pairs (a, t) of y·Δ + (1 − y)·(−Δ), with
y = [P(a, t) > P(a)·P(t)] in training data. A→T: Δ = P(T̂ = t | a) − P(t | a); T→A: Δ = P(Â = a | t) − P(a | t).
Conditionals without a hat are those of the training data. Cells without a single item have no Δ: they are
counted (`empty_cell_rate`), and the mean is over the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.metric import Metric, MetricContext, MetricKind
from harness.core.records import FloatArray, Records
from harness.metrics.bias.group_fairness import MEMBER, groups_of
from harness.metrics.column_metrics import MeanOf
from harness.metrics.metric_shapes import Factory, RecordMetric, column, divide

DIRECTED = "directed."
Counts = Mapping[tuple[str, str], float]
"""(output, group) → how often they stand together."""


def shares(counts: Counts, outputs: Sequence[str], groups: Sequence[str]) -> FloatArray:
    """b(o, g), float64[outputs, groups]; NaN for an output that meets no group."""
    table = np.array([[counts.get((output, group), 0.0) for group in groups] for output in outputs])
    return divide(table, table.sum(axis=1, keepdims=True) * np.ones_like(table))


def zhao(b_predicted: FloatArray, b_train: FloatArray) -> FloatArray:
    """Zhao's amplification over the last two axes, outputs × groups, of `shares`.

    NaN where no output is tied to a group, or none of those was predicted.
    """
    tied = np.nan_to_num(b_train, nan=0.0) > 1.0 / b_train.shape[-1] + 1e-12
    known = tied & ~np.isnan(b_predicted)
    gaps = np.where(known, np.nan_to_num(b_predicted) - np.nan_to_num(b_train), 0.0).sum(axis=-1)
    return divide(gaps.sum(axis=-1), known.any(axis=-1).sum(axis=-1).astype(np.float64))


def signs(training: Counts, totals: Mapping[str, float], groups: Sequence[str]) -> FloatArray:
    """float64[outputs, groups]: 1 where the training data tie the two (P(a, t) > P(a)·P(t)), else −1.

    Args:
        training: joint counts; each item has one output, and may have several groups or none.
        totals: output → how many items have it.
    """
    joint = np.array([[training.get((output, group), 0.0) for group in groups] for output in totals])
    per_output = np.array(list(totals.values()), dtype=np.float64)[:, None]
    # In counts, which are whole: quotients would be rounded, and some independent cells count as tied.
    return np.where(joint * per_output.sum() > joint.sum(axis=0, keepdims=True) * per_output, 1.0, -1.0)


@dataclass(slots=True, kw_only=True)
class ZhaoMetric(RecordMetric):
    """`stats` is [n, 2·outputs·groups]: predictions by group, and the training shares as constants."""

    labels: tuple[str, ...]
    kind: MetricKind = "additive"

    @property
    def unkept(self) -> Mapping[str, str]:
        return {
            "same_quantity": "labels that a model never predicts are left out: models with other labels are measured "
            "on other cells."
        }

    def rows(self, records: Records) -> FloatArray:
        said = records.texts("prediction")
        member = [column(records, MEMBER + group) for group in groups_of(records)]
        made, fixed = [], []
        for label in self.labels:
            here = np.array([said_label == label for said_label in said], dtype=np.float64)
            made += [here * inside for inside in member]
            fixed += [column(records, f"b_train.{label}|{group}") for group in groups_of(records)]
        return np.column_stack([*made, *fixed]) if made else np.full((len(records), 2), np.nan)

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        half = sums.shape[-1] // 2
        shape = (*sums.shape[:-1], len(self.labels), -1)
        if half < len(self.labels):
            return np.full(sums.shape[:-1], np.nan)
        table, constants = sums[..., :half].reshape(shape), sums[..., half:].reshape(shape)
        count = np.asarray(n, dtype=np.float64)[..., None, None]
        predicted = divide(table, table.sum(axis=-1, keepdims=True) * np.ones_like(table))
        # An output that meets no group in training has a share of −1 in the records.
        training = divide(constants, count * np.ones_like(constants))
        return zhao(predicted, np.where(training < 0, np.nan, training))


@dataclass(slots=True, kw_only=True)
class AttributeToTask(RecordMetric):
    """Directional amplification A→T; `stats` is [n, 2·groups]: members, and their signed cells."""

    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        groups = groups_of(records)
        flat = [column(records, prefix + group) for group in groups for prefix in (MEMBER, DIRECTED)]
        return np.column_stack(flat) if flat else np.full((len(records), 2), np.nan)

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        cells = sums.reshape(*sums.shape[:-1], -1, 2)
        means = divide(cells[..., 1], cells[..., 0])
        known = ~np.isnan(means)
        return divide(np.where(known, means, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


class ZhaoFactory(Factory):
    needs: tuple[str, ...] = ("prediction", "directed")
    label: str = "bias amplification of the predictions over the training labels"
    summary: str = (
        "How much predictions amplify the association of labels and groups in the training data (Zhao et al.)."
    )

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            ZhaoMetric(
                id="bias_amplification",
                unit="share",
                direction="target",
                ideal=0.0,
                cluster_unit=context.cluster_unit,
                labels=context.labels,
            )
        ]


class AttributeToTaskFactory(Factory):
    needs: tuple[str, ...] = ("directed",)
    label: str = "directional bias amplification, from group to label"
    summary: str = "Directional amplification from groups to labels (Wang and Russakovsky); the ideal is 0."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            AttributeToTask(
                id="bias_amp_attribute_to_task",
                unit="share",
                direction="target",
                ideal=0.0,
                cluster_unit=context.cluster_unit,
            )
        ]


amplification = ZhaoFactory()
bias_amp_attribute_to_task = AttributeToTaskFactory()
# Zhao's figure with a model's pronouns for predictions.
pronoun_amplification = MeanOf(
    "pronoun_amplification",
    "How much a model's pronouns amplify the association of words and groups in its data (Zhao et al.).",
    column="zhao_gap",
    direction="target",
    ideal=0.0,
    label="bias amplification of pronouns over the training text",
)
# Directional amplification T→A: groups predicted from words.
bias_amp_task_to_attribute = MeanOf(
    "bias_amp_task_to_attribute",
    "Directional amplification from words to groups (Wang and Russakovsky); the ideal is 0.",
    column="directed_gap",
    direction="target",
    ideal=0.0,
    label="directional bias amplification, from label to group",
)
# The level beside the amplification.
female_pronoun_share = MeanOf(
    "female_pronoun_share",
    "Mean share of the female pronoun over occupations; the ideal is 0.5.",
    column="female_share",
    direction="target",
    ideal=0.5,
    label="share of female pronouns",
    role="companion",
)
# What the other figures could not see.
empty_cell_rate = MeanOf(
    "empty_cell_rate",
    "Fraction of cells without a training item; the amplification excludes them.",
    column="empty",
    direction="lower",
    label="share of group and label combinations without a row",
    role="companion",
)
