"""results.json as 0.1.0 wrote it is read as today's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import DataError
from harness.core.interval import Bound, Interval
from harness.schema.results.results_file import RESULTS_SCHEMA, Results
from harness.schema.results.seed_aggregation import of_recipe
from harness.schema.results.version_1 import from_version_1
from harness.storage.run_dir import results_of

COMMON: dict[str, Any] = {
    "id": "reviews.accuracy", "evaluation": "reviews", "metric": "accuracy", "n": 80, "clusters": 40, "unit": "share",
    "direction": "higher", "ideal": None, "method": "Wilson", "weaknesses": [], "status": "ok", "reason": None,
}  # fmt: skip
SEEDS: dict[str, Any] = {
    "reads": "recipe", "seeds": [0, 1, 2], "baseline_seeds": [], "values": [0.1, 0.1, 0.2], "delta": 0.13, "low": 0.01,
    "high": 0.25, "bounds": {"0.05": [0.03, 0.23]}, "ratio": None, "ratio_low": None, "ratio_high": None,
    "ratio_bounds": {}, "p": 0.04, "standard_error": 0.03, "variance_seeds": 0.1, "variance_items": 0.2,
    "variance_interaction": 0.1, "freedom": 2, "n": 80, "clusters": 40, "alike": False, "method": "crossed",
    "weaknesses": [],
}  # fmt: skip
METRIC: dict[str, Any] = {
    **COMMON, "model": "base", "slice": None, "protocol": "head", "value": 0.5, "low": 0.4, "high": None,
    "confidence": 0.95, "bounds": {"0.05": [0.42, None], "0.01": [0.38, 0.6]}, "seeds": None,
}  # fmt: skip
COMPARISON: dict[str, Any] = {
    **COMMON, "slice": None, "baseline": "base", "candidate": "new", "baseline_protocol": "head",
    "candidate_protocol": "head", "baseline_value": 0.5, "candidate_value": 0.6, "delta": 0.1, "improvement": 0.1,
    "low": 0.02, "high": 0.18, "confidence": 0.95, "bounds": {"0.05": [0.04, 0.16]}, "ratio": 1.2, "ratio_low": 1.1,
    "ratio_high": 1.3, "ratio_bounds": {"0.05": [1.12, 1.28]}, "p": 0.01, "p_adjusted": None, "family": None,
    "correction": None, "adjusted_low": None, "adjusted_high": None, "test": "McNemar", "mde": 0.1, "needed": 60,
    "standard_error": 0.04, "discordant": 0.2, "distance_change": None, "identical": False, "only_baseline": 0,
    "only_candidate": 0, "comparability": [], "seeds": SEEDS, "slow": False,
}  # fmt: skip
SLICES = [
    {
        **COMPARISON, "slice": f"source={name}", "p_adjusted": 0.02, "family": 2, "correction": "holm",
        "adjusted_low": -0.01, "adjusted_high": 0.21, "ratio": None, "ratio_bounds": {"0.05": [None, None]},
        "seeds": None,
    }
    for name in ("web", "books")
]  # fmt: skip
DATA: dict[str, Any] = {"name": "reviews", "fingerprint": "f", "rows": {"test": 80}, "licence": "MIT"}
GATE: dict[str, Any] = {
    "id": "better", "kind": "any_of", "metric": "reviews.accuracy", "model": "new", "severity": "error",
    "verdict": "inconclusive", "blocking": True, "sentence": "open", "alpha": 0.05, "needs": 300,
}  # fmt: skip
FILE: dict[str, Any] = {
    "schema_version": 1, "suite": "s", "suite_digest": "d", "title": "t", "seed": 0, "baseline": "base",
    "candidates": ["new"], "release": ["new"], "limit": None, "models": [], "data": [DATA], "evaluations": [],
    "metrics": [METRIC], "comparisons": [COMPARISON, *SLICES], "flips": [], "tables": [],
    "gates": [{**GATE, "members": [{**GATE, "id": "member", "members": []}]}], "audits": [],
    "verdict": {"overall": "pass", "exit_code": 0, "sentence": "ok", "counts": {}}, "selftest": None, "notes": [],
}  # fmt: skip


@pytest.fixture
def results() -> Results:
    return read(FILE)


def read(value: dict[str, Any]) -> Results:
    return results_of(json.dumps(value).encode(), Path("results.json"))


def test_its_figures_are_intervals(results: Results) -> None:
    assert results.schema_version == RESULTS_SCHEMA
    (level,) = results.metrics
    assert level.interval == Interval(
        value=0.5, low=0.4, bounds=(Bound(alpha=0.01, low=0.38, high=0.6), Bound(alpha=0.05, low=0.42))
    )
    whole = results.comparisons[0]
    assert whole.delta == Interval(
        value=0.1, low=0.02, high=0.18, standard_error=0.04, bounds=(Bound(alpha=0.05, low=0.04, high=0.16),)
    )
    assert whole.ratio == Interval(value=1.2, low=1.1, high=1.3, bounds=(Bound(alpha=0.05, low=1.12, high=1.28),))
    assert (whole.simultaneous, whole.required_n) == (None, 60)


def test_slices_know_how_sure_all_of_them_are(results: Results) -> None:
    for row in results.comparisons[1:]:
        assert row.ratio is None
        assert row.simultaneous is not None
        assert (row.simultaneous.low, row.simultaneous.high) == (-0.01, 0.21)
        assert row.simultaneous.confidence == pytest.approx(0.975)


def test_seeds_and_gates_keep_their_figures_under_new_names(results: Results) -> None:
    recipe = of_recipe(results.comparisons[0])
    assert (recipe.delta.value, recipe.delta.at(0.05).low, recipe.delta.standard_error) == (0.13, 0.03, 0.03)
    seeds = results.comparisons[0].seeds
    assert seeds is not None
    assert (seeds.level_of_inference, seeds.df, seeds.seeds_identical) == ("recipe", 2, False)
    (gate,) = results.gates
    assert [gate.required_n, gate.members[0].required_n] == [300, 300]
    assert results.data[0].license == "MIT"


def test_names_are_translated_before_the_shape_changes() -> None:
    def translate(raw: dict[str, Any]) -> dict[str, Any]:
        return {**raw, "metrics": [{**row, "metric": "renamed"} for row in raw["metrics"]]}

    assert from_version_1(FILE, translate)["metrics"][0]["metric"] == "renamed"
    assert FILE["metrics"][0]["metric"] == "accuracy"


def test_a_version_that_nobody_wrote_is_refused() -> None:
    with pytest.raises(DataError, match="schema version 3, expected 2"):
        read({**FILE, "schema_version": 3})


@pytest.mark.parametrize(
    "damage", [{"metrics": [1]}, {"comparisons": 3}, {"metrics": [{**METRIC, "bounds": {"0.05": []}}]}]
)
def test_a_damaged_file_is_an_error_with_a_place(damage: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="not as version 1 wrote it"):
        read({**FILE, **damage})


def test_a_run_of_0_1_0_without_gates_is_no_pass() -> None:
    results = Results.model_validate(from_version_1({**FILE, "gates": []}) | {"schema_version": RESULTS_SCHEMA})
    assert (results.verdict.overall, results.verdict.sentence) == ("none", "no gates: nothing was judged.")
