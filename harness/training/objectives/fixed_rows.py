"""Rows of equal length as planned batches; objectives say what is hidden in each."""

from __future__ import annotations

import math

from harness.training.objectives.corpus import IntArray


class Rows:
    """Batch `i` is rows i·B … of the corpus.

    Attributes:
        rows: int64[rows, L] in the order in which they are seen.
    """

    def __init__(self, rows: IntArray, size: int, seed: int) -> None:
        self.rows = rows
        self.seed = seed
        self._size = size

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self._size)

    def tokens(self, place: int) -> int:
        return int(self.batch(place).size)

    def batch(self, place: int) -> IntArray:
        """The rows of one batch, as they are in the corpus."""
        return self.rows[place * self._size : (place + 1) * self._size]
