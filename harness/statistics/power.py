"""Before anything runs: what can this many items show, and how many are needed?

All formulas are the usual normal approximations; they plan, they do not judge.
"""

from __future__ import annotations

import math

from harness.core.interval import NAN
from harness.statistics.distributions import chi_square_isf, normal_cdf, normal_isf


def mde(standard_error: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """(z₁₋α + z_power)·SE: the true difference that a one-sided test finds with this power."""
    if not standard_error > 0:
        return NAN
    return (_z(alpha) + _z(1 - power)) * standard_error


def effective_n(n: float, clusters: float | None = None, icc: float | None = None) -> float:
    """Items that count: n divided by the design effect 1 + (n/C − 1)·icc (Kish 1965).

    Without an intra-cluster correlation, clusters count as one item each: the safe end.
    """
    if clusters is None or clusters >= n:
        return float(n)
    if icc is None:
        return float(clusters)
    return n / (1 + (n / clusters - 1) * icc)


def needed_n(margin: float, variance: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Items that a one-sided test needs to tell a difference of `margin` from none.

    n = (z₁₋α + z_power)²·variance/margin². For paired binary statistics the variance of a
    pair's difference is the discordance: 1 point at 15% takes 9,274 items.

    Raises:
        ValueError: when margin or variance is not positive.
    """
    _positive(margin=margin, variance=variance)
    return _ceil((_z(alpha) + _z(1 - power)) ** 2 * variance / margin**2)


def needed_n_observed(n: int, standard_error: float, distance: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Items needed when `n` items gave `standard_error`, and the truth is `distance` from the limit.

    The standard error shrinks with √n, clustered or not, when clusters grow in number and not
    in size.

    Raises:
        ValueError: when standard error or distance is not positive.
    """
    _positive(standard_error=standard_error, distance=distance)
    # As a share: squares of very large or small figures leave the range of floats. Nobody asks for 1e100² items.
    share = min(standard_error / distance, 1e100)
    return needed_n(1.0, share**2 * n, alpha, power) if share**2 * n > 0 else 1


def needed_n_between(
    n: int, standard_error: float, below: float, above: float, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Items at which both bounds lie within two limits with this power, when `n` gave `standard_error`.

    Args:
        below, above: distances from the true value to the two limits, both positive.

    Raises:
        ValueError: when standard error or a distance is not positive.
    """
    _positive(standard_error=standard_error, below=below, above=above)
    near, far, z = min(below, above), max(below, above), _z(alpha)

    def passes(size: float) -> float:
        error = standard_error * math.sqrt(n / size)
        return normal_cdf(near / error - z) + normal_cdf(far / error - z) - 1

    least = needed_n_observed(n, standard_error, near, alpha, power)
    low, high = float(least), 4.0 * least
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) >= power else (middle, high)
    return least if passes(least) >= power else _ceil(high)


def variance_range(n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Factors between which a variance that was estimated from n items lies: (n−1)/χ² at both ends."""
    if not n > 1:
        return 0.0, math.inf
    tail = (1 - confidence) / 2
    return (n - 1) / chi_square_isf(tail, n - 1), (n - 1) / chi_square_isf(1 - tail, n - 1)


def _z(tail: float) -> float:
    return normal_isf(tail)


def _ceil(number: float) -> int:
    return math.ceil(number - 1e-9)


def _positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not (number > 0 and math.isfinite(number)):
            raise ValueError(f"{name} must be above zero and finite, found {number}")
