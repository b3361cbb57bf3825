"""One proportion, two proportions on the same items, and the area under a ROC curve.

The variance of the area θ of m positive and k negative items, were θ true, is
θ(1 − θ)·(1 + N·(1 − θ)/(2 − θ) + N·θ/(1 + θ))/(m·k) with N = (m + k)/2 − 1 (Hanley & McNeil 1982; Newcombe 2006,
method 5). The interval of an area holds every θ with |θ̂ − θ| ≤ z·√variance(θ).
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt

from harness.core.interval import NAN
from harness.statistics.distributions import beta_isf, beta_ppf, binomial_cdf, normal_isf, student_isf
from harness.statistics.result import FloatArray

EXACT_ABOVE = 0.05 + 1e-9
"""The largest alpha at which score bounds are used alone."""

_HALVINGS = 60
_ONE_BY_ONE = 16


def wilson(successes: float, n: float, alpha: float, *, df: float | None = None) -> tuple[float, float]:
    """One-sided lower and upper bounds of a proportion, each at level 1 − alpha.

    Wilson (1927): the proportions p with |p̂ − p| ≤ z·√(p(1−p)/n). For a two-sided interval at
    confidence c, give alpha = (1 − c)/2. Above alpha 0.05 a score bound near 0 or 1 errs up to three times as often
    as it may; there the exact bound (Clopper & Pearson 1934) holds where it is wider.

    Args:
        successes: number of successes; need not be whole when `n` is an effective number.
        n: number of items, or an effective number under clustering.
        df: degrees of freedom of Student's t in place of z, for an estimated effective number.
    """
    if n <= 0:
        return NAN, NAN
    z = normal_isf(alpha) if df is None else student_isf(alpha, df)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - reach)
    high = 1.0 if successes == n else min(1.0, middle + reach)
    if alpha > EXACT_ABOVE:
        exact = _exact(successes, n, alpha)
        return min(low, exact[0]), max(high, exact[1])
    return low, high


def exact_interval(successes: int, n: int, confidence: float) -> tuple[float, float]:
    """Two-sided Clopper–Pearson interval of a proportion; covers at least at `confidence`."""
    if n <= 0:
        return NAN, NAN
    return _exact(successes, n, (1 - confidence) / 2)


def _exact(successes: float, n: float, alpha: float) -> tuple[float, float]:
    """One-sided Clopper–Pearson bounds; numbers need not be whole."""
    low = 0.0 if successes <= 0 else beta_ppf(alpha, successes, n - successes + 1)
    high = 1.0 if successes >= n else beta_isf(alpha, successes + 1, n - successes)
    return low, high


def mcnemar_exact(broken: int, fixed: int) -> float:
    """Exact two-sided McNemar test: under no difference, `fixed` is Binomial(broken + fixed, ½).

    No discordant pair gives p = 1.
    """
    discordant = broken + fixed
    if discordant == 0:
        return 1.0
    return min(1.0, 2 * binomial_cdf(min(broken, fixed), discordant, 0.5))


def tango(broken: int, fixed: int, n: int, alpha: float) -> tuple[float, float]:
    """One-sided score bounds of (fixed − broken)/n, each at level 1 − alpha.

    Tango (1998), Statistics in Medicine 17:891: the differences λ with
    |fixed − broken − nλ| ≤ z·√(n(2q̂ + λ(1−λ))), where q̂ is the maximum-likelihood
    probability of "broken" when the difference is λ.

    Args:
        broken: pairs that only the baseline has right.
        fixed: pairs that only the candidate has right.
        n: all pairs.
    """
    if n <= 0:
        return NAN, NAN
    low, high = tango_bounds(np.array([broken]), np.array([fixed]), np.array([n]), alpha)
    return _guarded(broken, fixed, n, alpha, float(low[0]), float(high[0]))


def design_effect(broken: float, fixed: float, n: int, error: float) -> float:
    """How many times the variance of independent pairs a clustered difference has.

    SE²/((b + c − (b−c)²/n)/n²), at least 1 (Rao & Scott 1992, Biometrics 48:577). NaN where clusters do not differ at
    all (no discordant pair, all pairs alike), which says nothing about it.

    Args:
        error: the cluster-robust standard error of the difference; NaN without spread.
    """
    plain = (broken + fixed - (broken - fixed) ** 2 / n) / n**2
    return max(1.0, error**2 / plain) if error > 0 and plain > 0 else NAN


def tango_clustered(
    broken: float, fixed: float, n: float, effect: float, df: float, alpha: float
) -> tuple[float, float]:
    """`tango` of the table divided by the design effect, with Student's t for z.

    The t interval of a clustered 0/1 difference misses on the side of the rarer change: with 1 to 10% of
    pairs discordant it covered 40 to 95% where this covered 93 to 100% (docs/statistics.md).
    """
    # The quantile itself: a t of few degrees of freedom is so large that its normal tail would be zero.
    table = broken / effect, fixed / effect, n / effect
    low, high = _bounds([table[0]], [table[1]], [table[2]], student_isf(alpha, df))
    return _guarded(*table, alpha, float(low[0]), float(high[0]))


def _guarded(broken: float, fixed: float, n: float, alpha: float, low: float, high: float) -> tuple[float, float]:
    """Above alpha 0.05 no bound is shorter than that from the exact bounds of the two discordant shares.

    With b and c broken and fixed, the reach below (c − b)/n is √((c/n − l_c)² + (u_b − b/n)² + 2ρ…), ρ the
    correlation of two cells of one multinomial (Zou & Donner 2008).
    """
    if alpha <= EXACT_ABOVE or n <= 0:
        return low, high
    center = (fixed - broken) / n
    down, up = broken / n, fixed / n
    lost, gained = _exact(broken, n, alpha), _exact(fixed, n, alpha)
    between = math.sqrt(down * up / ((1 - down) * (1 - up))) if max(down, up) < 1 else 0.0

    def reach(first: float, second: float) -> float:
        return math.sqrt(first**2 + second**2 + 2 * between * first * second)

    return (
        max(-1.0, min(low, center - reach(up - gained[0], lost[1] - down))),
        min(1.0, max(high, center + reach(gained[1] - up, down - lost[0]))),
    )


def tango_bounds(
    broken: npt.ArrayLike, fixed: npt.ArrayLike, n: npt.ArrayLike, alpha: float
) -> tuple[FloatArray, FloatArray]:
    """`tango` for arrays of tables (n > 0), by bisection to machine precision."""
    return _bounds(broken, fixed, n, normal_isf(alpha))


def _bounds(broken: npt.ArrayLike, fixed: npt.ArrayLike, n: npt.ArrayLike, z: float) -> tuple[FloatArray, FloatArray]:
    down, up, total = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (broken, fixed, n)))
    # The lower bound is the upper bound of the exchanged table, negated.
    ends = _upper(np.stack([up, down]), np.stack([down, up]), np.stack([total, total]), z)
    return -ends[0], ends[1]


def _upper(down: FloatArray, up: FloatArray, total: FloatArray, z: float) -> FloatArray:
    if down.size <= _ONE_BY_ONE:
        # Numbers one by one take a tenth of the time of arrays this short, and are the same to the last bit.
        ends = map(_upper_of, down.ravel().tolist(), up.ravel().tolist(), total.ravel().tolist(), itertools.repeat(z))
        return np.array(list(ends)).reshape(down.shape)
    inside = (up - down) / total
    outside = np.ones_like(inside)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        accepted = _accepted(middle, down, up, total, z)
        inside = np.where(accepted, middle, inside)
        outside = np.where(accepted, outside, middle)
    return np.asarray(np.where(up == total, 1.0, (inside + outside) / 2))


def _upper_of(down: float, up: float, total: float, z: float) -> float:
    """`_upper` of one table."""
    if up == total:
        return 1.0
    inside, outside = (up - down) / total, 1.0
    sizes, discordant, excess = 2 * total - up + down, up + down, up - down
    for _ in range(_HALVINGS):
        value = (inside + outside) / 2
        rest = value * (1 - value)
        linear = value * sizes - discordant
        root = math.sqrt(max(linear * linear - 8 * total * (-down * value * (1 - value)), 0.0))
        nuisance = (root - linear) / (4 * total)
        if total * value - excess <= z * math.sqrt(total * max(2 * nuisance + rest, 0.0)):
            inside = value
        else:
            outside = value
    return (inside + outside) / 2


def _accepted(
    value: FloatArray, down: FloatArray, up: FloatArray, total: FloatArray, z: float
) -> npt.NDArray[np.bool_]:
    linear = value * (2 * total - up + down) - (up + down)
    constant = -down * value * (1 - value)
    nuisance = (np.sqrt(np.maximum(linear**2 - 8 * total * constant, 0)) - linear) / (4 * total)
    variance = total * np.maximum(2 * nuisance + value * (1 - value), 0)
    # Written without division, so that a variance of zero (λ = 1) needs no case of its own.
    return np.asarray(total * value - (up - down) <= z * np.sqrt(variance))


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
