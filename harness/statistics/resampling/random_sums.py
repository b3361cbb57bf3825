"""Random sums of rows in bounded memory: with replacement, and with random halves chosen.

Rows come as distinct cells with counts. Few cells: how often each is drawn is multinomial (or
binomial), so the cost does not grow with the number of rows. Many cells: random counts × rows, as
matrix products over blocks that fit the processor's cache.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
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

_WIDE = 1024
_HELD = 1 << 23
_SPARSE, _SPARSE_COLUMNS = 0.15, 16
_SPARSE_BLOCK = 256

_TOSSED = 512
"""Up to how many coins are tossed one by one; more are a draw of their number."""

Seed = Sequence[int]
Figure = Callable[[FloatArray], FloatArray]
_Counts = npt.NDArray[np.integer[Any]]
_Product = Callable[[_Counts], FloatArray]


def resampled_figures(cells: FloatArray, counts: IntArray, figure: Figure, resamples: int, seed: Seed) -> FloatArray:
    """`figure` of `resampled_sums`: [resamples], in memory that does not grow with the columns."""
    return _in_parts(resampled_sums, cells, counts, figure, resamples, seed)


def chosen_figures(cells: FloatArray, counts: IntArray, figure: Figure, resamples: int, seed: Seed) -> FloatArray:
    """`figure` of `chosen_sums`: [resamples]."""
    return _in_parts(chosen_sums, cells, counts, figure, resamples, seed)


def _in_parts(
    sums: Callable[[FloatArray, IntArray, int, Seed], FloatArray],
    cells: FloatArray,
    counts: IntArray,
    figure: Figure,
    resamples: int,
    seed: Seed,
) -> FloatArray:
    columns = cells.shape[1]
    if columns < _WIDE:
        return figure(sums(cells, counts, resamples, seed))
    step = max(64, _HELD // columns)
    # Thousands of classes: every part has draws of its own.
    parts = [
        figure(sums(cells, counts, min(step, resamples - start), [*seed, 1 + start]))
        for start in range(0, resamples, step)
    ]
    return np.concatenate(parts)


def resampled_sums(cells: FloatArray, counts: IntArray, resamples: int, seed: Seed) -> FloatArray:
    """Sums of as many rows as there are, drawn with replacement: [resamples, k]."""
    total = int(counts.sum())
    if len(cells) * _FEW <= total:
        rng, shares = np.random.default_rng(seed), counts / total
        return _batched(cells, resamples, lambda size: rng.multinomial(total, shares, size=size))
    rows = np.repeat(cells, counts, axis=0)
    if total < _LARGE:
        drawn = _SHARED.of(total, resamples, seed)
        return _product(rows)(drawn)
    return _poisson_sums(rows, resamples, np.random.default_rng(seed))


def chosen_sums(cells: FloatArray, counts: IntArray, resamples: int, seed: Seed) -> FloatArray:
    """Sums of the rows that fair coins choose: [resamples, k]."""
    rng = np.random.default_rng(seed)
    if len(cells) * _FEW <= counts.sum():
        return _batched(cells, resamples, lambda size: _heads(rng, counts, size))
    rows = np.repeat(cells, counts, axis=0)
    return _blocked(rows, resamples, lambda size, width: _coins(rng, size, width))


class SharedDraws:
    """How often each of n rows is drawn in n draws, kept for the next metric: one item set has many.

    What is drawn follows from numbers alone, never from what is resampled, so sharing changes no figure.

    Args:
        limit: bytes that are kept, the last ones used.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[int, int, tuple[int, ...]], npt.NDArray[np.uint8]] = OrderedDict()

    def of(self, total: int, resamples: int, seed: Seed) -> npt.NDArray[np.uint8]:
        """uint8[resamples, total]; a row is drawn more than 255 times with a probability below 10⁻⁵⁰⁰."""
        key = (total, resamples, tuple(seed))
        counts = self._kept.pop(key, None)
        if counts is None:
            rng = np.random.default_rng(seed)
            # Transposed in memory, as products with sparse rows want them.
            counts = np.empty((total, resamples), dtype=np.uint8).T
            step = max(1, _BATCH // total)
            for start in range(0, resamples, step):
                size = min(step, resamples - start)
                counts[start : start + size] = _drawn(rng, total, size)
        if counts.nbytes <= self._limit:
            self._kept[key] = counts
        while sum(kept.nbytes for kept in self._kept.values()) > self._limit:
            self._kept.popitem(last=False)
        return counts


_SHARED = SharedDraws(1 << 26)


def every_sum(cells: FloatArray, counts: IntArray) -> FloatArray:
    """Sums of all 2^m choices of m rows: [2^m, k]."""
    rows = np.repeat(cells, counts, axis=0)
    choices = (np.arange(2 ** len(rows))[:, None] >> np.arange(len(rows))) & 1
    return np.asarray(choices.astype(np.float64) @ rows)


def _batched(cells: FloatArray, resamples: int, draw: Callable[[int], IntArray]) -> FloatArray:
    out, product = np.empty((resamples, cells.shape[1])), _product(cells)
    step = max(1, _BATCH // len(cells))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        out[start : start + size] = product(draw(size))
    return out


def _blocked(rows: FloatArray, resamples: int, draw: Callable[[int, int], npt.NDArray[np.uint8]]) -> FloatArray:
    out = np.zeros((resamples, rows.shape[1]))
    blocks = [rows[first : first + _BLOCK] for first in range(0, len(rows), _BLOCK)]
    products = [(len(block), _product(block)) for block in blocks]
    for start in range(0, resamples, _RESAMPLES):
        size = min(_RESAMPLES, resamples - start)
        for width, product in products:
            out[start : start + size] += product(draw(size, width))
    return out


def _product(rows: FloatArray) -> _Product:
    """counts → counts @ rows."""
    if rows.shape[1] >= _SPARSE_COLUMNS and np.count_nonzero(rows) < _SPARSE * rows.size:
        return _sparse_product(rows)
    return lambda counts: _dense_product(counts, rows)


def _sparse_product(rows: FloatArray) -> _Product:
    """Of one-hot rows (classes, bins): nearly all products are with zero."""
    from scipy import sparse

    # Looking for what is not zero in one long row of truth values takes a tenth of what scipy's own way takes.
    places = np.flatnonzero(np.ascontiguousarray(rows).ravel() != 0)
    items, sums = np.divmod(places, rows.shape[1])
    columns = sparse.csr_array((rows[items, sums], (sums, items)), shape=rows.shape[::-1])

    def product(counts: _Counts) -> FloatArray:
        out = np.empty((len(counts), rows.shape[1]))
        for top in range(0, len(counts), _SPARSE_BLOCK):
            part = np.ascontiguousarray(counts[top : top + _SPARSE_BLOCK].T, dtype=np.float64)
            out[top : top + _SPARSE_BLOCK] = np.asarray(columns @ part).T
        return out

    return product


def _dense_product(counts: _Counts, rows: FloatArray) -> FloatArray:
    """In pieces that a BLAS multiplies on one thread.

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


def _heads(rng: np.random.Generator, tosses: IntArray, size: int) -> IntArray:
    """How many of so many fair coins show heads: [size, len(tosses)]; of few coins the ones among random bits."""
    heads = np.empty((size, len(tosses)), dtype=np.int64)
    few = tosses <= _TOSSED
    words = np.where(few, -(-tosses // 64), 0)
    ends = np.cumsum(words)
    bits = rng.bit_generator.random_raw(size * int(ends[-1])).reshape(size, -1)
    # The last word of every cell has a bit for each coin that is left, and no more.
    bits[:, ends[few] - 1] >>= (-tosses[few] % 64).astype(np.uint64)
    ones = np.bitwise_count(bits)
    heads[:, few] = np.add.reduceat(ones, (ends - words)[few], axis=1, dtype=np.int64) if few.any() else 0
    heads[:, ~few] = rng.binomial(tosses[~few], 0.5, size=(size, int((~few).sum())))
    return heads


def _coins(rng: np.random.Generator, size: int, width: int) -> npt.NDArray[np.uint8]:
    packed = rng.bit_generator.random_raw((size * width + 63) // 64).view(np.uint8)
    return np.unpackbits(packed, count=size * width).reshape(size, width)
