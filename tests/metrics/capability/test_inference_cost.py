"""Figures of blocks of timings: the trimmed mean, its error, and how often gates' bounds on it err."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.core.metric_structure import MetricStructure
from harness.core.records import FloatArray
from harness.metrics.capability.inference_cost import TRIMMED, pseudo_values
from harness.statistics.estimate import estimate
from harness.statistics.paired_difference import difference
from harness.statistics.result import Difference


def _value(sums: FloatArray, n: object) -> FloatArray:
    return np.asarray(sums[..., 0] / sums[..., 1])


def _rows(values: FloatArray) -> FloatArray:
    return np.column_stack([pseudo_values(values), np.ones(len(values))])


def _compared(base: FloatArray, candidate: FloatArray) -> Difference:
    settled = MetricStructure(settled=True)
    return difference(_rows(base), _rows(candidate), kind="ratio", value=_value, structure=settled)


@pytest.mark.parametrize("n", [10, 20, 33])
def test_the_figure_and_its_error_are_those_of_a_trimmed_mean(n: int) -> None:
    values = np.random.default_rng(n).lognormal(0, 1, n)
    made = estimate(_rows(values), kind="ratio", value=_value)
    assert made.interval.value == pytest.approx(stats.trim_mean(values, TRIMMED))
    cut = int(TRIMMED * n)
    winsorized = np.asarray(stats.mstats.winsorize(values, (cut / n, cut / n)))
    kept = n - 2 * cut
    error = np.sqrt((n - 1) * winsorized.var(ddof=1) / (kept * (kept - 1)))
    assert made.interval.standard_error == pytest.approx(error)


def test_the_error_of_a_difference_is_that_of_yuen_for_pairs() -> None:
    rng = np.random.default_rng(4)
    drift = rng.normal(5, 1, 20)
    base, candidate = drift + rng.normal(0, 0.1, 20), drift + rng.normal(0, 0.1, 20)
    made = _compared(base, candidate)
    first, second = (np.asarray(stats.mstats.winsorize(side, (0.2, 0.2))) for side in (base, candidate))
    between = np.cov(first, second, ddof=1)
    square = 19 * (between[0, 0] + between[1, 1] - 2 * between[0, 1]) / (12 * 11)
    assert made.delta.standard_error == pytest.approx(np.sqrt(square), rel=1e-9)


def test_blocks_that_something_else_disturbed_do_not_move_the_figure() -> None:
    rng = np.random.default_rng(1)
    base, candidate = rng.normal(10, 0.1, 20), rng.normal(10, 0.1, 20)
    disturbed = candidate.copy()
    disturbed[[3, 11]] *= 50
    made = _compared(base, disturbed)
    assert made.candidate_value == pytest.approx(candidate.mean(), rel=0.02)
    assert not made.unmet


def test_what_is_the_same_in_every_block_is_known() -> None:
    made = estimate(_rows(np.full(10, 7.0)), kind="ratio", value=_value, structure=MetricStructure(settled=True))
    assert (made.interval.low, made.interval.value, made.interval.high, made.method) == (7, 7, 7, "counted")
    change = _compared(np.full(10, 7.0), np.full(10, 14.0))
    assert change.ratio is not None
    assert (change.ratio.low, change.ratio.high) == pytest.approx((2, 2))
    assert not change.unmet
    # Of items that are a sample, nothing is known of what did not vary.
    assert estimate(_rows(np.full(10, 7.0)), kind="ratio", value=_value).interval.low is None


@pytest.mark.parametrize("machine", ["calm", "drifting", "disturbed"])
def test_one_sided_bounds_of_a_ratio_err_as_often_as_they_say(machine: str) -> None:
    """At most 5% of a bound's errors, with room for 400 simulated sessions: 8% would be seen with 99%."""
    rng, blocks, errors = np.random.default_rng(7), 20, np.zeros(2)
    for _ in range(400):
        drift = np.cumsum(rng.normal(0, 0.02, blocks)) if machine == "drifting" else np.zeros(blocks)
        sides = []
        for factor in (1.0, 1.1):
            noise = rng.normal(0, 0.03, blocks)
            if machine == "disturbed":
                noise += np.where(rng.random(blocks) < 0.1, rng.exponential(1.0, blocks), 0)
            sides.append(factor * np.exp(drift + noise))
        ratio = _compared(sides[0], sides[1]).ratio
        assert ratio is not None
        bound = ratio.at(0.05)
        assert bound.low is not None
        assert bound.high is not None
        errors += [bound.low > 1.1, bound.high < 1.1]
    assert (errors / 400 < 0.08).all(), errors / 400
