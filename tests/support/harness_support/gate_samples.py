"""Results made up for gates to look at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from harness.core.interval import Bound, Interval
from harness.gates.judging import gate_traces
from harness.gates.parse_rules import parse_gates
from harness.gates.result_lookup import ResultLookup
from harness.gates.trace import GateTrace, JudgmentContext
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.verdicts import GateResult
from harness.suite.yaml.located_document import parse

TODAY = date(2026, 6, 1)
LEVELS = [0.05 / k for k in (1, 2, 3, 4, 6, 9)]


def interval(value: float | None, bounds: Mapping[float, tuple[float | None, float | None]], **more: Any) -> Interval:
    """An interval from its one-sided bounds by alpha."""
    ends = tuple(Bound(alpha=alpha, low=low, high=high) for alpha, (low, high) in bounds.items())
    return Interval(value=value, bounds=ends, **more)


def normal(value: float, error: float) -> Interval:
    """An interval whose bounds are those of a normal estimate."""
    from scipy.stats import norm

    return interval(value, {a: (value - norm.isf(a) * error, value + norm.isf(a) * error) for a in LEVELS})


def comparison(value: float, error: float, **changes: Any) -> ComparisonResult:
    """A comparison whose bounds are those of a normal estimate."""
    facts: dict[str, Any] = {
        "id": "reviews.accuracy",
        "evaluation": "reviews",
        "metric": "accuracy",
        "baseline": "base",
        "candidate": "tuned",
        "baseline_protocol": "head",
        "candidate_protocol": "head",
        "baseline_value": 0.6,
        "candidate_value": 0.6 + value,
        "delta": normal(value, error),
        "improvement": value,
        "n": 500,
        "clusters": 500,
        "unit": "share",
        "direction": "higher",
        "method": "normal",
        "mde": 2.49 * error,
    }
    return ComparisonResult(**{**facts, **changes})


def level(value: float, error: float, **changes: Any) -> MetricResult:
    facts: dict[str, Any] = {
        "id": "reviews.accuracy",
        "evaluation": "reviews",
        "metric": "accuracy",
        "model": "tuned",
        "protocol": "head",
        "interval": normal(value, error),
        "n": 500,
        "clusters": 500,
        "unit": "share",
        "direction": "higher",
        "method": "normal",
    }
    return MetricResult(**{**facts, **changes})


def evaluation(**changes: Any) -> EvaluationResult:
    facts: dict[str, Any] = {
        "name": "reviews",
        "role": "task",
        "kind": "classification",
        "summary": "",
        "data": ["reviews"],
        "split": "test",
        "n": 500,
        "coverage": {"base": 1.0, "tuned": 1.0, "lora": 1.0},
    }
    return EvaluationResult(**{**facts, **changes})


def judged(
    text: str, *rows: MetricResult | ComparisonResult, asked: EvaluationResult | None = None, **changes: Any
) -> list[GateTrace]:
    """The traces of a `gates` section on made-up results."""
    document = parse(text, "suite.yaml")
    lookup = ResultLookup(
        [row for row in rows if isinstance(row, MetricResult)],
        [row for row in rows if isinstance(row, ComparisonResult)],
        [asked or evaluation()],
    )
    release = changes.pop("release", ["tuned"])
    facts: dict[str, Any] = {"baseline": "base", "today": TODAY, **changes}
    return gate_traces(JudgmentContext(parse_gates(document.value, document.where), lookup, **facts), release)


def only(text: str, *rows: MetricResult | ComparisonResult, **changes: Any) -> GateResult:
    (trace,) = judged(text, *rows, **changes)
    return trace.result
