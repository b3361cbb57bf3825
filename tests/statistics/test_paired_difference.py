import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from harness_support.interval_ends import ends
from harness_support.metric_samples import answers, f1_rows, macro_f1, mean, ratio
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.core.errors import HarnessError
from harness.core.interval import number_or_nan
from harness.statistics.clusters import Groups
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference
from harness.statistics.proportions import mcnemar_exact, tango, tango_bounds
from harness.statistics.t_intervals import cluster_error

RNG = np.random.default_rng(5)
NAMES = [str(number) for number in RNG.integers(0, 40, 300)]


def _normal(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    base = RNG.normal(1, 1, (n, 1))
    return base, base + RNG.normal(0.1, 0.5, (n, 1))


def test_mean_equals_the_paired_t_test() -> None:
    base, candidate = _normal()
    found = difference(base, candidate, kind="mean", value=mean, settings=InferenceSettings(alphas=(0.05, 0.01)))
    oracle = stats.ttest_rel(candidate[:, 0], base[:, 0])
    interval = oracle.confidence_interval(0.95)
    assert found.p == pytest.approx(oracle.pvalue, abs=1e-9)
    assert (found.delta.low, found.delta.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    tost = oracle.confidence_interval(0.98)
    assert ends(found.delta, 0.01) == pytest.approx((tost.low, tost.high), abs=1e-9)
    assert found.mde == pytest.approx((1.6448536 + 0.8416212) * found.delta.standard_error, rel=1e-6)


def test_clusters_of_one_size_equal_ols_with_cluster_covariance() -> None:
    base, candidate = _normal()
    names = [str(row // 5) for row in range(300)]
    found = difference(base, candidate, kind="mean", value=mean, clusters=names)
    gap = (candidate - base)[:, 0]
    codes = np.unique(names, return_inverse=True)[1]
    fit = sm.OLS(gap, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    # statsmodels also multiplies by (n − 1)/(n − k), which is 1 for a mean.
    assert found.delta.standard_error == pytest.approx(fit.bse[0], abs=1e-9)
    assert (found.delta.low, found.delta.high) == pytest.approx(tuple(fit.conf_int()[0]), abs=1e-9)
    assert found.p == pytest.approx(fit.pvalues[0], abs=1e-9)
    assert found.clusters == 60


def _jackknife(gap: np.ndarray, names: list[str]) -> float:
    left = [gap[np.array(names) != name].mean() for name in sorted(set(names))]
    return math.sqrt((len(left) - 1) / len(left) * np.sum((np.array(left) - gap.mean()) ** 2))


def test_clusters_of_any_size_equal_the_jackknife() -> None:
    base, candidate = _normal()
    names = [str(int(math.sqrt(row))) for row in range(300)]
    found = difference(base, candidate, kind="mean", value=mean, clusters=names)
    assert found.delta.standard_error == pytest.approx(_jackknife((candidate - base)[:, 0], names), abs=1e-12)


def test_binary_without_clusters_is_mcnemar_and_tango() -> None:
    base, candidate = (RNG.random((2, 300, 1)) < 0.7).astype(float)
    found = difference(base, candidate, kind="mean", value=mean, clusters=[str(i) for i in range(300)])
    fixed, broken = int((candidate > base).sum()), int((candidate < base).sum())
    assert found.p == mcnemar_exact(broken, fixed)
    assert (found.delta.low, found.delta.high) == pytest.approx(tango(broken, fixed, 300, 0.025), abs=1e-12)
    assert found.discordant == pytest.approx((fixed + broken) / 300)
    assert found.clusters == found.n == 300


def test_binary_with_clusters_flips_clusters() -> None:
    base, candidate = (RNG.random((2, 300, 1)) < 0.7).astype(float)
    found = difference(base, candidate, kind="mean", value=mean, clusters=NAMES)
    assert "sign flips" in found.test
    assert "Tango" in found.method
    gap = (candidate - base)[:, 0]
    error = _jackknife(gap, NAMES)
    assert found.delta.standard_error == pytest.approx(error, abs=1e-9)
    effect = max(1.0, error**2 / (np.mean((gap - gap.mean()) ** 2) / 300))
    df = cluster_error((gap - gap.mean()) / 300, Groups.of(NAMES, 300), 1.0).df
    tail = stats.norm.sf(stats.t.isf(0.025, df))
    low, high = tango_bounds([(gap < 0).sum() / effect], [(gap > 0).sum() / effect], [300 / effect], tail)
    assert (found.delta.low, found.delta.high) == pytest.approx((low[0], high[0]), abs=1e-12)


def test_ratio_of_sums_equals_the_linearized_formulas() -> None:
    size = RNG.integers(20, 200, 300).astype(float)
    base = np.column_stack([size * RNG.gamma(20, 0.05, 300), size])
    candidate = np.column_stack([base[:, 0] * RNG.normal(1.02, 0.05, 300), size])
    found = difference(base, candidate, kind="ratio", value=ratio)
    rest = 1 - size / size.sum()
    gap = candidate[:, 0] - base[:, 0]
    delta = gap.sum() / size.sum()
    residual = gap - gap.sum() / size.sum() * size
    error = math.sqrt(299 / 300 * ((residual / rest) ** 2).sum()) / size.sum()
    assert found.delta.value == pytest.approx(delta, abs=1e-12)
    assert found.delta.standard_error == pytest.approx(error, abs=1e-12)
    influence = candidate[:, 0] / candidate[:, 0].sum() - base[:, 0] / base[:, 0].sum()
    log_error = math.sqrt(299 / 300 * ((influence / rest) ** 2).sum())
    log = math.log(candidate[:, 0].sum() / base[:, 0].sum())
    # Documents hold unequal parts of the bytes, which costs degrees of freedom.
    held = cluster_error(influence, Groups.of(None, 300), 1.0, size)
    assert 150 < held.df < 299
    assert held.n_eff == pytest.approx(size.sum() ** 2 / (size**2).sum())
    t = stats.t.ppf(0.95, held.df)
    assert found.ratio.value == pytest.approx(math.exp(log), abs=1e-12)
    assert ends(found.ratio, 0.05) == pytest.approx((math.exp(log - t * log_error), math.exp(log + t * log_error)))
    assert found.ratio.low < found.ratio.value < found.ratio.high


@pytest.mark.parametrize("change", [np.exp, lambda value: value * 100])
def test_a_ratio_that_is_not_one_is_refused(change: Callable[[Any], Any]) -> None:
    rows = RNG.gamma(5, 1, (2, 100, 2)) + 1
    with pytest.raises(HarnessError, match=r"kind 'ratio' gives .* the ratio of its statistics is"):
        difference(rows[0], rows[1], kind="ratio", value=lambda s, n: change(ratio(s, n)))
    found = difference(
        rows[0],
        rows[1],
        kind="additive",
        value=lambda s, n: change(ratio(s, n)),
        settings=InferenceSettings(resamples=500),
    )
    assert "BCa" in found.method
    assert found.ratio is None


def test_ratio_of_negative_sums_has_no_ratio_but_a_difference() -> None:
    base = np.column_stack([RNG.normal(-1, 0.1, 50), np.ones(50)])
    candidate = base + np.column_stack([RNG.normal(0.1, 0.1, 50), np.zeros(50)])
    found = difference(base, candidate, kind="ratio", value=ratio)
    assert found.ratio is None
    assert found.delta.low is not None
    assert any("ratio is undefined" in text for text in found.weaknesses)


def _cases() -> list[tuple[str, np.ndarray, np.ndarray, object]]:
    gold, one, two = answers(np.random.default_rng(1), 240)
    rng = np.random.default_rng(2)
    size = rng.integers(5, 50, 240).astype(float)
    return [
        ("mean", rng.normal(0, 1, (240, 1)), rng.normal(0.1, 1, (240, 1)), mean),
        ("mean", (one == gold)[:, None].astype(float), (two == gold)[:, None].astype(float), mean),
        ("ratio", np.column_stack([size * rng.gamma(9, 1, 240), size]), np.column_stack([size * 8, size]), ratio),
        ("additive", f1_rows(gold, one, 3), f1_rows(gold, two, 3), macro_f1),
        ("additive", rng.gamma(9, 1, (240, 2)), rng.gamma(9, 1, (240, 2)), lambda s, n: np.exp(ratio(s, n))),
    ]


def _numbers(found) -> list[float]:
    delta = found.delta
    numbers = [delta.value, delta.low, delta.high, *ends(delta, 0.05), found.p, delta.standard_error]
    return [number_or_nan(number) for number in numbers]


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("case", range(5))
def test_swapping_the_sides_negates_everything(case: int, clustered: bool) -> None:
    kind, base, candidate, value = _cases()[case]
    clusters = NAMES[:240] if clustered else None
    there = difference(
        base, candidate, kind=kind, value=value, clusters=clusters, settings=InferenceSettings(resamples=500)
    )
    back = difference(
        candidate, base, kind=kind, value=value, clusters=clusters, settings=InferenceSettings(resamples=500)
    )
    low, high = ends(there.delta, 0.05)
    assert _numbers(back) == pytest.approx(
        [-there.delta.value, -there.delta.high, -there.delta.low, -high, -low, there.p, there.delta.standard_error],
        abs=1e-12,
    )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), case=st.integers(0, 4), clustered=st.booleans())
def test_permuting_rows_changes_nothing(seed: int, case: int, clustered: bool) -> None:
    kind, base, candidate, value = _cases()[case]
    order = np.random.default_rng(seed).permutation(240)
    clusters = NAMES[:240] if clustered else None
    moved = [NAMES[row] for row in order] if clustered else None
    first = difference(
        base, candidate, kind=kind, value=value, clusters=clusters, settings=InferenceSettings(resamples=300)
    )
    second = difference(
        base[order], candidate[order], kind=kind, value=value, clusters=moved, settings=InferenceSettings(resamples=300)
    )
    assert _numbers(first) == pytest.approx(_numbers(second), abs=1e-12)


@pytest.mark.parametrize("case", [0, 2, 3, 4])
def test_duplicating_every_item_as_a_cluster_changes_no_interval(case: int) -> None:
    kind, base, candidate, value = _cases()[case]
    names = [str(row) for row in range(240)] * 2
    once = difference(base, candidate, kind=kind, value=value, settings=InferenceSettings(resamples=500))
    twice = difference(
        np.vstack([base, base]),
        np.vstack([candidate, candidate]),
        kind=kind,
        value=value,
        clusters=names,
        settings=InferenceSettings(resamples=500),
    )
    assert _numbers(twice) == pytest.approx(_numbers(once), abs=1e-12)


def test_duplicating_binary_items_puts_t_for_z_and_no_more() -> None:
    kind, base, candidate, value = _cases()[1]
    names = [str(row) for row in range(240)] * 2
    twice = difference(
        np.vstack([base, base]), np.vstack([candidate, candidate]), kind=kind, value=value, clusters=names
    )
    fixed, broken = (candidate > base).sum(), (candidate < base).sum()
    tail = stats.norm.sf(stats.t.isf(0.025, 239))
    low, high = tango_bounds([broken * 239 / 240], [fixed * 239 / 240], [239.0], tail)
    assert (twice.delta.low, twice.delta.high) == pytest.approx((low[0], high[0]), abs=1e-12)


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("case", range(5))
def test_identical_systems_are_never_significant(case: int, clustered: bool) -> None:
    kind, base, _, value = _cases()[case]
    found = difference(base, base.copy(), kind=kind, value=value, clusters=NAMES[:240] if clustered else None)
    assert found.identical
    assert found.p == 1.0
    assert found.delta.value == 0.0
    assert found.weaknesses
    assert math.isnan(found.mde)
    if case != 1:
        assert found.delta.low is None
    else:
        assert found.delta.low < 0 < found.delta.high


@pytest.mark.parametrize("case", range(5))
@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_and_one_item_are_undefined(case: int, rows: int) -> None:
    kind, base, candidate, value = _cases()[case]
    found = difference(base[:rows], candidate[:rows], kind=kind, value=value, settings=InferenceSettings(resamples=100))
    assert found.n == rows
    assert found.weaknesses
    if rows == 0:
        assert found.delta.value is None
    if rows == 0 or case != 1:
        assert found.delta.low is None
        assert math.isnan(ends(found.delta, 0.05)[0])


@pytest.mark.parametrize("case", range(5))
def test_one_cluster_is_not_certainty(case: int) -> None:
    kind, base, candidate, value = _cases()[case]
    found = difference(
        base, candidate, kind=kind, value=value, clusters=["all"] * 240, settings=InferenceSettings(resamples=100)
    )
    assert found.delta.value is not None
    assert found.delta.low is None
    assert math.isnan(found.p)
    assert any("one cluster" in text for text in found.weaknesses)


def test_a_constant_difference_is_judged_as_it_is() -> None:
    base = RNG.normal(0, 1, (50, 1))
    found = difference(base, base + 0.1, kind="mean", value=mean)
    assert found.delta.value == pytest.approx(0.1)
    assert found.delta.low == found.delta.high == found.delta.value
    assert found.p < 1e-10
    assert not found.identical


def test_rows_that_are_missing_on_a_side_are_dropped_in_pairs() -> None:
    base, candidate = _normal(60)
    base[3], candidate[4], base[5], candidate[5] = np.nan, np.nan, np.nan, np.nan
    found = difference(base, candidate, kind="mean", value=mean, clusters=NAMES[:60])
    keep = [row for row in range(60) if row not in (3, 4, 5)]
    same = difference(base[keep], candidate[keep], kind="mean", value=mean, clusters=[NAMES[row] for row in keep])
    assert _numbers(found) == pytest.approx(_numbers(same), abs=1e-12)
    assert any("2 items apply to the metric on one side only" in text for text in found.weaknesses)


def test_infinite_and_half_missing_statistics_fail_closed() -> None:
    base, candidate = RNG.gamma(3, 1, (2, 30, 2))
    broken = candidate.copy()
    broken[2, 0] = np.inf
    found = difference(base, broken, kind="ratio", value=ratio)
    assert found.delta.value is None
    assert "infinite" in found.weaknesses[0]
    broken[2, 0] = np.nan
    found = difference(base, broken, kind="ratio", value=ratio)
    assert found.delta.value is None
    assert "but not all" in found.weaknesses[0]


def test_zero_denominator_is_undefined() -> None:
    rows = np.zeros((10, 2))
    found = difference(rows, rows, kind="ratio", value=lambda s, n: np.full(s.shape[:-1], np.nan))
    assert found.delta.value is None
    found = difference(rows, rows + 1, kind="ratio", value=ratio)
    assert found.delta.low is None


def test_metrics_that_must_be_recomputed_are_refused() -> None:
    with pytest.raises(HarnessError, match="recompute"):
        difference(np.ones((3, 1)), np.ones((3, 1)), kind="recompute", value=mean)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(HarnessError, match="shape"):
        difference(np.ones((3, 1)), np.ones((4, 1)), kind="mean", value=mean)
    with pytest.raises(HarnessError, match="columns"):
        difference(np.ones((3, 2)), np.ones((3, 2)), kind="mean", value=mean)
    with pytest.raises(HarnessError, match="cluster id"):
        difference(np.ones((3, 1)), np.ones((3, 1)), kind="mean", value=mean, clusters=["a"])


def test_few_clusters_are_said() -> None:
    base, candidate = _normal(60)
    found = difference(base, candidate, kind="mean", value=mean, clusters=[str(row % 6) for row in range(60)])
    assert any("only 6 clusters" in text for text in found.weaknesses)


def test_seed_zero_is_a_seed() -> None:
    kind, base, candidate, value = _cases()[3]
    runs = [
        difference(base, candidate, kind=kind, value=value, settings=InferenceSettings(resamples=400, seed=seed))
        for seed in (0, 0, 1)
    ]
    assert _numbers(runs[0]) == _numbers(runs[1])
    assert _numbers(runs[0]) != _numbers(runs[2])
