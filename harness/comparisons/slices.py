"""Slices: overlapping groups of items, looked up once per table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.core.metric import Metric
from harness.core.records import Records

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


def has_slices(metric: Metric) -> bool:
    """Whether a slice of the metric's rows is the metric of the slice.

    Not so for figures of a whole set (`metrics.metric_shapes.JackknifeMetric`), whose rows depend on each other.
    """
    return metric.sliced


def slice_rows(records: Records, rows: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    """Slice name → positions in `rows` (not row numbers) that belong to it, names sorted."""
    members: dict[str, list[int]] = {}
    names = records.texts("slices")
    for position, row in enumerate(rows.tolist()):
        for name in names[row] or ():
            members.setdefault(name, []).append(position)
    return {name: np.array(members[name], dtype=np.int64) for name in sorted(members)}
