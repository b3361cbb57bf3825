"""Costly values of some items, cheap ones of all: the same mean, surer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from harness_support.metric_samples import mean

import harness
from harness.core.errors import DataError
from harness.statistics.control_variates import adjusted_mean
from harness.statistics.estimate import estimate


def drawn(rng: np.random.Generator, n: int, total: int, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Values with mean 0.3 and variance 1 + noise² of which cheap ones know all but the noise."""
    cheap = np.column_stack([rng.normal(0, 1, total), rng.random(total)])
    values = 0.3 + cheap[:, 0] + rng.normal(0, noise, total)
    values[rng.permutation(total)[n:]] = np.nan
    return values, cheap


def test_without_cheap_information_it_is_the_plain_interval() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 200)
    plain = estimate(values[:, None], kind="mean", value=mean)
    found = adjusted_mean(values, np.ones((200, 1)))
    assert (found.interval.low, found.interval.high) == pytest.approx((plain.interval.low, plain.interval.high))
    assert (found.plain.low, found.plain.high) == pytest.approx((plain.interval.low, plain.interval.high))
    assert found.gain == pytest.approx(1)
    assert found.n_eff == pytest.approx(200)


def test_it_is_the_regression_at_the_mean_of_all_items() -> None:
    import statsmodels.api as sm

    values, cheap = drawn(np.random.default_rng(1), 80, 1000)
    known = ~np.isnan(values)
    found = adjusted_mean(values, cheap)
    fit = sm.OLS(values[known], sm.add_constant(cheap[known])).fit()
    assert found.interval.value == pytest.approx(float(fit.predict([[1, *cheap.mean(axis=0)]])[0]), abs=1e-12)
    assert found.coefficients == pytest.approx(fit.params[1:], abs=1e-12)


def test_coverage_and_gain_are_what_they_should_be() -> None:
    """Var = noise²/n + 1/N instead of (1 + noise²)/n."""
    rng = np.random.default_rng(2)
    n, total, noise = 60, 600, 0.5
    held, gains, values = 0, [], []
    for _ in range(400):
        found = adjusted_mean(*drawn(rng, n, total, noise))
        assert found.interval.low is not None
        assert found.interval.high is not None
        assert found.interval.value is not None
        held += found.interval.low <= 0.3 <= found.interval.high
        gains.append(found.gain)
        values.append(found.interval.value)
    assert held / 400 > 0.95 - 2.6 * math.sqrt(0.05 * 0.95 / 400)
    assert np.mean(values) == pytest.approx(0.3, abs=4 * np.std(values) / 20)
    assert np.median(gains) == pytest.approx((1 + noise**2) / n / (noise**2 / n + 1 / total), rel=0.15)


def test_useless_cheap_values_cost_next_to_nothing_and_cover() -> None:
    rng = np.random.default_rng(3)
    held, gains = 0, []
    for _ in range(300):
        values = rng.exponential(1, 50) - 1
        found = adjusted_mean(np.concatenate([values, np.full(150, np.nan)]), rng.normal(0, 1, (200, 3)))
        assert found.interval.low is not None
        assert found.interval.high is not None
        held += found.interval.low <= 0 <= found.interval.high
        gains.append(found.gain)
    assert held / 300 > 0.9
    assert np.median(gains) == pytest.approx(1, abs=0.1)


def test_clusters_are_the_units() -> None:
    rng = np.random.default_rng(4)
    values, cheap = drawn(rng, 60, 240)
    once = adjusted_mean(values, cheap)
    names = [f"c{k}" for k in range(240) for _ in range(5)]
    copied = adjusted_mean(np.repeat(values, 5), np.repeat(cheap, 5, axis=0), names)
    assert copied.interval.value == pytest.approx(once.interval.value)
    assert copied.interval.standard_error == pytest.approx(once.interval.standard_error, rel=0.06)
    assert copied.n_eff == pytest.approx(once.n_eff, rel=0.12)


def test_items_that_chance_did_not_choose_are_named() -> None:
    rng = np.random.default_rng(5)
    cheap = rng.random((400, 1))
    values = np.where(cheap[:, 0] > 0.5, cheap[:, 0], np.nan)
    assert any("differ from the others" in text for text in adjusted_mean(values, cheap).weaknesses)


def test_from_a_table() -> None:
    rng = np.random.default_rng(6)
    values, cheap = drawn(rng, 40, 200)
    rows = [
        {"label": None if math.isnan(value) else value, "score": score, "length": length}
        for value, (score, length) in zip(values.tolist(), cheap.tolist(), strict=True)
    ]
    found = harness.adjusted_mean(rows, "label", ["score", "length"])
    assert (found.n, found.total) == (40, 200)
    assert found.interval == adjusted_mean(values, cheap).interval
    assert found.gain > 2
    for table, said in (
        ([{**rows[0], "score": None}, *rows], "row 1: the column 'score' is empty"),
        ([*rows, {**rows[0], "label": "good"}], "row 201: expected a finite number"),
        (rows[:0] + [{**row, "label": None} for row in rows], "at least 5 rows with 'label'"),
    ):
        with pytest.raises(DataError, match=said):
            harness.adjusted_mean(table, "label", ["score", "length"])
    with pytest.raises(DataError, match="cheap"):
        harness.adjusted_mean(rows, "label", ["label"])
