"""A warning never contradicts a verdict, and a sentence's figures are rounded as those of the tables."""

from __future__ import annotations

import pytest

from harness.report.sections.summary.decision import gate_shows_better
from harness.report.view.run_view import RunView
from harness.schema.results.gate_words import sentence_in_points
from harness.schema.results.number_format import in_unit, level
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


def test_sentences_and_tables_round_alike() -> None:
    for value in (k / 2000 for k in range(41, 1999, 2)):
        shown = level(value, "fraction", value - 0.02, value + 0.02)
        said = sentence_in_points(f"x: value {in_unit(value)} (it is)").split("value ")[1].split(" ")[0]
        assert float(said.rstrip("%")) == float(shown.rstrip("%"))


def test_the_parts_of_a_joint_gate_are_differences_also_where_they_are_zero() -> None:
    said = sentence_in_points(
        "improvement −0.019, 160 items. Improvement by part: a.acc 0, b.acc −0.05, c.acc +0.05, d.f1 0."
    )
    assert said.endswith("Improvement by part: a.acc 0 points, b.acc −5 points, c.acc +5 points, d.f1 0 points.")
    assert said.startswith("improvement −1.9 points, 160 items.")


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        (
            "m: 1 → 0, improvement −1 (at most −0.193 with",
            "m: 100% → 0%, improvement −100 points (at most −19.3 points with",
        ),
        (
            "improvement +1 (between −1 and +1, each with",
            "improvement +100 points (between −100 points and +100 points, each with",
        ),
        ("value 0.9 (between 0.5 and 1, each with", "value 90% (between 50% and 100%, each with"),
        ("value 1 (at least 1 with 95% confidence), 1 item", "value 100% (at least 100% with 95% confidence), 1 item"),
    ],
)
def test_a_whole_is_a_hundred_points(sentence, shown):
    assert sentence_in_points(sentence) == shown
