"""Clusters: items that belong together are summed, resampled and flipped together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.errors import HarnessError
from harness.statistics.distinct_rows import content_order
from harness.statistics.result import FloatArray, IntArray

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
        numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
        if len(numbers) == n:
            return cls(None, n, n)
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
