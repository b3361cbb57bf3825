"""Accuracy, negative log-likelihood and Brier score of a classification.

Each is the mean of one statistic of the records; records without a right answer are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from harness.core.metric import Metric, MetricContext
from harness.metrics.metric_shapes import Factory, MeanMetric

CLUSTER = "parent"


class Accuracy(Factory):
    """Share of records whose prediction is the target; ties count as the predicted label."""

    needs: ClassVar[tuple[str, ...]] = ("target", "correct")
    summary: ClassVar[str] = "Fraction of correct answers."

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id="accuracy", unit="share", direction="higher", cluster=CLUSTER, column="correct", needs_target=True
            )
        ]


class NegativeLogLikelihood(Factory):
    """Mean of −ln p(target): log loss, in nats an item."""

    needs: ClassVar[tuple[str, ...]] = ("target", "nll")
    summary: ClassVar[str] = "Mean negative log-likelihood of the correct label, in nats; a proper scoring rule."

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [MeanMetric(id="nll", unit="nats", direction="lower", cluster=CLUSTER, column="nll", needs_target=True)]


class Brier(Factory):
    """Mean of Σ over the labels of (p − [label is right])², from 0 to 2 (Brier 1950).

    This is the multi-class form. With two labels it is twice the score of the positive label
    alone, which some libraries call by the same name.
    """

    needs: ClassVar[tuple[str, ...]] = ("target", "brier")
    summary: ClassVar[str] = (
        "Brier score: mean squared error of the label probabilities, summed over the labels (0 to 2)."
    )

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(id="brier", unit="Brier", direction="lower", cluster=CLUSTER, column="brier", needs_target=True)
        ]


accuracy = Accuracy()
nll = NegativeLogLikelihood()
brier = Brier()
