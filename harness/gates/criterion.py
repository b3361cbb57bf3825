"""A rule, a model and its numbers as one question: does this interval lie within these limits?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from harness.gates.decision import Interval, Limits
from harness.gates.result_lookup import Evidence, RefusedError, bounds_at
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.words import number
from harness.schema.suite.gate_rules import (
    AbsoluteRule,
    ComparedRule,
    EquivalenceRule,
    NonInferiorityRule,
    Ratio,
    SlicedRule,
    SuperiorityRule,
    TargetRule,
)

Scale = Literal["linear", "log"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a gate decides.

    Attributes:
        interval, limits: on the scale that is judged (ratios as they are).
        row: the result that the interval was read from.
        margin: the limits in words.
        scale: `log` where distances are ratios.
        point: the value itself is judged, without bounds.
        shown: the unit of the numbers.
    """

    interval: Interval
    limits: Limits
    row: MetricResult | ComparisonResult
    margin: str
    scale: Scale = "linear"
    point: bool = False
    shown: str = ""

    def logarithms(self) -> tuple[Interval, Limits]:
        """Interval and limits of a ratio on the scale on which it was estimated."""
        interval, limits = self.interval, self.limits
        return (
            Interval(math.log(interval.value), math.log(interval.low), math.log(interval.high)),
            Limits(
                math.log(limits.floor) if math.isfinite(limits.floor) else limits.floor,
                math.log(limits.ceiling) if math.isfinite(limits.ceiling) else limits.ceiling,
            ),
        )


def ask(rule: SlicedRule, evidence: Evidence, model: str, baseline: str, name: str | None, alpha: float) -> Question:
    """Reads the numbers of a rule at a level alpha.

    Raises:
        RefusedError: when there is no number that could be judged.
    """
    if isinstance(rule, ComparedRule):
        row = evidence.change(rule, baseline, model, name)
        if isinstance(rule, EquivalenceRule):
            interval = bounds_at(row.bounds, row.delta, alpha, f"the change of {rule.metric}", row.weaknesses)
            limits = Limits(-rule.margin, rule.margin)
            return Question(interval, limits, row, f"± {number(rule.margin, row.unit)}", shown=row.unit)
        if isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio):
            return _ratio(rule, rule.margin.ratio, row, alpha)
        return _improvement(rule, row, alpha)
    level = evidence.level(rule, model, name)
    if isinstance(rule, TargetRule):
        ideal = rule.ideal if rule.ideal is not None else level.ideal
        if ideal is None:
            raise RefusedError(f"{rule.metric} has no built-in ideal; set `ideal`")
        interval = bounds_at(level.bounds, level.value, alpha, f"{rule.metric} of {model}", level.weaknesses)
        margin = f"{number(ideal, level.unit)} ± {number(rule.margin, level.unit)}"
        return Question(interval, Limits(ideal - rule.margin, ideal + rule.margin), level, margin, shown=level.unit)
    assert isinstance(rule, AbsoluteRule)
    return _absolute(rule, level, alpha)


def _improvement(rule: ComparedRule, row: ComparisonResult, alpha: float) -> Question:
    if row.direction == "target":
        raise RefusedError(f"{rule.metric} has an ideal and no better direction; use `target` or `equivalence`")
    interval = bounds_at(row.bounds, row.delta, alpha, f"the change of {rule.metric}", row.weaknesses)
    if row.direction == "lower":
        interval = interval.negated()
    if isinstance(rule, SuperiorityRule):
        limits = Limits(floor=rule.margin, strict=True)
        return Question(interval, limits, row, f"> {number(rule.margin, row.unit)}", shown=row.unit)
    assert isinstance(rule, NonInferiorityRule)
    assert not isinstance(rule.margin, Ratio)
    margin = f"≥ {number(-rule.margin, row.unit)}"
    return Question(interval, Limits(floor=-rule.margin), row, margin, shown=row.unit)


def _ratio(rule: NonInferiorityRule, allowed: float, row: ComparisonResult, alpha: float) -> Question:
    if row.direction == "target":
        raise RefusedError(f"{rule.metric} has an ideal and no better direction; use `target` or `equivalence`")
    if row.ratio is None or not row.ratio_bounds:
        raise RefusedError(f"{rule.metric} has no ratio (it can be zero or negative); use an absolute margin")
    lower_is_better = row.direction == "lower"
    if (allowed < 1) if lower_is_better else (allowed > 1):
        side = "1 or more" if lower_is_better else "at most 1"
        raise RefusedError(f"{rule.metric} is better {row.direction}: its ratio margin must be {side}, not {allowed:g}")
    interval = bounds_at(row.ratio_bounds, row.ratio, alpha, f"the ratio of {rule.metric}", row.weaknesses)
    if interval.low <= 0:
        raise RefusedError(f"the ratio of {rule.metric} reaches zero; use an absolute margin")
    limits = Limits(ceiling=allowed) if lower_is_better else Limits(floor=allowed)
    return Question(interval, limits, row, f"ratio {'≤' if lower_is_better else '≥'} {allowed:g}", scale="log")


def _absolute(rule: AbsoluteRule, row: MetricResult, alpha: float) -> Question:
    limits = Limits(
        floor=rule.min if rule.min is not None else -math.inf,
        ceiling=rule.max if rule.max is not None else math.inf,
    )
    words = []
    if rule.min is not None:
        words.append(f"≥ {number(rule.min, row.unit)}")
    if rule.max is not None:
        words.append(f"≤ {number(rule.max, row.unit)}")
    margin = " and ".join(words)
    if rule.bound == "point":
        value = row.value if row.value is not None else math.nan
        if not math.isfinite(value):
            raise RefusedError(f"{rule.metric} of {row.model} has no finite value")
        return Question(Interval(value, value, value), limits, row, margin, point=True, shown=row.unit)
    interval = bounds_at(row.bounds, row.value, alpha, f"{rule.metric} of {row.model}", row.weaknesses)
    return Question(interval, limits, row, margin, shown=row.unit)
