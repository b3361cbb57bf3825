"""What a comparison allows one to say: better, worse, no clear change."""

from __future__ import annotations

from typing import Literal

from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe

Reading = Literal["better", "worse", "drifted", "unclear", "identical", "undefined"]


FEW = 30
"""Slices with fewer items are never called better or worse."""


WORDS: dict[Reading, str] = {
    "better": "better",
    "worse": "worse",
    "drifted": "drifted",
    "unclear": "no clear change",
    "identical": "identical",
    "undefined": "undefined",
}


def display_interval(comparison: ComparisonResult) -> tuple[float | None, float | None]:
    """The interval that a comparison is read by: on slices the one that holds for all slices at once."""
    if comparison.slice is not None and comparison.correction is not None:
        together = comparison.simultaneous
        return (None, None) if together is None else (together.low, together.high)
    return comparison.delta.low, comparison.delta.high


def classify_change(comparison: ComparisonResult) -> Reading:
    """What a comparison allows one to say: a clear change only when its interval excludes zero
    and, where the p-value was corrected for its family, the correction agrees. Over enough training
    seeds the recipe is read, as gates do, not the first checkpoint."""
    comparison = of_recipe(comparison) if comparison.slice is None else comparison
    if comparison.status != "ok" or comparison.delta.value is None:
        return "undefined"
    if comparison.identical:
        return "identical"
    low, high = display_interval(comparison)
    if low is None or high is None or low <= 0 <= high:
        return "unclear"
    if comparison.p_adjusted is not None and comparison.p_adjusted >= 1 - comparison.delta.confidence:
        return "unclear"
    if comparison.direction == "target":
        return "drifted"
    return "better" if (low > 0) == (comparison.direction == "higher") else "worse"
