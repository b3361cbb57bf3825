"""Accuracy, negative log-likelihood and Brier score of a classification.

Each is the mean of one statistic of the records; records without a right answer are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.metric import Aspect, Metric, MetricContext
from harness.metrics.metric_shapes import Factory, MeanMetric


class Accuracy(Factory):
    """Share of records whose prediction is the target; ties count as the predicted label."""

    needs: tuple[str, ...] = ("target", "correct")
    label: str = "fraction of correct answers"
    short: str = "accuracy"
    summary: str = "Fraction of correct answers."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id="accuracy",
                unit="share",
                direction="higher",
                cluster_unit=context.cluster_unit,
                column="correct",
                needs_target=True,
            )
        ]


class NegativeLogLikelihood(Factory):
    """Mean of −ln p(target): log loss, in nats an item."""

    needs: tuple[str, ...] = ("target", "nll")
    label: str = "negative log-likelihood of the correct answer"
    short: str = "negative log-likelihood of the correct answer"
    aspect: Aspect = "calibration"
    summary: str = "Mean negative log-likelihood of the correct label, in nats; a proper scoring rule."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id="nll",
                unit="nats",
                direction="lower",
                cluster_unit=context.cluster_unit,
                column="nll",
                needs_target=True,
            )
        ]


class Brier(Factory):
    """Mean of Σ over the labels of (p − [label is right])², from 0 to 2 (Brier 1950).

    This is the multi-class form. With two labels it is twice the score of the positive label
    alone, which some libraries call by the same name.
    """

    needs: tuple[str, ...] = ("target", "brier")
    label: str = "squared error of the probabilities"
    short: str = "squared error of the probabilities"
    aspect: Aspect = "calibration"
    summary: str = "Brier score: mean squared error of the label probabilities, summed over the labels (0 to 2)."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id="brier",
                unit="Brier",
                direction="lower",
                cluster_unit=context.cluster_unit,
                column="brier",
                needs_target=True,
            )
        ]


accuracy = Accuracy()
nll = NegativeLogLikelihood()
brier = Brier()
