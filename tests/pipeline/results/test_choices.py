"""The best of k models that are no better: how often its bound claims what is not there, chosen on test data."""

from __future__ import annotations

import numpy as np
import pytest

from harness.pipeline.results.choices import best_of, paid
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference

RUNS, N, ALPHA = 300, 300, 0.05


@pytest.mark.parametrize("k", [5, 20, 50])
def test_the_bound_of_the_winner_errs_no_more_than_its_level(k: int) -> None:
    """k candidates answer as well as the baseline; the best of them on the test items is judged on these items."""
    rng = np.random.default_rng(k)
    claims = {False: 0, True: 0}
    for _ in range(RUNS):
        skill = rng.normal(size=(N, 1))
        right = (skill + rng.normal(size=(N, k + 1)) > 0).astype(np.float64)
        values = {str(model): float(right[:, model].mean()) for model in range(1, k + 1)}
        winner = int(best_of(values, "higher") or 0)
        levels = (ALPHA, paid(ALPHA, k, "test"))
        compared = difference(
            right[:, :1],
            right[:, winner : winner + 1],
            kind="mean",
            value=lambda sums, n: sums[..., 0] / n,
            clusters=[str(item) for item in range(N)],
            settings=InferenceSettings(alphas=levels, resamples=100),
        )
        for corrected, alpha in zip((False, True), levels, strict=True):
            claims[corrected] += bool((compared.delta.at(alpha).low or 0.0) > 0)
    # Three standard errors of 300 simulated choices above the level.
    assert claims[True] / RUNS <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / RUNS)
    assert claims[False] / RUNS > 2 * ALPHA


@pytest.mark.parametrize(
    ("direction", "ideal", "best"), [("higher", None, "c"), ("lower", None, "a"), ("target", 0.5, "b")]
)
def test_the_best_value_depends_on_its_direction(direction, ideal, best) -> None:
    assert best_of({"a": 0.1, "b": 0.45, "c": 0.9, "d": float("nan")}, direction, ideal) == best
    assert best_of({"d": float("nan")}, direction, ideal) is None
    assert best_of({"x": 1.0, "y": 1.0}, "higher") == "x"


def test_only_a_choice_on_test_data_is_paid_for() -> None:
    assert paid(0.05, 10, "test") == pytest.approx(0.005)
    assert paid(0.05, 10, "validation") == 0.05
