"""Equal rows found fast: resampling then needs counts of distinct rows, not rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.statistics.result import FloatArray, IntArray

_UintArray = npt.NDArray[np.uint64]


def row_hashes(rows: FloatArray) -> _UintArray:
    """A 64-bit hash of each row's content (splitmix64 over the bits, column by column)."""
    hashes = np.full(len(rows), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in range(rows.shape[1]):
        # Adding zero turns -0.0 into 0.0, so that equal numbers have equal bits.
        bits = np.ascontiguousarray(rows[:, column] + 0.0).view(np.uint64)
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        hashes += bits
        _mix(hashes)
    return hashes


def content_order(rows: FloatArray) -> npt.NDArray[np.intp]:
    """An order of the rows that depends on their content only, not on where they stand."""
    return np.argsort(row_hashes(rows), kind="stable")


def distinct(rows: FloatArray) -> tuple[FloatArray, IntArray]:
    """The distinct rows in lexicographic order, and how often each occurs.

    Returns:
        cells [u, k] and counts [u].
    """
    # A column of one value tells no rows apart: of one-hot bins and classes, most hold nothing here.
    telling = np.flatnonzero((rows != rows[:1]).any(axis=0))
    told = np.ascontiguousarray(rows[:, telling].T)
    hashes = row_hashes(told.T)
    _, first, inverse, counts = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    cells = rows[first]
    if not all(np.array_equal(column[first][inverse], column) for column in told):
        # Two rows share a hash: the slow way is exact.
        cells, counts = np.unique(rows, axis=0, return_counts=True)
        return cells, counts.astype(np.int64)
    order = np.lexsort(told[::-1, first]) if len(telling) else np.arange(len(cells))
    return np.ascontiguousarray(cells[order]), counts[order].astype(np.int64)


def _mix(values: _UintArray) -> None:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        values ^= values >> np.uint64(shift)
        values *= np.uint64(factor)
