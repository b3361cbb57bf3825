"""Adjusted p-values of overlapping slices by what they have in common (Westfall & Young 1993).

Sides of whole clusters are swapped for all slices at once, so that a nested slice moves with the one around it. The
largest studentized difference of all slices that are not claimed yet is what a claim must beat (free step-down max-T):
the chance of any false claim is held, as by Holm, without counting one difference several times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.statistics.bootstrap import evaluate
from harness.statistics.clusters import Groups
from harness.statistics.result import FloatArray, IntArray, Value

_BLOCK = 256
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class SlicedSides:
    """One slice of two sides.

    Attributes:
        base, candidate: float[n, k], statistics of its items.
        codes: int[n], the cluster of each of its items among those of all slices.
        error: the standard error of its difference.
    """

    base: FloatArray
    candidate: FloatArray
    codes: IntArray
    error: float


def max_t(slices: Sequence[SlicedSides], value: Value, clusters: int, resamples: int, seed: int = 0) -> FloatArray:
    """float[m]: adjusted two-sided p-values of the slices' differences.

    Args:
        value: of the metric, from sums [..., k] and number of items.
        clusters: how many clusters there are in all.
    """
    prepared = [_prepared(part) for part in slices]
    observed = np.array([_apart(part, value, np.zeros((1, part.change.shape[1])))[0] for part in prepared])
    drawn = np.empty((resamples, len(slices)))
    rng = np.random.default_rng([seed, 7])
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        coins = (rng.random((size, clusters)) < 0.5).astype(np.float64)
        for column, part in enumerate(prepared):
            drawn[start : start + size, column] = _apart(part, value, coins[:, part.places] @ part.change)
    # A swap for which a figure is undefined counts against a claim.
    drawn = np.where(np.isfinite(drawn), drawn, np.inf)
    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    beaten = np.count_nonzero(largest >= observed[order] * (1 - _TIE), axis=0)
    adjusted = np.empty(len(slices))
    adjusted[order] = np.maximum.accumulate((1 + beaten) / (resamples + 1))
    return adjusted


@dataclass(frozen=True, slots=True)
class _Prepared:
    lower: FloatArray
    upper: FloatArray
    change: FloatArray
    places: IntArray
    n: float
    error: float


def _prepared(part: SlicedSides) -> _Prepared:
    known = np.isfinite(part.base).all(axis=1) & np.isfinite(part.candidate).all(axis=1)
    base, candidate = part.base[known], part.candidate[known]
    places, codes = np.unique(part.codes[known], return_inverse=True)
    change = Groups(codes.astype(np.int64), len(places), len(base)).sums(candidate - base)
    return _Prepared(base.sum(axis=0), candidate.sum(axis=0), change, places, float(len(base)), part.error)


def _apart(part: _Prepared, value: Value, chosen: FloatArray) -> FloatArray:
    """|T| of assignments that swap what was chosen."""
    after = evaluate(value, part.upper - chosen, np.full(len(chosen), part.n))
    before = evaluate(value, part.lower + chosen, np.full(len(chosen), part.n))
    return np.asarray(np.abs(after - before) / part.error)
