from __future__ import annotations

import math
from datetime import date

import pytest
from harness_support.gate_samples import comparison, judged, level
from hypothesis import given
from hypothesis import strategies as st

from harness.gates.explanation import explain
from harness.gates.flip_rule import TagFlips
from harness.gates.passing_margin import rounded
from harness.schema.results.metrics import ComparisonResult, MetricResult

CASES: list[tuple[str, list[MetricResult | ComparisonResult], str]] = [
    ("kind: superiority", [comparison(0.05, 0.01)], "pass"),
    ("kind: superiority", [comparison(-0.05, 0.01)], "fail"),
    ("kind: superiority", [comparison(0.01, 0.01)], "inconclusive"),
    ("kind: superiority, min_n: 900", [comparison(0.05, 0.01)], "inconclusive"),
    ("kind: superiority", [], "error"),
    ("kind: non_inferiority, margin: 0.02", [comparison(0.0, 0.001)], "pass"),
    ("kind: non_inferiority, margin: 0.02", [comparison(-0.1, 0.001)], "fail"),
    ("kind: non_inferiority, margin: 0.02", [comparison(-0.01, 0.02)], "inconclusive"),
    ("kind: equivalence, margin: 0.02", [comparison(0.0, 0.001)], "pass"),
    ("kind: equivalence, margin: 0.02", [comparison(0.1, 0.001)], "fail"),
    ("kind: equivalence, margin: 0.02", [comparison(0.02, 0.01)], "inconclusive"),
    ("kind: absolute, min: 0.5", [level(0.9, 0.01)], "pass"),
    ("kind: absolute, max: 0.5", [level(0.9, 0.01, direction="lower")], "fail"),
    ("kind: absolute, min: 0.5, bound: point", [level(0.9, 0.01)], "pass"),
    ("kind: target, ideal: 0.5, margin: 0.05", [level(0.5, 0.01)], "pass"),
    ("kind: target, ideal: 0.5, margin: 0.05", [level(0.7, 0.01)], "fail"),
    ("kind: no_flips, tag: must", [], "error"),
]


@pytest.mark.parametrize(("rule", "rows", "verdict"), CASES)
def test_every_kind_and_verdict_is_explained(
    rule: str, rows: list[MetricResult | ComparisonResult], verdict: str
) -> None:
    (trace,) = judged(f"- {{id: g, metric: reviews.accuracy, {rule}}}", *rows)
    found = explain(trace)
    assert found.verdict == verdict
    lines = dict(found.lines)
    assert lines["because"] == trace.result.sentence
    assert lines["verdict"].startswith(verdict)
    if verdict == "error":
        assert lines["next"]
    else:
        assert {"numbers", "sample"} <= lines.keys()
        assert lines.keys() & {"passes with", "would pass with"}
    if verdict in ("fail", "inconclusive"):
        assert lines.keys() & {"would change it", "would decide it"}


def test_flips_name_the_items() -> None:
    broken = TagFlips("reviews", "base", "tuned", None, 12, ("a", "b"))
    (trace,) = judged("- {id: g, metric: reviews.accuracy, kind: no_flips}", flips=[broken])
    lines = dict(explain(trace).lines)
    assert lines["items"] == "a, b"
    assert "2 broken of 12" in lines["numbers"]


def test_a_composition_explains_its_members() -> None:
    text = (
        "- {id: g, any_of: [{metric: reviews.accuracy, kind: superiority}, {metric: reviews.gone, kind: superiority}]}"
    )
    (trace,) = judged(text, comparison(0.05, 0.01))
    found = explain(trace)
    assert [one.verdict for one in found.members] == ["pass", "error"]
    assert "97.5% confidence" in dict(found.lines)["rule"]
    assert found.to_json()["members"][0]["verdict"] == "pass"


@pytest.mark.parametrize(
    ("more", "today", "words"),
    [
        ("", date(2026, 6, 1), "does not block: a waiver holds"),
        ("", date(2026, 6, 2), "and it blocks"),
        (", severity: warn", date(2026, 6, 2), "`severity: warn`"),
    ],
)
def test_what_blocks_and_why_not(more: str, today: date, words: str) -> None:
    text = (
        f"rules: [{{id: g, metric: reviews.accuracy, kind: superiority{more}}}]\n"
        "waivers: [{gate: g, reason: known, owner: me, expires: 2026-06-01}]"
    )
    (trace,) = judged(text, comparison(-0.1, 0.01), today=today)
    lines = dict(explain(trace).lines)
    assert words in lines["verdict"]
    assert ("remove it" in lines["waiver"]) == (today > date(2026, 6, 1))


@given(st.floats(-0.3, 0.3), st.floats(0.001, 0.05))
def test_the_margin_that_is_named_does_pass(value: float, error: float) -> None:
    import re

    (trace,) = judged(
        "- {id: g, metric: reviews.accuracy, kind: non_inferiority, margin: 0.01}", comparison(value, error)
    )
    lines = dict(explain(trace).lines)
    named = lines.get("would pass with", lines.get("passes with", ""))
    number = re.search(r"margin: ([\d.e-]+)", named)
    margin = number.group(1) if number else "0"
    rule = f"- {{id: g, metric: reviews.accuracy, kind: non_inferiority, margin: {margin}}}"
    (again,) = judged(rule, comparison(value, error))
    assert again.outcome == "pass"


@given(st.floats(-1e6, 1e6, allow_nan=False), st.booleans())
def test_rounding_never_passes_the_value(value: float, up: bool) -> None:
    near = rounded(value, up=up)
    assert near >= value if up else near <= value
    assert math.isclose(near, value, rel_tol=0.02) or value == 0
