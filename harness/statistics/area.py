"""The area under a ROC curve: a score interval, which holds with few positives and at an area of one.

The variance of the area θ of m positive and k negative items, were θ true, is
θ(1 − θ)·(1 + N·(1 − θ)/(2 − θ) + N·θ/(1 + θ))/(m·k) with N = (m + k)/2 − 1 (Hanley & McNeil 1982; Newcombe 2006,
method 5). The interval holds every θ with |θ̂ − θ| ≤ z·√variance(θ).
"""

from __future__ import annotations

import math

from harness.core.interval import NAN
from harness.statistics.distributions import normal_isf, student_isf

_STEPS = 60


def area_bounds(
    area: float, positives: float, negatives: float, alpha: float, effect: float = 1.0, df: float | None = None
) -> tuple[float, float]:
    """One-sided lower and upper bounds, each at level 1 − alpha.

    Args:
        effect: design effect of clusters, by which the variance is multiplied.
        df: degrees of freedom of Student's t in place of z.
    """
    if positives < 1 or negatives < 1 or not math.isfinite(area):
        return NAN, NAN
    z = normal_isf(alpha) if df is None else student_isf(alpha, df)

    def end(side: float) -> float:
        inside, outside = area, 1.0 if side > 0 else 0.0
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            reach = z * math.sqrt(effect * _variance(middle, positives, negatives))
            if abs(area - middle) <= reach:
                inside = middle
            else:
                outside = middle
        return (inside + outside) / 2

    return end(-1.0), end(1.0)


def _variance(area: float, positives: float, negatives: float) -> float:
    middle = (positives + negatives) / 2 - 1
    spread = 1 + middle * (1 - area) / (2 - area) + middle * area / (1 + area)
    return area * (1 - area) * spread / (positives * negatives)
