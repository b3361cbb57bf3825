import dataclasses
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from harness_support.metric_samples import answers, f1_rows, macro_f1, mean, ratio
from scipy import stats

from harness.statistics.clusters import Groups
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference
from harness.statistics.resampling.bootstrap import bca
from harness.statistics.resampling.random_sums import SharedDraws, chosen_figures, resampled_figures, resampled_sums


def _single(n: int = 150) -> np.ndarray:
    return np.random.default_rng(3).gamma(2, 1, (n, 2)) + np.array([0.0, 1.0])


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_end_points_equal_scipy_on_the_same_distribution(level: float) -> None:
    rows = _single()
    drawn = bca(rows, ratio, Groups.of(None, len(rows)), resamples=2000)

    def figure(top: np.ndarray, bottom: np.ndarray, axis: int = -1) -> np.ndarray:
        return top.sum(axis=axis) / bottom.sum(axis=axis)

    sides = (rows[:, 0], rows[:, 1])
    theirs = stats.bootstrap(sides, figure, paired=True, n_resamples=2, method="percentile")
    ours = dataclasses.replace(theirs, bootstrap_distribution=drawn.distribution)
    oracle = stats.bootstrap(
        sides, figure, paired=True, n_resamples=0, bootstrap_result=ours, confidence_level=level, method="BCa"
    )
    tail = (1 - level) / 2
    expected = (oracle.confidence_interval.low, oracle.confidence_interval.high)
    assert (drawn.quantile(tail), drawn.quantile(1 - tail)) == pytest.approx(expected, abs=1e-9)
    assert drawn.standard_error == pytest.approx(float(oracle.standard_error), abs=1e-12)


def test_acceleration_of_a_mean_is_its_skewness() -> None:
    x = np.random.default_rng(4).gamma(1, 1, (80, 1))
    drawn = bca(x, mean, Groups.of(None, 80), resamples=100)
    assert drawn.acceleration == pytest.approx(float(stats.skew(x[:, 0])) / (6 * math.sqrt(80)), abs=1e-12)


def test_few_cells_and_many_cells_agree() -> None:
    """Values that differ by nothing that matters take the slow path; the distribution is the same."""
    gold, one, two = answers(np.random.default_rng(1), 400)
    noise = np.random.default_rng(2).normal(0, 1e-9, (400, 9))
    sides = [f1_rows(gold, side, 3) for side in (one, two)]
    few = difference(sides[0], sides[1], kind="additive", value=macro_f1, settings=InferenceSettings(resamples=4000))
    many = difference(
        sides[0] + noise, sides[1] + noise, kind="additive", value=macro_f1, settings=InferenceSettings(resamples=4000)
    )
    assert (many.delta.low, many.delta.high) == pytest.approx(
        (few.delta.low, few.delta.high), abs=0.1 * few.delta.standard_error
    )
    assert many.delta.standard_error == pytest.approx(few.delta.standard_error, rel=0.06)
    assert many.p == pytest.approx(few.p, abs=0.03)


def test_standard_error_equals_theory_for_clusters() -> None:
    rng = np.random.default_rng(6)
    x = (rng.normal(0, 1, 200)[:, None] + rng.normal(0, 0.3, (200, 4))).reshape(-1, 1)
    names = np.repeat(np.arange(200), 4).astype(str).tolist()
    drawn = bca(x, mean, Groups.of(names, 800), resamples=4000)
    theory = np.std(x.reshape(200, 4).mean(axis=1)) / math.sqrt(200)
    assert drawn.standard_error == pytest.approx(theory, rel=0.05)


def test_constant_rows_are_undefined() -> None:
    drawn = bca(np.ones((50, 1)), mean, Groups.of(None, 50))
    assert math.isnan(drawn.quantile(0.05))
    assert drawn.weaknesses


def test_a_figure_at_its_ceiling_is_undefined() -> None:
    """Rows differ, but the metric is 1 whatever is drawn."""
    gold = np.random.default_rng(0).integers(0, 2, 60)
    drawn = bca(f1_rows(gold, gold, 2)[:, [0, 1, 2]], lambda s, n: s[..., 0] / s[..., 0], Groups.of(None, 60))
    assert math.isnan(drawn.quantile(0.05))
    assert "same value" in drawn.weaknesses[0]


def test_a_metric_that_is_mostly_undefined_has_no_interval() -> None:
    rows = np.zeros((40, 2))
    rows[0] = [1, 1]
    drawn = bca(rows, ratio, Groups.of(None, 40), resamples=500)
    assert math.isnan(drawn.quantile(0.05))
    assert "undefined" in drawn.weaknesses[0]


def test_few_differing_items_are_said() -> None:
    gold, one, _ = answers(np.random.default_rng(1), 400)
    two = np.where(np.arange(400) < 20, (one + 1) % 3, one)
    found = difference(
        f1_rows(gold, one, 3),
        f1_rows(gold, two, 3),
        kind="additive",
        value=macro_f1,
        settings=InferenceSettings(resamples=200),
    )
    assert any("differ on only 20 items" in text for text in found.weaknesses)


@pytest.mark.parametrize("rows", [5000, 20_000])
def test_poisson_counts_draw_as_the_bootstrap_should(rows: int) -> None:
    """Many distinct rows: the resampled mean has the mean, the spread and the skewness of theory."""
    x = np.random.default_rng(7).gamma(0.5, 1, (rows, 1))
    sums = resampled_sums(x, np.ones(rows, dtype=np.int64), 4000, [0])[:, 0] / rows
    spread = float(np.std(x)) / math.sqrt(rows)
    assert sums.mean() == pytest.approx(x.mean(), abs=4 * spread / math.sqrt(4000))
    assert sums.std() == pytest.approx(spread, rel=0.05)
    assert abs(stats.kurtosis(sums)) < 0.35
    constant = resampled_sums(np.ones((rows, 1)), np.ones(rows, dtype=np.int64), 50, [0])
    assert np.all(constant == rows)


def test_ten_thousand_resamples_of_a_hundred_thousand_items_stay_small() -> None:
    gold, one, two = answers(np.random.default_rng(1), 100_000, classes=10)
    sides = [f1_rows(gold, side, 10) for side in (one, two)]
    tracemalloc.start()
    try:
        found = difference(sides[0], sides[1], kind="additive", value=macro_f1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.delta.low < found.delta.value < found.delta.high
    assert peak < 0.4e9


def test_one_item_set_is_drawn_once_for_all_of_its_metrics() -> None:
    draws = SharedDraws(10_000)
    first = draws.of(20, 100, [0, 0])
    assert draws.of(20, 100, (0, 0)) is first
    assert first.sum(axis=1).tolist() == [20] * 100
    draws.of(90, 100, [0, 0])  # what is kept stays below its limit
    again = draws.of(20, 100, [0, 0])
    assert again is not first
    assert np.array_equal(again, first)


@pytest.mark.parametrize("figures", [resampled_figures, chosen_figures])
def test_thousands_of_classes_are_summed_without_their_zeros(figures: Any) -> None:
    """One-hot rows of 1,500 classes: resampled in parts, and their sums are those of counts times rows."""
    classes = np.random.default_rng(2).integers(0, 1500, 600)
    rows = np.zeros((600, 1500))
    rows[np.arange(600), classes] = 1
    counts = np.ones(600, dtype=np.int64)
    drawn = figures(rows, counts, lambda sums: sums.sum(axis=-1), 300, [0])
    expected = 600 if figures is resampled_figures else 300
    assert drawn.shape == (300,)
    assert drawn.mean() == pytest.approx(expected, rel=0.01)
    weights = np.random.default_rng(3).random(1500)
    weighted = figures(rows, counts, lambda sums: sums @ weights, 300, [0])
    assert weighted.mean() == pytest.approx(expected / 600 * weights[classes].sum(), rel=0.02)
