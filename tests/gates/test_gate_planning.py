from __future__ import annotations

from typing import Any

import pytest

from harness.gates.gate_planning import planned
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
    found = planned(one, 500, direction="lower", unit=unit)
    assert found.possible
    assert len(found.sentence) > 20
    assert found.sentence.endswith(".")
