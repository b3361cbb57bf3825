"""Gates read the recipe's bounds where three training seeds were crossed with the items."""

from typing import Any

import pytest
from harness_support.gate_samples import interval
from hypothesis import given
from hypothesis import strategies as st

from harness.gates.result_lookup import of_recipe
from harness.schema.results.metrics import ComparisonResult, MetricResult, SeedsResult
from harness.schema.results.seed_aggregation import reads_recipe


def _seeds(**changes: Any) -> SeedsResult:
    values: dict[str, Any] = {
        "level_of_inference": "recipe", "seeds": [0, 1, 2], "values": [0.01, 0.02, 0.03],
        "interval": interval(0.02, {0.05: (-0.04, 0.08)}, low=-0.06, high=0.1, standard_error=0.02), "df": 2,
        "n": 90, "clusters": 90, "method": "crossed", "p": 0.4,
    }  # fmt: skip
    return SeedsResult(**{**values, **changes})


def _row(seeds: SeedsResult | None, direction: str = "higher") -> ComparisonResult:
    return ComparisonResult(
        id="a.b", evaluation="a", metric="b", baseline="base", candidate="tuned", baseline_protocol="head",
        candidate_protocol="head", baseline_value=0.7, candidate_value=0.75, improvement=0.05,
        delta=interval(0.05, {0.05: (0.02, 0.08)}, low=0.01, high=0.09), n=100, clusters=100,
        unit="share", direction=direction, method="t",
        seeds=seeds,
    )  # fmt: skip


def test_the_recipe_takes_the_place_of_the_checkpoint() -> None:
    read = of_recipe(_row(_seeds()))
    bound = read.delta.at(0.05)
    assert (read.delta.value, read.improvement, bound.low, bound.high, read.n) == (0.02, 0.02, -0.04, 0.08, 90)
    assert of_recipe(_row(_seeds(), "lower")).improvement == -0.02
    assert read.mde == pytest.approx(2.4865 * 0.02, abs=1e-4)
    assert read.candidate_value is None


@pytest.mark.parametrize("seeds", [None, _seeds(level_of_inference="checkpoint"), _seeds(seeds_identical=True)])
def test_else_the_checkpoint_is_judged(seeds: SeedsResult | None) -> None:
    row = _row(seeds)
    assert not reads_recipe(row)
    assert of_recipe(row) is row


@given(value=st.floats(-1, 1))
def test_levels_too(value: float) -> None:
    level = MetricResult(
        id="a.b", evaluation="a", metric="b", model="tuned", protocol="head", interval=interval(0.8, {}), n=100,
        clusters=100, unit="share", direction="higher", method="Wilson", seeds=_seeds(interval=interval(value, {})),
    )  # fmt: skip
    assert of_recipe(level).interval.value == value
