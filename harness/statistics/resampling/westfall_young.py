"""Adjusted p-values of overlapping slices by what they have in common (Westfall & Young 1993).

Sides of whole clusters are swapped for all slices at once, so that a nested slice moves with the one around it. The
largest studentized difference of all slices that are not claimed yet is what a claim must beat (free step-down max-T):
the chance of any false claim is held, as by Holm, without counting one difference several times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harness.statistics.clusters import Groups
from harness.statistics.resampling.bootstrap import evaluate
from harness.statistics.result import FloatArray, IntArray, Value

_BLOCK = 256
_KEPT = 1 << 23
"""Coins that are kept for the next metric, as the numbers that they are multiplied as."""
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class SlicedSides:
    """One slice of two sides.

    Attributes:
        base, candidate: float[n, k], statistics of its items.
        codes: int[n], the cluster of each of its items among those of all slices.
    """

    base: FloatArray
    candidate: FloatArray
    codes: IntArray


def max_t(slices: Sequence[SlicedSides], value: Value, clusters: int, resamples: int, seed: int = 0) -> FloatArray:
    """float[m]: adjusted two-sided p-values of the slices' differences.

    Slices are weighed by the spread that swaps give them. A standard error about the observed difference is smallest
    where the difference is largest: with it, the chance of a false claim was 6.4% in place of 5%.

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
    changes = [sparse.csr_array(part.change.T) for part in prepared]
    wide = sparse.vstack(
        [
            sparse.csr_array((change.data, part.places[change.indices], change.indptr), shape=(k, clusters))
            for change, part in zip(changes, prepared, strict=True)
        ],
        format="csr",
    )
    start = 0
    for coins in _coins(clusters, resamples, seed):
        chosen = np.asarray(wide @ coins).reshape(len(prepared), k, -1)
        end = start + coins.shape[1]
        for column, part in enumerate(prepared):
            drawn[start:end, column] = _apart(part, value, chosen[column].T)
        start = end
    both = np.vstack([drawn, observed])
    spread = np.sqrt(np.mean(np.where(np.isfinite(both), both, 0.0) ** 2, axis=0))
    spread[spread == 0] = 1.0
    observed = observed / spread
    # A swap for which a figure is undefined counts against a claim.
    drawn = np.where(np.isfinite(drawn), drawn / spread, np.inf)
    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    beaten = np.count_nonzero(largest >= observed[order] * (1 - _TIE), axis=0)
    adjusted = np.empty(len(slices))
    adjusted[order] = np.maximum.accumulate((1 + beaten) / (resamples + 1))
    return adjusted


def _coins(clusters: int, resamples: int, seed: int) -> Iterable[FloatArray]:
    """Blocks [clusters, …] of 1 where a cluster's sides are swapped; the same for all metrics of one item set."""
    kept = clusters * resamples <= _KEPT
    return _kept_coins(clusters, resamples, seed) if kept else _tossed(clusters, resamples, seed)


@lru_cache(maxsize=1)
def _kept_coins(clusters: int, resamples: int, seed: int) -> tuple[FloatArray, ...]:
    return tuple(_tossed(clusters, resamples, seed))


def _tossed(clusters: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    rng = np.random.default_rng([seed, 7])
    for start in range(0, resamples, _BLOCK):
        swapped = rng.random((min(_BLOCK, resamples - start), clusters)) < 0.5
        yield np.ascontiguousarray(swapped.T, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Prepared:
    lower: FloatArray
    upper: FloatArray
    change: FloatArray
    places: IntArray
    n: float


def _prepared(part: SlicedSides) -> _Prepared:
    known = np.isfinite(part.base).all(axis=1) & np.isfinite(part.candidate).all(axis=1)
    base, candidate = part.base[known], part.candidate[known]
    places, codes = np.unique(part.codes[known], return_inverse=True)
    change = Groups(codes.astype(np.int64), len(places), len(base)).sums(candidate - base)
    return _Prepared(base.sum(axis=0), candidate.sum(axis=0), change, places, float(len(base)))


def _apart(part: _Prepared, value: Value, chosen: FloatArray) -> FloatArray:
    """|T| of assignments that swap what was chosen."""
    after = evaluate(value, part.upper - chosen, np.full(len(chosen), part.n))
    before = evaluate(value, part.lower + chosen, np.full(len(chosen), part.n))
    return np.asarray(np.abs(after - before))
