"""Slices: overlapping groups of items, looked up once per table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.interfaces import Metric
from harness.core.records import Records

_SLICE_SHARE = 5
_SLICE_LEAST = 2_000


def per_slice(resamples: int) -> int:
    """Resamples for one slice: a fifth of the overall figure's, and at least 2,000.

    There are many slices and their families are corrected; the end points' own Monte Carlo error
    stays below a tenth of the interval's width.
    """
    return min(resamples, max(_SLICE_LEAST, resamples // _SLICE_SHARE))


def has_slices(metric: Metric) -> bool:
    """Whether a slice of the metric's rows is the metric of the slice.

    Not so for figures of a whole set (`metrics.base.SetMetric`), whose rows depend on each other.
    """
    return bool(getattr(metric, "sliced", True))


def slice_rows(records: Records, rows: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    """Slice name → positions in `rows` (not row numbers) that belong to it, names sorted."""
    members: dict[str, list[int]] = {}
    names = records.texts("slices")
    for position, row in enumerate(rows.tolist()):
        for name in names[row] or ():
            members.setdefault(name, []).append(position)
    return {name: np.array(members[name], dtype=np.int64) for name in sorted(members)}
