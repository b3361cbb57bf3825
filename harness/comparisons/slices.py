"""Slices: overlapping groups of items, looked up once per table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.core.metric import Metric
from harness.core.records import FloatArray, Records

_SLICE_SHARE = 5
_SLICE_LEAST = 2_000
_BEYOND = 10


def per_slice(resamples: int, alphas: Sequence[float] = ()) -> int:
    """Resamples for one slice: a fifth of the overall figure's, at least 2,000, and never more than overall.

    There are many slices. Where bounds are wanted far out (families are corrected), so many that 10 values lie
    beyond the farthest one, as far as the overall number allows.
    """
    tails = math.ceil(_BEYOND / min(alphas)) if alphas else 0
    return min(resamples, max(_SLICE_LEAST, resamples // _SLICE_SHARE, tails))


def rows_at(metric: Metric, records: Records, stats: FloatArray, positions: npt.NDArray[np.int64]) -> FloatArray:
    """The metric's rows of some of the records: those of `stats`, or made anew where rows depend on each other."""
    if metric.whole and len(positions) < len(records):
        return metric.stats(records.take(positions))
    return stats[positions]


def slice_rows(records: Records, rows: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    """Slice name → positions in `rows` (distinct row numbers) that belong to it, names sorted."""
    places = np.full(len(records), -1, dtype=np.int64)
    places[rows] = np.arange(len(rows))
    inside = {name: np.sort(places[members]) for name, members in records.slice_members.items()}
    positions = {name: order[np.searchsorted(order, 0) :] for name, order in inside.items()}
    return {name: chosen for name, chosen in positions.items() if len(chosen)}
