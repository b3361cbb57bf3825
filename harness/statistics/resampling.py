"""Random sums of rows in bounded memory: with replacement, and with random halves chosen.

Rows come as distinct cells with counts. Few cells: how often each is drawn is multinomial (or
binomial), so the cost does not grow with the number of rows. Many cells: random counts × rows, as
matrix products over blocks that fit the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.statistics.distributions import poisson_cdf
from harness.statistics.result import FloatArray, IntArray

_BATCH = 1 << 20
_FEW = 8
_LARGE = 4096
_BLOCK = 1 << 13
_RESAMPLES = 64
_ONE_THREAD = 250_000


def resampled_sums(cells: FloatArray, counts: IntArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Sums of as many rows as there are, drawn with replacement: [resamples, k]."""
    total = int(counts.sum())
    if len(cells) * _FEW <= total:
        shares = counts / total
        return _batched(cells, resamples, lambda size: rng.multinomial(total, shares, size=size))
    rows = np.repeat(cells, counts, axis=0)
    if total < _LARGE:
        return _batched(rows, resamples, lambda size: _drawn(rng, total, size))
    return _poisson_sums(rows, resamples, rng)


def chosen_sums(cells: FloatArray, counts: IntArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Sums of the rows that fair coins choose: [resamples, k]."""
    if len(cells) * _FEW <= counts.sum():
        return _batched(cells, resamples, lambda size: rng.binomial(counts, 0.5, size=(size, len(cells))))
    rows = np.repeat(cells, counts, axis=0)
    return _blocked(rows, resamples, lambda size, width: _coins(rng, size, width))


def every_sum(cells: FloatArray, counts: IntArray) -> FloatArray:
    """Sums of all 2^m choices of m rows: [2^m, k]."""
    rows = np.repeat(cells, counts, axis=0)
    choices = (np.arange(2 ** len(rows))[:, None] >> np.arange(len(rows))) & 1
    return np.asarray(choices.astype(np.float64) @ rows)


def _batched(cells: FloatArray, resamples: int, draw: Callable[[int], IntArray]) -> FloatArray:
    out = np.empty((resamples, cells.shape[1]))
    step = max(1, _BATCH // len(cells))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        out[start : start + size] = _product(draw(size), cells)
    return out


def _blocked(rows: FloatArray, resamples: int, draw: Callable[[int, int], npt.NDArray[np.uint8]]) -> FloatArray:
    out = np.zeros((resamples, rows.shape[1]))
    for start in range(0, resamples, _RESAMPLES):
        size = min(_RESAMPLES, resamples - start)
        for first in range(0, len(rows), _BLOCK):
            block = rows[first : first + _BLOCK]
            out[start : start + size] += _product(draw(size, len(block)), block)
    return out


def _product(counts: npt.NDArray[np.integer[Any]], rows: FloatArray) -> FloatArray:
    """counts @ rows in pieces that a BLAS multiplies on one thread.

    A product this thin gains nothing from threads, and on a busy machine waiting for them costs
    twenty times the work.
    """
    k = max(rows.shape[1], 1)
    width = min(len(rows), max(32, _ONE_THREAD // (_RESAMPLES * k)))
    height = max(1, _ONE_THREAD // (width * k))
    out = np.zeros((len(counts), rows.shape[1]))
    for top in range(0, len(counts), height):
        part = counts[top : top + height].astype(np.float64)
        for left in range(0, len(rows), width):
            out[top : top + height] += part[:, left : left + width] @ rows[left : left + width]
    return out


def _drawn(rng: np.random.Generator, total: int, size: int) -> IntArray:
    """How often each of `total` rows (below 65,536) is drawn in `total` draws: [size, total]."""
    picks = rng.integers(0, total, size=(size, total), dtype=np.uint16)
    counts = np.empty((size, total), dtype=np.int64)
    for row in range(size):
        counts[row] = np.bincount(picks[row], minlength=total)
    return counts


def _poisson_sums(rows: FloatArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Draws with replacement as independent Poisson counts that are topped up to the full number.

    Given their sum, independent Poisson counts of one rate are uniform draws; a rate of
    1 − 6/√n keeps the sum below n but once in 10⁹ resamples, and uniform draws make up the
    rest. Counts come from 16 random bits each, which puts their probabilities off by less than 2⁻¹⁶.
    """
    n = len(rows)
    table = _poisson_table(1 - 6 / np.sqrt(n))
    marked = np.column_stack([rows, np.ones(n)])

    def draw(size: int, width: int) -> npt.NDArray[np.uint8]:
        bits = rng.bit_generator.random_raw((size * width + 3) // 4).view(np.uint16)[: size * width]
        return np.asarray(table[bits].reshape(size, width), dtype=np.uint8)

    sums = _blocked(marked, resamples, draw)
    while (over := np.flatnonzero(sums[:, -1] > n)).size:
        sums[over] = _blocked(marked, len(over), draw)
    missing = n - sums[:, -1].astype(np.int64)
    out = sums[:, :-1]
    for row in range(resamples):
        out[row] += rows[rng.integers(0, n, missing[row])].sum(axis=0)
    return out


def _poisson_table(rate: float) -> npt.NDArray[np.uint8]:
    """uint8[65536]: the Poisson count that each 16-bit number stands for."""
    edges = np.rint(poisson_cdf(np.arange(16.0), rate) * 65536).astype(np.int64)
    return np.searchsorted(edges, np.arange(65536), side="right").astype(np.uint8)


def _coins(rng: np.random.Generator, size: int, width: int) -> npt.NDArray[np.uint8]:
    packed = rng.bit_generator.random_raw((size * width + 63) // 64).view(np.uint8)
    return np.unpackbits(packed, count=size * width).reshape(size, width)
