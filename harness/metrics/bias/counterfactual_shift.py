"""Figures of counterfactual substitution: does the answer move when only the group changes?

Level (`flip_rate`, `score_shift_abs`) and signed direction (`score_shift`) are apart: shifts of
both signs can cancel, and then only the absolute one shows them.
"""

from __future__ import annotations

from harness.metrics.column_metrics import MeanOf

# Means over items: the share of variants whose predicted label is not the original's, and the change of the score.
flip_rate = MeanOf(
    "flip_rate",
    "Fraction of swapped texts whose predicted label differs from the original's.",
    column="flipped",
    direction="lower",
    label="share of answers that change when groups are swapped",
    short="share of answers that change when people are swapped",
)
score_shift_abs = MeanOf(
    "score_shift_abs",
    "Mean absolute change in the expected score when groups are swapped.",
    column="shift_abs",
    unit="score",
    direction="lower",
    label="how far the score moves when groups are swapped",
    short="change of the score when people are swapped",
)
score_shift = MeanOf(
    "score_shift",
    "Mean signed change in the expected score, second group minus first in alphabetical order; the ideal is 0.",
    column="shift",
    unit="score",
    direction="target",
    ideal=0.0,
    label="which way the score moves when groups are swapped",
    short="direction of the score's change when people are swapped",
)
