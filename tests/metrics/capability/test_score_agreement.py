"""Correlations and errors of numbers against scipy and scikit-learn, and how often their intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from harness_support.plain_models import figure
from scipy import stats
from sklearn import metrics as reference

from harness.comparisons.join import Pair
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics
from harness.statistics.inference_settings import InferenceSettings

NAMES = ("pearson", "spearman", "mae", "rmse", "r2")


def scored(gold: np.ndarray, predicted: np.ndarray, protocol: str = "head") -> Records:
    rows = [
        Record(
            f"i{place:05}",
            "d",
            clusters={"parent": f"c{place:05}"},
            slices=("side=left",) if place % 3 else ("side=right",),
            target=str(right),
            stats={"gold": right, "predicted": given, "absolute_error": abs(right - given)},
        )
        for place, (right, given) in enumerate(zip(gold.tolist(), predicted.tolist(), strict=True))
    ]
    return Records.of(RecordsHead("sts", "m", protocol), rows)


def expected(gold: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    return {
        "pearson": stats.pearsonr(gold, predicted).statistic,
        "spearman": stats.spearmanr(gold, predicted).statistic,
        "mae": reference.mean_absolute_error(gold, predicted),
        "rmse": reference.root_mean_squared_error(gold, predicted),
        "r2": reference.r2_score(gold, predicted),
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ties", [False, True])
def test_figures_are_those_of_scipy_and_scikit_learn(name: str, ties: bool) -> None:
    rng = np.random.default_rng(3)
    gold = rng.integers(6, size=300).astype(float) if ties else rng.normal(2000, 5, 300)
    predicted = np.round(gold + rng.normal(size=300), 0 if ties else 6)
    assert figure(scored(gold, predicted), name) == pytest.approx(expected(gold, predicted)[name], rel=1e-9)


@pytest.mark.parametrize("name", ["pearson", "spearman", "r2"])
def test_a_slice_is_the_figure_of_its_rows_alone(name: str) -> None:
    rng = np.random.default_rng(4)
    gold = rng.normal(size=240)
    predicted = gold + rng.normal(size=240)
    records = scored(gold, predicted)
    (metric,) = build_metrics([name], MetricContext(cluster_unit="parent"))
    made = metric_results(records, metric, evaluation="sts", model="m", settings=InferenceSettings(resamples=200))
    levels = {row.slice: row.interval.value for row in made}
    inside = np.arange(240) % 3 > 0
    for slice_name, rows in (("side=left", inside), ("side=right", ~inside)):
        assert levels[slice_name] == pytest.approx(expected(gold[rows], predicted[rows])[name], rel=1e-9)
    sides = (records, scored(gold, gold + rng.normal(size=240)))
    rows = compare(Pair("sts", "a", "b"), PairedRecords(*sides), metric, settings=InferenceSettings(resamples=200))
    assert {row.slice for row in rows} == {None, "side=left", "side=right"}
    assert rows[1].candidate_value == pytest.approx(levels["side=left"], abs=1)
    assert rows[1].delta.low is not None


def test_one_and_the_same_number_has_no_correlation() -> None:
    gold = np.arange(50.0)
    constant = np.full(50, 0.1)
    for name in ("pearson", "spearman"):
        assert np.isnan(figure(scored(gold, constant), name))
    assert figure(scored(gold, np.full(50, gold.mean())), "r2") == pytest.approx(0.0, abs=1e-12)


def test_a_cosine_has_correlations_and_no_errors() -> None:
    gold = np.arange(50.0)
    records = scored(gold, gold / 50, "cosine_mean")
    assert figure(records, "pearson") == pytest.approx(1.0)
    assert np.isnan(figure(records, "mae"))
    assert np.isnan(figure(records, "rmse"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pearson", "spearman"])
@pytest.mark.parametrize("n", [100, 400])
def test_intervals_of_correlations_hold_as_often_as_they_say(name: str, n: int) -> None:
    """500 samples of a bivariate normal with correlation 0.7: the level, and the difference of two models."""
    rho, runs = 0.7, 500
    truth = rho if name == "pearson" else 6 / np.pi * np.arcsin(rho / 2)
    rng = np.random.default_rng(n)
    (metric,) = build_metrics([name], MetricContext(cluster_unit="parent"))
    held, changed, settings = 0, 0, InferenceSettings(resamples=500)
    for _ in range(runs):
        gold = rng.normal(size=n)
        sides = [scored(gold, rho * gold + np.sqrt(1 - rho**2) * rng.normal(size=n)) for _ in range(2)]
        (level,) = metric_results(sides[0], metric, evaluation="sts", model="m", settings=settings, slices=False)
        (change,) = compare(Pair("sts", "a", "b"), PairedRecords(*sides), metric, settings=settings, slices=False)
        held += level.interval.low <= truth <= level.interval.high
        changed += change.delta.low <= 0 <= change.delta.high
    assert 0.92 <= held / runs <= 0.98
    assert 0.92 <= changed / runs <= 0.98
