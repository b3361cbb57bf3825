"""Normal, Student's t, beta, binomial and Poisson: what the tests need of them, by scipy.special.

scipy.stats gives the same numbers, but takes longer to import than a small comparison takes.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from harness.statistics.result import FloatArray


def normal_cdf(x: float) -> float:
    """P(Z ≤ x) of a standard normal Z."""
    return float(special.ndtr(x))


def normal_ppf(share: float) -> float:
    """The x with P(Z ≤ x) = share."""
    return float(special.ndtri(share))


def normal_isf(tail: float) -> float:
    """The x with P(Z > x) = tail."""
    return -normal_ppf(tail)


def normal_sf(x: float) -> float:
    """P(Z > x)."""
    return normal_cdf(-x)


def student_sf(x: float, freedom: float) -> float:
    """P(T > x) of Student's t with so many degrees of freedom."""
    return float(special.stdtr(freedom, -x))


def student_isf(tail: float, freedom: float) -> float:
    """The x with P(T > x) = tail."""
    return -float(special.stdtrit(freedom, tail))


def beta_ppf(share: float, a: float, b: float) -> float:
    """The x with P(B ≤ x) = share, B of a beta distribution."""
    return float(special.betaincinv(a, b, share))


def beta_isf(tail: float, a: float, b: float) -> float:
    """The x with P(B > x) = tail."""
    return float(special.betainccinv(a, b, tail))


def binomial_cdf(count: int, n: int, share: float) -> float:
    """P(at most `count` successes among n)."""
    return float(special.bdtr(count, n, share))


def chi_square_isf(tail: float, df: float) -> float:
    """The x with P(χ² > x) = tail."""
    return float(special.chdtri(df, tail))


def poisson_cdf(counts: FloatArray, mean: float) -> FloatArray:
    """P(N ≤ count), for each count."""
    return np.asarray(special.pdtr(counts, mean), dtype=np.float64)
