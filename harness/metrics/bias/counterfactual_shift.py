"""Figures of counterfactual substitution: does the answer move when only the group changes?

Level (`flip_rate`, `score_shift_abs`) and signed direction (`score_shift`) are apart: shifts of
both signs can cancel, and then only the absolute one shows them.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.metric import Metric, MetricContext
from harness.metrics.metric_shapes import Factory, MeanMetric


class FlipRate(Factory):
    """Mean over items of the share of variants whose predicted label is not the original's."""

    needs: tuple[str, ...] = ("flipped",)
    label: str = "share of answers that change when groups are swapped"
    short: str = "share of answers that change when people are swapped"
    summary: str = "Fraction of swapped texts whose predicted label differs from the original's."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id="flip_rate", unit="share", direction="lower", cluster_unit=context.cluster_unit, column="flipped"
            )
        ]


class ScoreShiftAbs(Factory):
    """Mean over items of the mean absolute change of the expected score."""

    needs: tuple[str, ...] = ("shift_abs",)
    label: str = "how far the score moves when groups are swapped"
    short: str = "change of the score when people are swapped"
    summary: str = "Mean absolute change in the expected score when groups are swapped."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id="score_shift_abs",
                unit="score",
                direction="lower",
                cluster_unit=context.cluster_unit,
                column="shift_abs",
            )
        ]


class ScoreShift(Factory):
    """Mean over items of the signed change from the first group of a pair to the second."""

    needs: tuple[str, ...] = ("shift",)
    label: str = "which way the score moves when groups are swapped"
    short: str = "direction of the score's change when people are swapped"
    summary: str = (
        "Mean signed change in the expected score, second group minus first in alphabetical order; the ideal is 0."
    )

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id="score_shift",
                unit="score",
                direction="target",
                ideal=0.0,
                cluster_unit=context.cluster_unit,
                column="shift",
            )
        ]


flip_rate = FlipRate()
score_shift_abs = ScoreShiftAbs()
score_shift = ScoreShift()
