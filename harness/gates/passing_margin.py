"""The margin at which a gate would pass, given what was seen."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.gates.criterion import Criterion
from harness.gates.decision import Outcome
from harness.schema.suite.gate_rules import (
    AbsoluteRule,
    BaseRule,
    EquivalenceRule,
    Leaf,
    NonInferiorityRule,
    Ratio,
    Rule,
    SuperiorityRule,
    TargetRule,
)

_DIGITS = 3


def passing_margin(rule: Rule | BaseRule, criterion: Criterion, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """(label, text): the widest or narrowest setting with which these numbers would pass.

    Numbers are rounded to the side on which the gate does pass.
    """
    text = _setting(rule, criterion)
    if text is not None:
        yield ("passes with" if outcome == "pass" else "would pass with"), text


def _setting(rule: Rule | BaseRule, criterion: Criterion) -> str | None:
    low, high = criterion.value.low, criterion.value.high
    if isinstance(rule, SuperiorityRule):
        if low > 0:
            return f"a margin below {_text(low, up=False)}"
        loss = f"`non_inferiority` with a margin of {_text(-low, up=True)}"
        return f"no margin of `superiority`; {loss} would" if low < 0 else None
    if isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio):
        if math.isfinite(criterion.limits.ceiling):
            return f"`margin: {{ratio: {1 + rounded(max(high - 1, 0.0), up=True):.10g}}}` or more"
        return f"`margin: {{ratio: {1 - rounded(max(1 - low, 0.0), up=True):.10g}}}` or less"
    if isinstance(rule, NonInferiorityRule):
        return f"`margin: {_text(-low, up=True)}` or more" if low < 0 else "any margin, 0 included"
    if isinstance(rule, EquivalenceRule):
        return f"`margin: {_text(max(-low, high), up=True)}` or more"
    if isinstance(rule, TargetRule):
        middle = (criterion.limits.floor + criterion.limits.ceiling) / 2
        return f"`margin: {_text(max(middle - low, high - middle), up=True)}` or more"
    return _absolute(rule, low, high) if isinstance(rule, AbsoluteRule) else None


def _absolute(rule: Leaf, low: float, high: float) -> str:
    assert isinstance(rule, AbsoluteRule)
    parts = []
    if rule.min is not None:
        parts.append(f"`min: {_text(low, up=False)}` or less")
    if rule.max is not None:
        parts.append(f"`max: {_text(high, up=True)}` or more")
    return " and ".join(parts)


def rounded(value: float, *, up: bool) -> float:
    """Three digits that matter, never past the value to the other side."""
    if value == 0 or not math.isfinite(value):
        return value
    near = float(f"{value:.{_DIGITS}g}")
    if (near >= value) if up else (near <= value):
        return near
    step = 10.0 ** (math.floor(math.log10(abs(value))) - _DIGITS + 1)
    return float(f"{near + step if up else near - step:.{_DIGITS + 1}g}")


def _text(value: float, *, up: bool) -> str:
    return f"{rounded(value, up=up):.{_DIGITS + 1}g}"
