"""Whatever the numbers are: a verdict is pass only where every one of them is sound."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from harness_support.gate_samples import comparison, interval, judged, level, only
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import (
    EXIT_GATE_FAILED,
    EXIT_INCOMPLETE,
    EXIT_INCONCLUSIVE,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_LOCK,
    EXIT_OK,
    EXIT_USAGE,
    HarnessError,
    IncompleteError,
    LockError,
    SuiteError,
)
from harness.gates.judging import gate_traces
from harness.gates.overall_verdict import overall
from harness.gates.parse_rules import parse_gates
from harness.gates.result_lookup import ResultLookup
from harness.gates.trace import JudgmentContext
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.suite.yaml.located_document import parse

RULES = (
    "kind: superiority",
    "kind: non_inferiority, margin: 0.02",
    "kind: non_inferiority, margin: {ratio: 0.9}",
    "kind: equivalence, margin: 0.05",
    "kind: absolute, min: 0.1",
    "kind: absolute, max: 0.9, bound: upper",
    "kind: absolute, min: 0.1, bound: point",
    "kind: target, ideal: 0.5, margin: 0.3",
)
wild = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.none(), st.floats(-1, 2))
intervals = st.builds(
    interval, wild, st.dictionaries(st.sampled_from([0.05, 0.025]), st.tuples(wild, wild), max_size=2)
)


@st.composite
def rows(draw: st.DrawFn) -> list[MetricResult | ComparisonResult]:
    shared: dict[str, Any] = {
        "n": draw(st.integers(-1, 300)),
        "direction": draw(st.sampled_from(["higher", "lower", "target"])),
    }
    change = comparison(
        0.05,
        0.01,
        **shared,
        delta=draw(intervals),
        ratio=draw(st.none() | intervals),
        status=draw(st.sampled_from(["ok", "ok", "ok", "refused", "undefined"])),
        only_candidate=draw(st.sampled_from([0, 0, 3])),
    )
    status = draw(st.sampled_from(["ok", "ok", "undefined"]))
    value = level(0.5, 0.01, **shared, status=status, interval=draw(intervals))
    return draw(st.sampled_from([[change, value], [change], [value], []]))


def sound(found: Any) -> bool:
    numbers = [found.observed, found.bound, found.low, found.high]
    return all(number is None or math.isfinite(number) for number in numbers)


@given(st.sampled_from(RULES), rows(), wild, st.booleans())
def test_no_unsound_number_ever_passes(
    rule: str, given_rows: list[MetricResult | ComparisonResult], coverage: float | None, composed: bool
) -> None:
    text = f"{{metric: reviews.accuracy, {rule}}}"
    text = f"- {{id: g, any_of: [{text}]}}" if composed else f"- {{id: g, {text[1:]}"
    document = parse(text, "s.yaml")
    share = 1.0 if coverage is None else coverage
    evaluation = EvaluationResult(
        name="reviews",
        role="task",
        kind="classification",
        summary="",
        data=["reviews"],
        split="test",
        n=300,
        coverage={"base": 1.0, "tuned": share},
    )
    lookup = ResultLookup(
        [row for row in given_rows if isinstance(row, MetricResult)],
        [row for row in given_rows if isinstance(row, ComparisonResult)],
        [evaluation],
    )
    gates = parse_gates(document.value, document.where)
    (trace,) = gate_traces(JudgmentContext(gates, lookup, "base", date(2026, 6, 1)), ["tuned"])
    verdict = trace.result
    assert sound(verdict)
    if verdict.verdict == "pass":
        (inner,) = verdict.members or [verdict]
        assert share >= 1 - 1e-9
        assert inner.n is not None
        assert inner.n >= 100
        assert inner.observed is not None
        compared = not rule.startswith(("kind: absolute", "kind: target"))
        used = [row for row in given_rows if isinstance(row, ComparisonResult) == compared]
        assert len(used) == 1
        assert used[0].status == "ok"
    assert overall([verdict]).exit_code in {EXIT_OK, EXIT_GATE_FAILED, EXIT_INCONCLUSIVE, EXIT_INCOMPLETE}
    assert (overall([verdict]).exit_code == EXIT_OK) == (verdict.verdict == "pass")


def test_exit_codes_are_what_the_pages_say() -> None:
    codes = (EXIT_OK, EXIT_USAGE, EXIT_GATE_FAILED, EXIT_INCONCLUSIVE, EXIT_INCOMPLETE, EXIT_LOCK, EXIT_INTERNAL)
    assert (*codes, EXIT_INTERRUPTED) == (0, 2, 10, 11, 12, 13, 70, 130)
    assert [error.exit_code for error in (HarnessError, SuiteError, IncompleteError, LockError)] == [2, 2, 12, 13]


def test_relative_margins_of_what_is_not_positive_are_an_error() -> None:
    for ratio in (None, interval(0.0, {0.05: (0.0, 0.0)}), interval(-1.0, {0.05: (-1.2, -0.8)})):
        row = comparison(0.0, 0.01, ratio=ratio)
        (trace,) = judged("- {id: g, metric: reviews.accuracy, kind: non_inferiority, margin: {ratio: 0.9}}", row)
        assert trace.outcome == "error"


def test_a_slice_or_label_that_is_not_there_is_answered_with_those_that_are() -> None:
    rows = [level(0.8, 0.01), level(0.8, 0.01, slice="source=films"), level(0.8, 0.01, slice="source=songs")]
    gate = "- {id: a, metric: reviews.accuracy, kind: absolute, min: 0.5, slice: source=flims}"
    result = only(gate, *rows)
    assert result.verdict == "error"
    assert "its slices are source=films, source=songs" in result.sentence
    labels = [level(0.8, 0.01, metric=f"f1[{label}]", id=f"reviews.f1[{label}]") for label in ("bad", "good")]
    result = only('- {id: a, metric: "reviews.f1[goood]", kind: absolute, min: 0.5}', *labels)
    assert result.verdict == "error"
    assert "there is reviews.f1[bad], reviews.f1[good]" in result.sentence
