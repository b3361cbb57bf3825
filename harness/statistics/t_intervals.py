"""Means and other linear figures: standard errors over clusters, Student's t."""

from __future__ import annotations

import math

import numpy as np

from harness.core.interval import NAN, Interval
from harness.statistics.clusters import Groups
from harness.statistics.distributions import student_isf, student_sf
from harness.statistics.result import FloatArray

_NOISE = 1e-13


def clustered_standard_error(influence: FloatArray, groups: Groups, scale: float) -> float:
    """√(C/(C−1)·Σ_c(Σ_{i∈c} u_i)²) for influences u that sum to zero.

    With u_i = (d_i − δ)/n this is the standard error of a mean over clusters (Liang & Zeger
    1986); with every item its own cluster it is s/√n.

    Args:
        influence: float[n], what each item contributes to the figure's error.
        groups: clusters of the items.
        scale: size of the figures at hand; a spread that is rounding noise beside it counts as none.

    Returns:
        NaN with fewer than two clusters or without spread.
    """
    if groups.count < 2:
        return NAN
    totals = groups.sums(influence[:, None])[:, 0]
    # Squares of the largest and the smallest numbers leave the range of floats; those of their shares do not.
    largest = float(np.max(np.abs(totals)))
    if not 0 < largest < math.inf:
        return NAN
    error = largest * math.sqrt(groups.count / (groups.count - 1) * float(np.sum((totals / largest) ** 2)))
    return error if error > _NOISE * scale else NAN


def t_interval(
    center: float, standard_error: float, freedom: int, confidence: float, alphas: tuple[float, ...]
) -> Interval:
    """center ± t·SE with `freedom` degrees of freedom; NaN when the standard error is."""
    if not standard_error > 0 or freedom < 1:
        return Interval.undefined(confidence, alphas, center)

    def limits(alpha: float) -> tuple[float, float]:
        reach = student_isf(alpha, freedom) * standard_error
        return center - reach, center + reach

    return Interval.of(limits, confidence, alphas, standard_error, center)


def t_test(center: float, standard_error: float, freedom: int) -> float:
    """Two-sided p-value of "the true figure is zero"; NaN without a standard error."""
    if not standard_error > 0 or freedom < 1:
        return NAN
    return 2 * student_sf(abs(center) / standard_error, freedom)


def mean_influence(values: FloatArray) -> FloatArray:
    """u_i = (x_i − x̄)/n."""
    return np.asarray((values - values.mean()) / len(values))


def ratio_influence(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """u_i = (t_i − R·b_i)/Σb for R = Σt/Σb (Taylor linearization of a ratio of sums)."""
    total = bottom.sum()
    return np.asarray((top - top.sum() / total * bottom) / total)


def log_ratio_influence(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """u_i = t_i/Σt − b_i/Σb for log(Σt/Σb)."""
    return np.asarray(top / top.sum() - bottom / bottom.sum())
