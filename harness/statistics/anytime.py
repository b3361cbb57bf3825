"""Bounds that hold at every number of items at once, so that one may look as often as one likes.

Means of bounded values (shares, scores): a mixture of bets against every candidate value (Waudby-Smith & Ramdas 2024,
"Estimating means of bounded random variables by betting"). With values scaled to [0, 1], S_c and n_c the sum and the
number of a cluster's items and N the largest cluster,

    K_u(m) = Π_c (1 + u·(S_c/m − n_c)/N),   0 < u < 1,

is a nonnegative supermartingale when the mean is at most m, whatever the values' distribution; so is any mixture over u
that is fixed beforehand, and it exceeds 1/alpha at any time with a probability of at most alpha (Ville 1939). The lower
bound is the m at which it reaches 1/alpha; K falls in m. It does not depend on the order of the items that were asked.

Everything else (ratios, F1): the asymptotic confidence sequence, θ̂ ± SE·√(2(tρ² + 1)/(tρ²)·log(1 + √(tρ² + 1)/(2α)))
for t clusters (Robbins 1970; Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024).
"""

from __future__ import annotations

import math

import numpy as np

from harness.core.interval import NAN, Interval, number_or_nan
from harness.statistics.clusters import Groups, distinct
from harness.statistics.distributions import normal_isf
from harness.statistics.result import FloatArray, IntArray

LEAST = 30
"""Clusters below which the asymptotic sequence says nothing."""

BETTING = "betting confidence sequence"
ASYMPTOTIC = "asymptotic confidence sequence"

_BETS = np.geomspace(2.0**-9, 0.98, 48)
# Large effects are decided by few items, where a bet that few others share costs most: large bets weigh more.
_WEIGHTS = (1 - np.log(_BETS)) ** -3.0
_WEIGHTS /= _WEIGHTS.sum()
_TUNED = 400.0
_HALVINGS = 42


def bounded_mean(
    values: FloatArray,
    groups: Groups,
    limits: tuple[float, float],
    confidence: float,
    alphas: tuple[float, ...],
    center: float | None = None,
) -> Interval:
    """The mean of bounded values, with bounds that hold at all numbers of items at once.

    Args:
        values: float[n], each within `limits`.
        groups: their clusters.
        limits: what no value can leave, known before any was seen.
        center: the figure itself; the mean of the values when left out.
    """
    low, high = limits
    share = (values - low) / (high - low)
    cells, counts = distinct(np.column_stack([groups.sums(share[:, None]), groups.sizes()]))
    mean = float(counts @ cells[:, 0]) / groups.n

    def ends(alpha: float) -> tuple[float, float]:
        below = _lower(cells[:, 0], cells[:, 1], counts, mean, alpha)
        above = 1 - _lower(cells[:, 1] - cells[:, 0], cells[:, 1], counts, 1 - mean, alpha)
        return low + (high - low) * below, low + (high - low) * above

    return Interval.of(ends, confidence, alphas, NAN, low + (high - low) * mean if center is None else center)


def _lower(sums: FloatArray, sizes: FloatArray, counts: IntArray, mean: float, alpha: float) -> float:
    """The smallest mean in [0, 1] against which the bets have not won 1/alpha."""
    if not mean > 0:
        return 0.0
    bets = _BETS[:, None] / float(sizes.max())
    base, gain = 1 - bets * sizes, bets * sums
    wanted, weights = -math.log(alpha), np.log(_WEIGHTS)

    def lead(value: float) -> float:
        """How far the bets against a mean are beyond what they must win, as a logarithm."""
        wealth = np.log(base + gain / value) @ counts + weights
        largest = float(wealth.max())
        return largest + math.log(float(np.exp(wealth - largest).sum())) - wanted

    # Scoring has scipy; a stored run is judged without it, by bounds that are there.
    from scipy.optimize import brentq

    beaten = mean
    for _ in range(_HALVINGS):
        beaten /= 2
        if lead(beaten) > 0:
            return float(brentq(lead, beaten, min(2 * beaten, mean), xtol=1e-15 + 1e-12 * mean))
    return 0.0


def asymptotic(interval: Interval, clusters: int, alphas: tuple[float, ...]) -> Interval:
    """An interval's figure with bounds that hold at all numbers of clusters at once, for large ones.

    Undefined below 30 clusters and without a standard error.
    """
    center, error = number_or_nan(interval.value), number_or_nan(interval.standard_error)
    if clusters < LEAST or not error > 0:
        return Interval.undefined(interval.confidence, alphas, center)

    def ends(alpha: float) -> tuple[float, float]:
        reach = error * reach_factor(clusters, alpha)
        return center - reach, center + reach

    return Interval.of(ends, interval.confidence, alphas, error, center)


def asymptotic_ratio(ratio: Interval, clusters: int, alphas: tuple[float, ...]) -> Interval:
    """`asymptotic` of a positive ratio, on the log scale; its standard error is that of the interval's width."""
    low, high, value = (number_or_nan(number) for number in (ratio.low, ratio.high, ratio.value))
    if not (low > 0 and high > low and value > 0):
        return Interval.undefined(ratio.confidence, alphas, value)
    # Student's t is wider than the normal quantile, so this error is rather too large than too small.
    error = math.log(high / low) / (2 * normal_isf((1 - ratio.confidence) / 2))
    logarithm = Interval(value=math.log(value), confidence=ratio.confidence, standard_error=error)
    return asymptotic(logarithm, clusters, alphas).mapped(math.exp).with_value(value)


def reach_factor(clusters: float, alpha: float) -> float:
    """How many standard errors an asymptotic bound lies from the figure; smallest about 400 clusters."""
    tail = -2 * math.log(2 * min(alpha, 0.4))
    scale = (tail + math.log(1 + tail) + 1) / _TUNED
    time = clusters * scale
    return math.sqrt(2 * (time + 1) / time * math.log(1 + math.sqrt(time + 1) / (2 * alpha)))
