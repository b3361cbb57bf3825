import numpy as np
import pytest
from harness_support.interval_ends import ends
from harness_support.metric_samples import answers, f1_rows, macro_f1, mean, ratio
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from harness.core.errors import HarnessError
from harness.statistics.estimate import estimate
from harness.statistics.inference_settings import InferenceSettings

RNG = np.random.default_rng(8)


def test_proportion_is_wilson() -> None:
    right = (RNG.random((200, 1)) < 0.8).astype(float)
    found = estimate(right, kind="mean", value=mean, settings=InferenceSettings(alphas=(0.05,)))
    k = int(right.sum())
    assert (found.interval.low, found.interval.high) == pytest.approx(
        proportion_confint(k, 200, 0.05, "wilson"), abs=1e-9
    )
    assert ends(found.interval, 0.05) == pytest.approx(proportion_confint(k, 200, 0.10, "wilson"), abs=1e-9)
    assert found.interval.value == k / 200


def test_mean_is_student() -> None:
    x = RNG.normal(3, 1, (60, 1))
    found = estimate(x, kind="mean", value=mean)
    interval = stats.ttest_1samp(x[:, 0], 0).confidence_interval(0.95)
    assert (found.interval.low, found.interval.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_a_ratio_of_constant_rate_is_undefined() -> None:
    size = RNG.integers(1, 9, 30).astype(float)
    found = estimate(np.column_stack([2 * size, size]), kind="ratio", value=ratio)
    assert found.interval.value == 2
    assert found.interval.low is None
    assert found.weaknesses


def test_clustered_proportion_is_wider_and_stays_inside() -> None:
    right = np.repeat(RNG.random(40) < 0.97, 10)[:, None].astype(float)
    names = np.repeat(np.arange(40), 10).astype(str).tolist()
    alone = estimate(right, kind="mean", value=mean)
    grouped = estimate(right, kind="mean", value=mean, clusters=names)
    assert grouped.interval.high - grouped.interval.low > 2 * (alone.interval.high - alone.interval.low)
    assert 0 <= grouped.interval.low < grouped.interval.value <= grouped.interval.high <= 1
    assert grouped.clusters == 40


def test_all_right_in_clusters_counts_clusters() -> None:
    names = np.repeat(np.arange(30), 10).astype(str).tolist()
    found = estimate(np.ones((300, 1)), kind="mean", value=mean, clusters=names)
    t2 = stats.t.isf(0.025, 29) ** 2
    assert found.interval.high == 1.0
    assert found.interval.low == pytest.approx(30 / (30 + t2), abs=1e-12)
    assert found.weaknesses


def test_corpus_metric_is_bootstrapped() -> None:
    gold, one, _ = answers(RNG, 300)
    found = estimate(f1_rows(gold, one, 3), kind="additive", value=macro_f1, settings=InferenceSettings(resamples=1000))
    assert found.interval.low < found.interval.value < found.interval.high
    assert "BCa" in found.method
    assert not found.weaknesses


def test_rows_outside_the_metric_are_left_out() -> None:
    x = RNG.normal(0, 1, (50, 1))
    holed = x.copy()
    holed[[3, 9]] = np.nan
    found = estimate(holed, kind="mean", value=mean)
    assert found.n == 48
    assert found.interval.value == pytest.approx(np.delete(x, [3, 9]).mean())


@pytest.mark.parametrize(("kind", "k", "value"), [("mean", 1, mean), ("ratio", 2, ratio), ("additive", 2, ratio)])
def test_undefined_never_raises(kind: str, k: int, value) -> None:
    for rows in (np.empty((0, k)), np.full((5, k), np.nan), np.full((5, k), np.inf)):
        found = estimate(rows, kind=kind, value=value, settings=InferenceSettings(alphas=(0.05, 0.1)))
        assert found.interval.value is None
        assert found.interval.low is None
        assert {bound.alpha for bound in found.interval.bounds} == {0.05, 0.1}
        assert found.weaknesses
    one = estimate(np.full((1, k), 0.5), kind=kind, value=value)
    assert one.interval.low is None
    assert one.weaknesses
    together = estimate(RNG.random((9, k)), kind=kind, value=value, clusters=["a"] * 9)
    assert together.interval.value is not None
    assert together.interval.high is None


def test_no_denominator_is_undefined() -> None:
    found = estimate(np.array([[1.0, -1.0], [1.0, -2.0]]), kind="ratio", value=ratio)
    assert found.interval.value is None
    with pytest.raises(HarnessError, match="columns"):
        estimate(np.ones((3, 3)), kind="ratio", value=ratio)
