from __future__ import annotations

import math
from typing import Any

import pytest
from scipy.stats import t

from harness.gates.gate_planning import JudgedMetric, SimulatedGate, Spread, planned
from harness.schema.suite.gate_rules import KINDS, Rule


def rule(kind: str, **options: Any) -> Rule:
    return KINDS[kind].model_validate({"id": "g", "metric": "a.b", "kind": kind, **options})


def test_a_target_of_five_points_needs_271_pairs_to_be_possible_and_857_for_power() -> None:
    bias = rule("target", ideal=0.5, margin=0.05)
    assert not planned(bias, 270).possible
    assert "cannot pass" in planned(bias, 270).sentence
    assert planned(bias, 271).possible
    assert planned(bias, 271).required_n == 857


def test_clusters_count_as_one_item_each() -> None:
    assert not planned(rule("target", ideal=0.5, margin=0.05), 1000, 200).possible


def test_a_margin_of_one_point_takes_9274_items() -> None:
    found = planned(rule("non_inferiority", margin=0.01), 1000)
    assert found.required_n == 9274
    assert found.mde == pytest.approx(0.01 + 0.0305, abs=1e-4)
    assert planned(rule("non_inferiority", margin=0.03), 1000).required_n == 1031


def test_fewer_items_than_min_n_cannot_pass() -> None:
    assert not planned(rule("superiority"), 99).possible
    assert planned(rule("superiority", min_n=10), 99).possible


@pytest.mark.parametrize(
    "one",
    [
        rule("superiority"),
        rule("equivalence", margin=0.05),
        rule("absolute", min=0.8),
        rule("absolute", max=0.1, bound="point"),
        rule("no_flips"),
        rule("non_inferiority", margin={"ratio": 1.05}),
    ],
    ids=lambda one: str(one.kind),
)
@pytest.mark.parametrize("unit", ["share", "bits/byte"])
def test_every_kind_has_a_sentence(one: Rule, unit: str) -> None:
    found = planned(one, 500, metric=JudgedMetric("lower", unit=unit))
    assert found.possible
    assert len(found.sentence) > 20
    assert found.sentence.endswith(".")


def test_a_simulated_number_goes_before_the_formula_and_a_missing_one_says_why() -> None:
    drop = rule("non_inferiority", margin=0.03)
    simulated = SimulatedGate("the run r", 0.52, 0.45, 0.59, 935, 661, None, "an unchanged model")
    found = planned(drop, 1000, simulated=simulated)
    assert found.required_n == 935
    assert "52% (45% to 59%); 80% takes 935 items (661 to no realistic number)" in found.sentence
    assert "1,031" not in found.sentence
    reason = "what that run shows is beyond the limit: no number of items passes it"
    open_gate = planned(drop, 1000, simulated=SimulatedGate("the run r", reason=reason))
    assert open_gate.required_n == 1031
    assert open_gate.sentence.endswith(f"Not simulated on samples of the run r: {reason}.")


def test_training_seeds_leave_a_variance_that_no_item_reduces() -> None:
    """Three seeds: t with 2 degrees of freedom; a margin within what the seeds alone vary is reached by no number."""
    drop = rule("non_inferiority", margin=0.2)
    spread = Spread(0.8, "the run r, over 3 training seeds", 500, 1.0, fixed=0.02**2, df=2.0)
    found = planned(drop, 1000, spread=spread)
    reach = t.isf(0.05, 2) + t.isf(0.2, 2)
    assert found.mde == pytest.approx(0.2 + reach * (0.02**2 + 0.8**2 / 1000) ** 0.5)
    assert found.required_n == math.ceil(reach**2 * 0.8**2 / (0.2**2 - reach**2 * 0.02**2))
    near = planned(rule("non_inferiority", margin=0.05), 1000, spread=spread)
    assert near.required_n is None
    assert "no realistic number of items" in near.sentence


def test_absurd_numbers_are_none_for_every_kind() -> None:
    for kind in ("non_inferiority", "equivalence", "target"):
        given = {"ideal": 0.5} if kind == "target" else {}
        found = planned(rule(kind, margin=1e-4, **given), 10_000_000)
        assert found.required_n is None
        assert "no realistic number of items" in found.sentence
