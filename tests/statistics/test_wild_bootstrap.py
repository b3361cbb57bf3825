"""The wild cluster bootstrap against its definition, carried out the slow way."""

import itertools
import math

import numpy as np
import pytest
import statsmodels.api as sm
from harness_support.interval_ends import ends
from harness_support.metric_samples import Array, mean, ratio
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.statistics.clusters import Groups
from harness.statistics.estimate import estimate
from harness.statistics.paired_difference import difference
from harness.statistics.t_intervals import mean_influence
from harness.statistics.wild_bootstrap import WildBootstrap

SIX = [w * s for w in (math.sqrt(1.5), 1.0, math.sqrt(0.5)) for s in (-1, 1)]


def _clusters(count: int, seed: int, skew: bool = False) -> tuple[Array, list[str]]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, count)
    centers = rng.gamma(1, 1, count) if skew else rng.normal(0.3, 1, count)
    values = np.concatenate([center + rng.normal(0, 1, size) for center, size in zip(centers, sizes, strict=True)])
    return values[:, None], np.repeat(np.arange(count), sizes).astype(str).tolist()


def _t(values: Array, codes: Array, null: float) -> float:
    """t of a mean by statsmodels' cluster covariance."""
    fit = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    return float((fit.params[0] - null) / fit.bse[0])


def test_p_is_that_of_the_definition() -> None:
    values, names = _clusters(4, 3)
    found = difference(np.zeros_like(values), values, kind="mean", value=mean, clusters=names)
    codes = np.array(names, int)
    observed = abs(_t(values[:, 0], codes, 0.0))
    drawn = [abs(_t(values[:, 0] * np.array(w)[codes], codes, 0.0)) for w in itertools.product(SIX, repeat=4)]
    assert found.p == pytest.approx(np.mean(np.array(drawn) >= observed * (1 - 1e-9)), abs=1e-12)
    assert "all of them" in found.test


@pytest.mark.parametrize("count", [6, 15, 39])
def test_bounds_are_where_the_test_turns(count: int) -> None:
    values, names = _clusters(count, 5)
    found = difference(np.zeros_like(values), values, kind="mean", value=mean, clusters=names, alphas=(0.05,))
    groups = Groups.of(names, len(values))
    shares = np.full(len(values), 1 / len(values))
    wild = WildBootstrap.of(mean_influence(values[:, 0]), shares, groups, float(values.mean()), 0)
    for low, high, level in ((found.delta.low, found.delta.high, 0.05), (*ends(found.delta, 0.05), 0.1)):
        for edge, step in ((low, 1e-9), (high, -1e-9)):
            assert wild.p(edge + step) > level >= wild.p(edge - step)
    assert "wild cluster bootstrap" in found.method


def test_from_forty_clusters_on_it_is_t() -> None:
    values, names = _clusters(40, 5)
    assert "wild" not in difference(np.zeros_like(values), values, kind="mean", value=mean, clusters=names).method


@settings(max_examples=15)
@given(count=st.integers(5, 30), seed=st.integers(0, 10**6), skew=st.booleans())
def test_exchange_and_permutation_change_nothing(count: int, seed: int, skew: bool) -> None:
    values, names = _clusters(count, seed, skew)
    zero = np.zeros_like(values)
    there = difference(zero, values, kind="mean", value=mean, clusters=names)
    back = difference(values, zero, kind="mean", value=mean, clusters=names)
    assert (back.delta.low, back.delta.high, back.p) == pytest.approx(
        (-there.delta.high, -there.delta.low, there.p), abs=1e-9, nan_ok=True
    )
    order = np.random.default_rng(seed).permutation(len(values))
    moved = difference(zero, values[order], kind="mean", value=mean, clusters=[names[row] for row in order])
    assert (moved.delta.low, moved.delta.high, moved.p) == pytest.approx(
        (there.delta.low, there.delta.high, there.p), abs=1e-9, nan_ok=True
    )


def test_ratios_have_a_bootstrap_on_both_scales() -> None:
    rng = np.random.default_rng(3)
    size = rng.integers(50, 500, 60).astype(float)
    base = np.column_stack([size * rng.gamma(20, 0.05, 60), size])
    tuned = np.column_stack([base[:, 0] * rng.normal(1.05, 0.02, 60), size])
    names = [str(row // 6) for row in range(60)]
    found = difference(base, tuned, kind="ratio", value=ratio, clusters=names)
    assert found.delta.low < found.delta.value < found.delta.high
    assert found.ratio.low < found.ratio.value < found.ratio.high
    assert found.p < 0.05
    assert found.ratio.low > 1


def test_levels_too() -> None:
    values, names = _clusters(10, 2)
    found = estimate(values, kind="mean", value=mean, clusters=names)
    assert found.interval.low < found.interval.value < found.interval.high
    assert "wild" in found.method
    assert any("only 10 clusters" in text for text in found.weaknesses)


def test_too_few_clusters_rule_nothing_out() -> None:
    values, names = _clusters(3, 2)
    found = difference(np.zeros_like(values), values, kind="mean", value=mean, clusters=names, alphas=(0.005,))
    assert math.isnan(ends(found.delta, 0.005)[0])
    assert any("no value can be ruled out" in text for text in found.weaknesses)


def _misses(unequal: bool, count: int, runs: int) -> tuple[float, float]:
    """How often the truth is rejected at 5%: by the wild bootstrap, and by t."""
    from scipy import stats

    rng = np.random.default_rng(1)
    limit, found = stats.t.isf(0.025, count - 1), [0, 0]
    for seed in range(runs):
        sizes = np.maximum(1, np.round(rng.lognormal(1.5, 1.0, count))) if unequal else np.full(count, 10.0)
        sums = (rng.normal(0, 1, count) * sizes + rng.normal(0, 1, count) * np.sqrt(sizes)) / sizes.sum()
        shares, center = sizes / sizes.sum(), float(sums.sum())
        wild = WildBootstrap(sums - shares * center, shares, center, seed)
        error = math.sqrt(count / (count - 1) * float(np.sum((sums - shares * center) ** 2)))
        found[0] += wild.p() <= 0.05
        found[1] += abs(center) > limit * error
    return found[0] / runs, found[1] / runs


def test_level_is_kept_with_unequal_clusters_where_t_is_not() -> None:
    wild, student = _misses(unequal=True, count=8, runs=300)
    assert wild <= 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / 300)
    assert student > wild


@pytest.mark.slow
@pytest.mark.parametrize("count", [5, 8, 12, 19, 30])
@pytest.mark.parametrize("unequal", [False, True])
def test_level_is_kept_by_few_clusters(count: int, unequal: bool) -> None:
    wild, _ = _misses(unequal, count, 600)
    assert wild <= 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / 600)
