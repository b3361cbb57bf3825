"""Figures of counterfactual substitution: does the answer move when only the group changes?

Level (`flip_rate`, `score_shift_abs`) and signed direction (`score_shift`) are apart: shifts of
both signs can cancel, and then only the absolute one shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from harness.core.metric import Metric, MetricContext
from harness.metrics.metric_shapes import Factory, MeanMetric

CLUSTER = "original"


class FlipRate(Factory):
    """Mean over items of the share of variants whose predicted label is not the original's."""

    needs: ClassVar[tuple[str, ...]] = ("flipped",)
    summary: ClassVar[str] = "Fraction of swapped texts whose predicted label differs from the original's."

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [MeanMetric(id="flip_rate", unit="share", direction="lower", cluster=CLUSTER, column="flipped")]


class ScoreShiftAbs(Factory):
    """Mean over items of the mean absolute change of the expected score."""

    needs: ClassVar[tuple[str, ...]] = ("shift_abs",)
    summary: ClassVar[str] = "Mean absolute change in the expected score when groups are swapped."

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [MeanMetric(id="score_shift_abs", unit="score", direction="lower", cluster=CLUSTER, column="shift_abs")]


class ScoreShift(Factory):
    """Mean over items of the signed change from the first group of a pair to the second."""

    needs: ClassVar[tuple[str, ...]] = ("shift",)
    summary: ClassVar[str] = (
        "Mean signed change in the expected score, second group minus first in alphabetical order; the ideal is 0."
    )

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(id="score_shift", unit="score", direction="target", ideal=0.0, cluster=CLUSTER, column="shift")
        ]


flip_rate = FlipRate()
score_shift_abs = ScoreShiftAbs()
score_shift = ScoreShift()
