"""Adjusted p-values of overlapping slices by what they have in common (Westfall & Young 1993).

Sides of whole clusters are swapped for all slices at once, so that a nested slice moves with the one around it. The
largest studentized difference of all slices that are not claimed yet is what a claim must beat (free step-down max-T):
the chance of any false claim is held, as by Holm, without counting one difference several times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.statistics.bootstrap import evaluate
from harness.statistics.clusters import Groups
from harness.statistics.result import FloatArray, IntArray, Value

_BLOCK = 256
_HELD = 1 << 20
"""Numbers of a block."""
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
    from scipy import sparse

    prepared = [_prepared(part) for part in slices]
    k = prepared[0].change.shape[1]
    observed = np.array([_apart(part, value, np.zeros((1, k)))[0] for part in prepared])
    drawn = np.empty((resamples, len(slices)))
    # A cluster is in few slices, and an item moves few statistics: nearly all of what coins could choose is zero.
    changes = [
        sparse.csr_array((part.change.T.ravel(), np.tile(part.places, k), np.arange(k + 1) * len(part.places)),
                         shape=(k, clusters))
        for part in prepared
    ]  # fmt: skip
    wide = sparse.vstack(changes, format="csr")
    wide.eliminate_zeros()
    coins = _coins(clusters, resamples, seed)
    step = max(_BLOCK, _HELD // max(wide.shape[0], clusters))
    for start in range(0, resamples, step):
        block = coins[:, start : start + step].astype(np.float64)
        chosen = np.asarray(wide @ block).reshape(len(prepared), k, -1)
        for column, part in enumerate(prepared):
            drawn[start : start + step, column] = _apart(part, value, chosen[column].T)
    # A swap for which a figure is undefined counts against a claim.
    drawn = np.where(np.isfinite(drawn), drawn, np.inf)
    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    beaten = np.count_nonzero(largest >= observed[order] * (1 - _TIE), axis=0)
    adjusted = np.empty(len(slices))
    adjusted[order] = np.maximum.accumulate((1 + beaten) / (resamples + 1))
    return adjusted


@lru_cache(maxsize=2)
def _coins(clusters: int, resamples: int, seed: int) -> npt.NDArray[np.bool_]:
    """bool[clusters, resamples]: which are swapped; the same for all metrics of one item set."""
    rng = np.random.default_rng([seed, 7])
    coins = np.empty((clusters, resamples), dtype=np.bool_)
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        coins[:, start : start + size] = (rng.random((size, clusters)) < 0.5).T
    return coins


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
