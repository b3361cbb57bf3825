"""The one-sided bounds of an interval as a pair, for comparison with pairs."""

from __future__ import annotations

from harness.core.interval import Interval, number_or_nan


def ends(interval: Interval | None, alpha: float) -> tuple[float, float]:
    assert interval is not None
    bound = interval.at(alpha)
    return number_or_nan(bound.low), number_or_nan(bound.high)
