"""Bias-corrected and accelerated bootstrap over sufficient statistics.

Efron (1987), "Better bootstrap confidence intervals". Clusters are summed first and resampled
whole; the jackknife is `total − cluster`, so leaving one out costs no second pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from harness.core.interval import NAN, Interval
from harness.statistics import caveats
from harness.statistics.clusters import Groups, distinct
from harness.statistics.distributions import normal_cdf, normal_ppf
from harness.statistics.resampling.random_sums import resampled_figures
from harness.statistics.result import FloatArray, IntArray, Value

_TIE = 1e-12
_MAX_UNDEFINED = 0.05
_HELD = 1 << 22


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A bootstrap distribution with what BCa needs.

    Attributes:
        value: the figure on the data.
        distribution: its values on the resamples, sorted, undefined ones left out.
        bias: z₀, from the share of resamples below the value (ties count half).
        acceleration: a, from the leave-one-cluster-out values.
        weaknesses: why bounds are undefined, or deserve less trust.
        left_out, counts: the figure without one cluster of each kind, and how many there are of the kind.
    """

    value: float
    distribution: FloatArray
    bias: float
    acceleration: float
    weaknesses: tuple[str, ...]
    left_out: FloatArray = field(default_factory=lambda: np.empty(0))
    counts: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def standard_error(self) -> float:
        return float(np.std(self.distribution, ddof=1)) if math.isfinite(self.bias) else NAN

    def quantile(self, level: float) -> float:
        """The BCa end point at `level`; NaN when undefined."""
        if not math.isfinite(self.bias):
            return NAN
        shifted = self.bias + normal_ppf(level)
        divisor = 1 - self.acceleration * shifted
        if not divisor > 0:
            return NAN
        adjusted = normal_cdf(self.bias + shifted / divisor)
        return float(np.quantile(self.distribution, adjusted))

    def interval(self, confidence: float, alphas: tuple[float, ...]) -> Interval:
        return Interval.of(
            lambda alpha: (self.quantile(alpha), self.quantile(1 - alpha)),
            confidence,
            alphas,
            self.standard_error,
            self.value,
        )


def bca(stats_rows: FloatArray, value: Value, groups: Groups, resamples: int = 10_000, seed: int = 0) -> Bootstrap:
    """Bootstraps `value` of summed rows by resampling clusters.

    Args:
        stats_rows: [n, k] sufficient statistics, finite, at least one row.
        value: sums [..., k] and numbers of items [...] to values [...].
        groups: clusters of the rows.
        resamples: size of the bootstrap distribution.
        seed: of the resampling; equal seeds give equal results, whatever the order of the rows.
    """
    sums = np.column_stack([groups.sums(stats_rows), groups.sizes()])
    cells, counts = distinct(sums)
    totals = counts @ cells

    def figure(total: FloatArray) -> FloatArray:
        return evaluate(value, total[..., :-1], total[..., -1])

    estimate = float(figure(totals))
    if not math.isfinite(estimate):
        return _undefined(estimate, caveats.UNDEFINED_VALUE)
    if groups.count < 2:
        return _undefined(estimate, caveats.ONE_CLUSTER if groups.clustered else caveats.ONE_ITEM)
    if len(cells) == 1:
        return _undefined(estimate, caveats.CONSTANT)
    drawn = resampled_figures(cells, counts, figure, resamples, [seed, 0])
    known = np.sort(drawn[np.isfinite(drawn)])
    missing = 1 - len(known) / len(drawn)
    if missing > _MAX_UNDEFINED:
        return _undefined(estimate, caveats.undefined_resamples(missing))
    warnings = [caveats.undefined_resamples(missing)] if missing else []
    tolerance = _TIE * max(abs(estimate), float(np.abs(known).max()))
    if known[-1] - known[0] <= tolerance:
        return _undefined(estimate, caveats.CONSTANT)
    below = np.searchsorted(known, estimate - tolerance, side="left")
    upto = np.searchsorted(known, estimate + tolerance, side="right")
    bias = normal_ppf((below + upto) / (2 * len(known)))
    left_out = leave_one_out(figure, totals, cells)
    acceleration = _acceleration(left_out, counts)
    if not math.isfinite(bias):
        warnings.append(caveats.OUTSIDE)
    elif not math.isfinite(acceleration):
        acceleration = 0.0
        warnings.append(caveats.NO_ACCELERATION)
    bias = bias if math.isfinite(bias) else NAN
    return Bootstrap(estimate, known, bias, acceleration, tuple(warnings), left_out, counts)


def evaluate(value: Value, sums: FloatArray, n: FloatArray | float) -> FloatArray:
    """`value` as float64; where the metric divides by zero it is undefined, not a warning."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(value(sums, n), dtype=np.float64)


def leave_one_out(figure: Callable[[FloatArray], FloatArray], total: FloatArray, rows: FloatArray) -> FloatArray:
    """float[n]: a figure of sums without each row, a part of the rows at a time."""
    step = max(1, _HELD // max(1, rows.shape[1]))
    return np.concatenate([figure(total - rows[start : start + step]) for start in range(0, len(rows), step)])


def _acceleration(left_out: FloatArray, counts: IntArray) -> float:
    """a = Σ(θ̄ − θ₍ᵢ₎)³ / (6·(Σ(θ̄ − θ₍ᵢ₎)²)^1.5) over the leave-one-out values of all rows."""
    if not np.isfinite(left_out).all():
        return NAN
    deviations = np.average(left_out, weights=counts) - left_out
    spread = float(counts @ deviations**2)
    if spread <= 0:
        return NAN
    return float(counts @ deviations**3) / float(6 * spread**1.5)


def _undefined(estimate: float, why: str) -> Bootstrap:
    return Bootstrap(estimate, np.empty(0), NAN, NAN, (why,))
