"""The unit of independence of stored evaluations, which results of 0.1.0 do not name."""

from __future__ import annotations

from typing import Any

import pytest

from harness.core.records import ITEM
from harness.pipeline.results.scoring import cluster_unit_of, metrics_of
from harness.schema.results.inputs import EvaluationResult


def evaluation(**fields: Any) -> EvaluationResult:
    given = {"name": "e", "role": "probe", "kind": "coreference", "summary": "s", "data": [], "split": "test", "n": 4}
    return EvaluationResult.model_validate({**given, **fields})


@pytest.mark.parametrize(
    ("fields", "unit"),
    [
        ({"cluster_unit": "pair", "clusters": {"pair": 2}}, "pair"),
        ({"clusters": {"occupation": 2, "pair": 2, "template": 2}}, "pair"),
        ({"role": "task", "kind": "classification", "clusters": {"parent": 2}}, "parent"),
        ({"clusters": {"world": 2}}, "world"),
        ({"clusters": {}}, "pair"),
        ({"role": "task", "kind": "sample_completions"}, ITEM),
    ],
)
def test_the_unit_is_read_or_follows_from_the_kind(fields: dict[str, Any], unit: str) -> None:
    assert cluster_unit_of(evaluation(**fields)) == unit


def test_metrics_of_a_stored_evaluation_have_its_unit() -> None:
    found = metrics_of(evaluation(role="task", metrics=["accuracy", "nll"], cluster_unit="thread"), "head")
    assert {metric.cluster_unit for metric in found} == {"thread"}
