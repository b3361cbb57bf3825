"""Tests that swap the two sides of whole clusters.

When the two systems are exchangeable, swapping what they did on any cluster changes nothing in
distribution. Fisher (1935); Noreen (1989), "approximate randomization". Few clusters that
differ: every swap is tried. Many: p = (1 + #{|T*| ≥ |T|})/(B + 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.core.interval import NAN
from harness.statistics.clusters import Groups, distinct
from harness.statistics.resampling.bootstrap import evaluate
from harness.statistics.resampling.random_sums import chosen_figures, every_sum
from harness.statistics.result import FloatArray, Value

_EXACT = 13
_TIE = 1e-9
_NOISE = 1e-13


@dataclass(frozen=True, slots=True)
class RandomizationTest:
    """A two-sided p-value, and how it came about.

    Attributes:
        p: NaN when the statistic is undefined.
        exact: every assignment was tried, instead of a sample.
        differing: clusters on which the sides differ.
    """

    p: float
    exact: bool
    differing: int


def sign_flip(differences: FloatArray, groups: Groups, resamples: int = 10_000, seed: int = 0) -> RandomizationTest:
    """Flips the signs of whole clusters' differences; the statistic is their sum.

    Args:
        differences: float[n], candidate − baseline per item.
    """
    # Under flips, a cluster's sum and its negative are the same; absolute values make the
    # p-value equal under an exchange of the two sides, to the last bit.
    sizes = np.abs(groups.sums(differences[:, None]))
    observed = abs(float(differences.sum()))
    total = float(sizes.sum())
    return _test(sizes, lambda chosen: 2 * chosen[:, 0] - total, observed, _NOISE * total, resamples, seed)


def side_swap(
    base: FloatArray, candidate: FloatArray, value: Value, groups: Groups, resamples: int = 10_000, seed: int = 0
) -> RandomizationTest:
    """Swaps the sides of whole clusters; the statistic is value(candidate) − value(base).

    Args:
        base, candidate: [n, k] sufficient statistics of the same items.
        value: sums [..., k] and number of items to values.
    """
    lower, upper = base.sum(axis=0), candidate.sum(axis=0)
    n = float(groups.n)
    levels = evaluate(value, np.stack([lower, upper]), n)
    observed = abs(float(levels[1] - levels[0]))

    def statistic(chosen: FloatArray) -> FloatArray:
        return np.asarray(evaluate(value, upper - chosen, n) - evaluate(value, lower + chosen, n))

    noise = _NOISE * float(np.abs(levels).max())
    return _test(groups.sums(candidate - base), statistic, observed, noise, resamples, seed)


def _test(
    rows: FloatArray,
    statistic: Callable[[FloatArray], FloatArray],
    observed: float,
    noise: float,
    resamples: int,
    seed: int,
) -> RandomizationTest:
    rows = rows[np.any(rows != 0, axis=1)]
    differing = len(rows)
    if differing == 0:
        return RandomizationTest(1.0, True, 0)
    if not np.isfinite(observed):
        return RandomizationTest(NAN, False, differing)
    cells, counts = distinct(rows)
    exact = differing <= _EXACT
    if exact:
        drawn = np.abs(statistic(every_sum(cells, counts)))
    else:
        drawn = np.abs(chosen_figures(cells, counts, statistic, resamples, [seed, 1]))
    # An assignment for which the metric is undefined counts against a claim of difference.
    extreme = int(np.count_nonzero(~(drawn < observed * (1 - _TIE) - noise)))
    p = extreme / len(drawn) if exact else (1 + extreme) / (len(drawn) + 1)
    return RandomizationTest(p, exact, differing)
