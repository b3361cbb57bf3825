"""Clusters, whose items are summed, resampled and flipped together, and equal rows, which resampling counts once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.errors import HarnessError
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


Clusters = Sequence[str] | IntArray | None
"""The cluster of every item, by name or by number; None where every item stands for itself."""

_EXACT = 2.0**52


@dataclass(frozen=True, slots=True)
class Groups:
    """Which cluster every item belongs to.

    Attributes:
        codes: int[n] cluster of each item, or None when every item stands for itself.
        count: number of clusters C.
        n: number of items.
    """

    codes: IntArray | None
    count: int
    n: int

    @property
    def clustered(self) -> bool:
        return self.codes is not None

    @classmethod
    def of(cls, clusters: Clusters, n: int) -> Groups:
        """Numbers the clusters in the order in which they occur; clusters of one item each are the same as none.

        Raises:
            HarnessError: when there is not one cluster id per item.
        """
        if clusters is None:
            return cls(None, n, n)
        if len(clusters) != n:
            raise HarnessError(f"expected one cluster id for each of {n} items, found {len(clusters)}.")
        if isinstance(clusters, np.ndarray):
            _, first, codes = np.unique(clusters, return_index=True, return_inverse=True)
            if len(first) == n:
                return cls(None, n, n)
            rank = np.empty(len(first), dtype=np.int64)
            rank[np.argsort(first)] = np.arange(len(first))
            return cls(rank[codes], len(first), n)
        if len(set(clusters)) == n:
            return cls(None, n, n)
        numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
        return cls(np.fromiter(map(numbers.__getitem__, clusters), np.int64, n), len(numbers), n)

    def sums(self, rows: FloatArray) -> FloatArray:
        """[n, k] rows of items to [C, k] sums of clusters.

        Items are added in an order that depends on their content only, so that a permutation of
        the items gives the same bits.
        """
        if self.codes is None:
            return rows
        codes = self.codes
        if not _whole(rows):
            order = content_order(rows)
            codes, rows = codes[order], rows[order]
        out = np.empty((self.count, rows.shape[1]))
        for column in range(rows.shape[1]):
            out[:, column] = np.bincount(codes, weights=rows[:, column], minlength=self.count)
        return out

    def sizes(self) -> FloatArray:
        """float[C]: items in each cluster."""
        if self.codes is None:
            return np.ones(self.n)
        return np.bincount(self.codes, minlength=self.count).astype(np.float64)


def clusters_at(clusters: Clusters, rows: IntArray) -> Clusters:
    """The clusters of some rows."""
    if clusters is None or isinstance(clusters, np.ndarray):
        return None if clusters is None else clusters[rows]
    return [clusters[row] for row in rows.tolist()]


def _whole(rows: FloatArray) -> bool:
    """Whether all numbers are whole ones whose sums are exact in any order."""
    if not rows.size:
        return True
    largest = float(np.abs(rows).max())
    return largest * len(rows) < _EXACT and bool((np.rint(rows) == rows).all())
