"""Clusters: items that belong together are summed, resampled and flipped together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.errors import HarnessError
from harness.statistics.distinct_rows import content_order
from harness.statistics.result import FloatArray, IntArray


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
    def of(cls, clusters: Sequence[str] | None, n: int) -> Groups:
        """Numbers the clusters; clusters of one item each are the same as no clusters.

        Raises:
            HarnessError: when there is not one cluster id per item.
        """
        if clusters is None:
            return cls(None, n, n)
        if len(clusters) != n:
            raise HarnessError(f"expected one cluster id for each of {n} items, found {len(clusters)}.")
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
        order = content_order(rows)
        codes = self.codes[order]
        out = np.empty((self.count, rows.shape[1]))
        for column in range(rows.shape[1]):
            out[:, column] = np.bincount(codes, weights=rows[order, column], minlength=self.count)
        return out

    def sizes(self) -> FloatArray:
        """float[C]: items in each cluster."""
        if self.codes is None:
            return np.ones(self.n)
        return np.bincount(self.codes, minlength=self.count).astype(np.float64)
