"""The wild cluster bootstrap of t, for means and ratios of sums over few clusters.

Cameron, Gelbach & Miller (2008), Review of Economics and Statistics 90:414, with the null imposed: under
"the figure is δ₀" every cluster's residual sum keeps its size and gets a random sign (Rademacher weights) or, for
fewer than 12 clusters, one of six weights (Webb 2023, Canadian Journal of Economics 56:839), and t is formed anew. The
interval holds every δ₀ that the test does not reject.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from harness.core.interval import NAN, Interval
from harness.statistics.clusters import Groups
from harness.statistics.result import FloatArray

WILD_BELOW = 40
WEBB_BELOW = 12
_SAMPLES = 9_999
_ALL = 10_000
_TIE = 1e-9
_STEPS = 50
_FARTHEST = 200.0
_WEBB = np.sqrt(np.array([1.5, 1.0, 0.5, 0.5, 1.0, 1.5])) * np.array([-1, -1, -1, 1, 1, 1])


class WildBootstrap:
    """Tests "the figure is δ₀" for any δ₀ from one set of weights.

    Args:
        scores: float[C], every cluster's sum of influences; they sum to zero.
        shares: float[C], how much a cluster's residual changes with the figure; they sum to one.
        center: the figure.
        seed: of the weights; the order of the clusters does not matter.
    """

    def __init__(self, scores: FloatArray, shares: FloatArray, center: float, seed: int = 0) -> None:
        sums = scores + shares * center
        # One orientation and one order for equal content: neither an exchange of the sides nor a permutation
        # of the items changes a draw.
        self._sign = 1.0 if tuple(np.sort(sums)) >= tuple(np.sort(-sums)) else -1.0
        sums = sums * self._sign
        self._count = len(sums)
        self._known: dict[float, tuple[float, float]] = {}
        order = np.lexsort((shares, sums))
        sums, shares = sums[order], shares[order]
        weights, self.exact = _weights(len(sums), seed)
        squares = weights**2
        self._center = center * self._sign
        self._spread = float(np.sum((sums - shares * self._center) ** 2))
        self._size = float(np.sum(shares**2))
        self._m = weights @ sums, weights @ shares
        self._cross = weights @ (shares * sums), weights @ shares**2
        self._square = squares @ sums**2, squares @ (sums * shares), squares @ shares**2
        self._error = math.sqrt(len(sums) / (len(sums) - 1) * self._spread)

    @classmethod
    def of(cls, influence: FloatArray, shares: FloatArray, groups: Groups, center: float, seed: int) -> WildBootstrap:
        """From influences and shares of items, summed by cluster."""
        sums = groups.sums(np.column_stack([influence, shares]))
        return cls(sums[:, 0], sums[:, 1], center, seed)

    @property
    def weights(self) -> str:
        kind = "Webb" if self._count < WEBB_BELOW else "Rademacher"
        return f"{kind} weights, {'all of them' if self.exact else f'{_SAMPLES:,} samples'}"

    def bounded(self, alphas: tuple[float, ...]) -> bool:
        """Whether the bounds at every alpha have an end."""
        return all(np.isfinite(self._limits(alpha)).all() for alpha in alphas)

    def p(self, null: float = 0.0) -> float:
        """Two-sided p-value of "the figure is `null`"."""
        return self._p(null * self._sign)

    def interval(self, confidence: float, alphas: tuple[float, ...]) -> Interval:
        """Every figure that is not rejected; a side without end is NaN, and then both are."""
        return Interval.of(self._limits, confidence, alphas, self._error, self._center * self._sign)

    def _limits(self, alpha: float) -> tuple[float, float]:
        if alpha not in self._known:
            self._known[alpha] = self._ends(alpha)
        return self._known[alpha]

    def _ends(self, alpha: float) -> tuple[float, float]:
        ends = [self._end(2 * alpha, side) for side in (-1.0, 1.0)]
        if not np.isfinite(ends).all():
            return NAN, NAN
        return (ends[0], ends[1]) if self._sign > 0 else (-ends[1], -ends[0])

    def _end(self, level: float, side: float) -> float:
        inside, outside = 0.0, 2.0 * self._error
        while self._p(self._center + side * outside) > level:
            inside, outside = outside, 2.0 * outside
            if outside > _FARTHEST * self._error:
                return NAN
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            if self._p(self._center + side * middle) > level:
                inside = middle
            else:
                outside = middle
        return self._center + side * (inside + outside) / 2

    def _p(self, null: float) -> float:
        moved = self._m[0] - null * self._m[1]
        cross = self._cross[0] - null * self._cross[1]
        square = self._square[0] - 2 * null * self._square[1] + null**2 * self._square[2]
        error = np.maximum(square - 2 * moved * cross + moved**2 * self._size, 0.0)
        # |t*| ≥ |t| without division; a resample without spread is as extreme as can be.
        extreme = int(np.count_nonzero(moved**2 * self._spread >= (self._center - null) ** 2 * error * (1 - _TIE)))
        return extreme / len(moved) if self.exact else (1 + extreme) / (len(moved) + 1)


def _weights(count: int, seed: int) -> tuple[FloatArray, bool]:
    """float[B, C], and whether they are all there are."""
    rng = np.random.default_rng([seed, 3])
    choices = _WEBB if count < WEBB_BELOW else np.array([-1.0, 1.0])
    if len(choices) ** count <= _ALL:
        return np.array(list(itertools.product(choices, repeat=count))), True
    return choices[rng.integers(0, len(choices), (_SAMPLES, count))], False
