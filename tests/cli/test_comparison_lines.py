from __future__ import annotations

from typing import Any

import pytest

from harness.cli.comparison_lines import comparison_lines, reading
from harness.core.interval import Interval
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult


def row(**changes: Any) -> ComparisonResult:
    facts: dict[str, Any] = {
        "id": "a.m",
        "evaluation": "a",
        "metric": "m",
        "baseline": "old",
        "candidate": "new",
        "baseline_protocol": "head",
        "candidate_protocol": "head",
        "baseline_value": 0.5,
        "candidate_value": 0.6,
        "delta": Interval(value=0.1, low=0.05, high=0.15),
        "improvement": 0.1,
        "p": 0.01,
        "n": 100,
        "clusters": 50,
        "unit": "share",
        "direction": "higher",
        "method": "t",
    }
    return ComparisonResult(**{**facts, **changes})


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "better"),
        ({"direction": "lower"}, "worse"),
        ({"direction": "target"}, "rose"),
        ({"delta": Interval(value=0.1, low=-0.01, high=0.15)}, "no clear change"),
        ({"delta": Interval(value=0.1, high=0.15)}, "no clear change"),
        ({"delta": Interval(value=-0.15, low=-0.2, high=-0.1), "direction": "lower"}, "better"),
        ({"identical": True}, "identical"),
    ],
)
def test_a_change_is_claimed_only_when_the_interval_excludes_zero(changes: dict[str, Any], word: str) -> None:
    assert reading(row(**changes)) == word


def test_pairs_stand_together_and_slices_are_left_out() -> None:
    undefined = row(metric="x", delta=Interval(), reason="NaN")
    rows = [row(), row(candidate="other"), row(metric="n"), row(slice="k=v"), undefined]
    lines = list(comparison_lines(rows))
    assert [line for line in lines if not line.startswith("  ")] == ["old → new", "old → other"]
    assert lines[1].split() == [
        *("a.m", "better", "0.5", "→", "0.6", "share", "+0.1", "(95%", "+0.05", "…", "+0.15)"),
        *("p", "0.01,", "n", "100", "in", "50", "clusters"),
    ]
    assert any(line.split()[:3] == ["a.x", "ok", "NaN"] for line in lines)


def test_no_name_begins_a_line_or_drives_the_terminal() -> None:
    (head, line) = comparison_lines([row(metric="m\n::error::x\x1b[31m", baseline="old\n::error::y")])
    assert "\n" not in head + line
    assert "\x1b" not in line
    assert not head.startswith("::")


def test_what_is_missing_stands_beside_n() -> None:
    counts = {"old": {"ok": 97, "unread": 2, "failed": 1}, "new": {"ok": 100, "empty": 4}}
    evaluation = EvaluationResult(
        name="a", role="task", kind="k", summary="", data=[], split="test", n=100, counts=counts
    )
    (_, line) = comparison_lines([row(only_baseline=30, only_candidate=12)], {"a": evaluation})
    assert line.endswith("(42 without a partner; old: 2 unread, 1 failed; new: 4 empty)")
