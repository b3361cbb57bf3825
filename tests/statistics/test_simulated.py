"""Simulated coverage and false alarms: quick ones always, thorough ones marked slow."""

import numpy as np
import pytest
from harness_support.simulation import (
    accuracy,
    bits_per_byte,
    coverage,
    f1,
    false_alarms,
    level_coverage,
    margins,
    perplexity,
)
from scipy import stats

from harness.statistics.proportions import mcnemar_exact, tango_bounds


def _least(nominal: float, runs: int) -> float:
    return nominal - 3.5 * float(np.sqrt(nominal * (1 - nominal) / runs))


def _most(nominal: float, runs: int) -> float:
    return nominal + 3.5 * float(np.sqrt(nominal * (1 - nominal) / runs))


@pytest.mark.parametrize("n", [50, 200, 500, 2000])
@pytest.mark.parametrize(("fixed", "broken"), [(0.06, 0.06), (0.03, 0.01), (0.12, 0.05)])
def test_tango_covers(n: int, fixed: float, broken: float) -> None:
    tables = np.random.default_rng(0).multinomial(n, [fixed, broken, 1 - fixed - broken], 20_000)
    for alpha in (0.025, 0.05):
        low, high = tango_bounds(tables[:, 1], tables[:, 0], n, alpha)
        inside = np.mean((low <= fixed - broken) & (fixed - broken <= high))
        # A score interval is right on average over truths, and up to a point off at a single one.
        assert inside >= _least(1 - 2 * alpha, 20_000) - 0.01


@pytest.mark.parametrize("n", [10, 50, 300])
def test_mcnemar_keeps_its_level(n: int) -> None:
    count = np.arange(n + 1)
    p = np.array([mcnemar_exact(int(k), int(n - k)) for k in count])
    assert stats.binom.pmf(count, n, 0.5)[p <= 0.05].sum() <= 0.05


@pytest.mark.parametrize(
    ("make", "size"), [(accuracy, 1), (accuracy, 5), (margins, 1), (margins, 5), (bits_per_byte, 1), (bits_per_byte, 5)]
)
def test_t_intervals_cover_and_keep_their_level(make, size: int) -> None:
    population = make(size, 10_000)
    assert coverage(population, 200, 400) >= _least(0.95, 400)
    assert false_alarms(population, 200, 400) <= _most(0.05, 400)
    assert level_coverage(population, 200, 200) >= _least(0.95, 200)


@pytest.mark.parametrize("size", [1, 5])
def test_bootstrap_covers_and_swaps_keep_their_level(size: int) -> None:
    population = f1(size, 10_000)
    assert coverage(population, 200, 120, resamples=400) >= _least(0.95, 120)
    assert false_alarms(population, 200, 120, resamples=400) <= _most(0.05, 120)


# Resampled figures take a hundred times as long as closed forms: fewer samples of fewer clusters.
CELLS = [(make, clusters, 1500) for make in (accuracy, margins, bits_per_byte) for clusters in (200, 500, 2000)]
CELLS += [(make, clusters, 600) for make in (f1, perplexity) for clusters in (200, 500)]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize(("make", "clusters", "runs"), CELLS)
def test_everything_covers_from_two_hundred_on(make, clusters: int, runs: int, size: int) -> None:
    population = make(size)
    assert coverage(population, clusters, runs, resamples=1000) >= _least(0.95, runs)
    assert false_alarms(population, clusters, runs, resamples=1000) <= _most(0.05, runs)
    assert level_coverage(population, clusters, runs, resamples=1000) >= _least(0.95, runs)
