"""A warning never contradicts a verdict."""

from __future__ import annotations

import pytest

from harness.report.sections.summary.decision import gate_shows_better
from harness.report.view.run_view import RunView
from harness.storage.run_dir import RunDir


@pytest.mark.parametrize(
    ("changes", "better"),
    [({}, True), ({"verdict": "inconclusive"}, False), ({"kind": "equivalence"}, False), ({"slice": "a=b"}, False)],
)
def test_what_a_gate_shows_to_be_better_is_beaten(plain: RunDir, changes: dict[str, str], better: bool) -> None:
    results = plain.read_results()
    row = next(row for row in results.comparisons if row.slice is None and row.status == "ok")
    facts = {"kind": "superiority", "verdict": "pass", "metric": row.id, "slice": None}
    pair = {"baseline": row.baseline, "model": row.candidate}
    gate = results.gates[0].model_copy(update={**facts, **pair, **changes})
    assert gate_shows_better(RunView(results.model_copy(update={"gates": [gate]})), row) is better
