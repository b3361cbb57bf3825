"""Normal, Student's t, beta, binomial and Poisson: what the tests need of them.

The normal distribution is the standard library's (Wichura 1988, AS 241), so that a stored run is judged without scipy.
The others are scipy.special's: scipy.stats gives the same numbers, but takes longer to import than a small comparison.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from harness.statistics.result import FloatArray

_STANDARD = NormalDist()


def normal_cdf(x: float) -> float:
    """P(Z ≤ x) of a standard normal Z."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def normal_ppf(share: float) -> float:
    """The x with P(Z ≤ x) = share; infinite at 0 and 1, NaN outside."""
    if 0 < share < 1:
        return _STANDARD.inv_cdf(share)
    return {0.0: -math.inf, 1.0: math.inf}.get(float(share), math.nan)


def normal_isf(tail: float) -> float:
    """The x with P(Z > x) = tail."""
    return -normal_ppf(tail)


def normal_sf(x: float) -> float:
    """P(Z > x)."""
    return normal_cdf(-x)


def student_sf(x: float, freedom: float) -> float:
    """P(T > x) of Student's t with so many degrees of freedom."""
    from scipy import special

    return float(special.stdtr(freedom, -x))


@lru_cache(maxsize=1 << 14)  # the slices of all metrics ask for the same few
def student_isf(tail: float, freedom: float) -> float:
    """The x with P(T > x) = tail."""
    from scipy import special

    return -float(special.stdtrit(freedom, tail))


def beta_ppf(share: float, a: float, b: float) -> float:
    """The x with P(B ≤ x) = share, B of a beta distribution."""
    from scipy import special

    return float(special.betaincinv(a, b, share))


def beta_isf(tail: float, a: float, b: float) -> float:
    """The x with P(B > x) = tail."""
    from scipy import special

    return float(special.betainccinv(a, b, tail))


def binomial_cdf(count: int, n: int, share: float) -> float:
    """P(at most `count` successes among n)."""
    from scipy import special

    return float(special.bdtr(count, n, share))


def chi_square_isf(tail: float, df: float) -> float:
    """The x with P(χ² > x) = tail."""
    from scipy import special

    return float(special.chdtri(df, tail))


def poisson_cdf(counts: FloatArray, mean: float) -> FloatArray:
    """P(N ≤ count), for each count."""
    from scipy import special

    return np.asarray(special.pdtr(counts, mean), dtype=np.float64)
