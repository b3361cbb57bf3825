"""A rule, a model and its numbers as one criterion: does this value with its bounds lie within these limits?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from harness.core.interval import Interval
from harness.core.metric import range_of
from harness.gates.decision import JudgedValue, Limits
from harness.gates.limits import LimitScale, limit_faults
from harness.gates.result_lookup import RefusedError, ResultLookup, judged_value
from harness.schema.results.metrics import AdjustedResult, ComparisonResult, MetricResult
from harness.schema.results.number_format import in_unit
from harness.schema.results.seed_aggregation import Row, reads_recipe
from harness.schema.suite.gate_rules import (
    AbsoluteRule,
    ComparedRule,
    EquivalenceRule,
    NonInferiorityRule,
    Ratio,
    Sliced,
    SlicedRule,
    SuperiorityRule,
    TargetRule,
)
from harness.statistics.anytime import LEAST, asymptotic_ratio

Scale = Literal["linear", "log"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a gate decides.

    Attributes:
        value, limits: on the scale that is judged (ratios as they are).
        row: the result that the value was read from.
        margin: the limits in words.
        scale: `log` where distances are ratios.
        point: the value itself is judged, without bounds.
        shown: the unit of the numbers.
        held: what the bounds hold for, beyond one look at all answers: `anytime`, `worst_case`, `adjusted`; empty else.
    """

    value: JudgedValue
    limits: Limits
    row: MetricResult | ComparisonResult
    margin: str
    scale: Scale = "linear"
    point: bool = False
    shown: str = ""
    held: str = ""

    @property
    def exact(self) -> bool:
        """Whether the bounds hold whatever the items: preconditions of other methods are no matter then."""
        return self.held == "anytime" and self.row.anytime is not None and self.row.anytime.standard_error is None

    def logarithms(self) -> tuple[JudgedValue, Limits]:
        """Value and limits of a ratio on the scale on which it was estimated."""
        value, limits = self.value, self.limits
        return (
            JudgedValue(math.log(value.value), math.log(value.low), math.log(value.high)),
            Limits(
                math.log(limits.floor) if math.isfinite(limits.floor) else limits.floor,
                math.log(limits.ceiling) if math.isfinite(limits.ceiling) else limits.ceiling,
            ),
        )


def build_criterion(
    rule: SlicedRule, lookup: ResultLookup, model: str, baseline: str, name: str | None, alpha: float
) -> Criterion:
    """Reads the numbers of a rule at a level alpha.

    Raises:
        RefusedError: when no number can be judged.
    """
    if isinstance(rule, ComparedRule):
        row = lookup.change(rule, baseline, model, name)
        _check_limits(rule, row, lookup)
        return _compared(rule, row, alpha)
    level = lookup.level(rule, model, name)
    _check_limits(rule, level, lookup)
    held = _held(rule, level)
    if held == "adjusted":
        level = _adjusted(rule, level)
    elif held:
        level = level.model_copy(update={"interval": _bounds_held(level, held, level.interval, rule)})
    return replace(_leveled(rule, level, model, alpha), held=held)


def joint_criterion(rule: ComparedRule, row: ComparisonResult, alpha: float) -> Criterion:
    """As `build_criterion`, of a row that several evaluations made.

    Raises:
        RefusedError: when its numbers cannot be judged.
    """
    return _compared(rule, row, alpha)


def _compared(rule: ComparedRule, row: ComparisonResult, alpha: float) -> Criterion:
    held = _held(rule, row)
    if row.identical and held != "worst_case":
        # What is missing may differ, where all that was answered is identical.
        row = _at_no_difference(row, alpha)
    elif held == "adjusted":
        row = _adjusted(rule, row)
    elif held:
        row = _change_held(row, held, rule, alpha)
    return replace(_changed(rule, row, alpha), held=held)


def _held(rule: SlicedRule, row: MetricResult | ComparisonResult) -> Literal["", "anytime", "worst_case", "adjusted"]:
    """What the bounds of a rule must hold for.

    Raises:
        RefusedError: where no method gives such bounds.
    """
    missing = row.missing > 0 and rule.min_coverage < 1 and rule.missing == "worst_case"
    if rule.anytime and reads_recipe(row):
        raise RefusedError(
            f"{rule.metric} is judged over training seeds, whose number is fixed: `sequential` does not fit",
            "remove `sequential: true`, or judge one checkpoint (`seeds: 1`).",
        )
    if rule.anytime and missing:
        raise RefusedError(
            f"{row.missing} answers of {rule.metric} are missing, and no sequential bound allows for them",
            "get the missing answers, or set `missing: complete_case` in the gate.",
        )
    if rule.adjust and (missing or reads_recipe(row)):
        why = f"{row.missing} answers are missing" if missing else "it is judged over training seeds"
        raise RefusedError(
            f"{rule.metric} cannot be adjusted: {why}, and adjusted bounds do not allow for that",
            "remove `adjust: true`" + (", or set `missing: complete_case` in the gate." if missing else "."),
        )
    return "anytime" if rule.anytime else "worst_case" if missing else "adjusted" if rule.adjust else ""


def _adjusted(rule: SlicedRule, row: Row) -> Row:
    """The row with the figure that cheap values make surer; it rests on all items, which are worth its `n_eff`.

    Raises:
        RefusedError: where there is none.
    """
    if row.adjusted is None:
        raise RefusedError(
            f"{rule.metric} has no adjusted figure: all items have their value, or too few, or it is no mean",
            "remove `adjust: true`.",
        )
    made: AdjustedResult = row.adjusted
    alone = row.clusters == row.n
    return row.model_copy(
        update={
            "delta" if isinstance(row, ComparisonResult) else "interval": made.interval,
            "n": made.total,
            "clusters": made.total if alone else row.clusters,
            "n_eff": made.n_eff,
            "method": made.method,
            "unmet": made.unmet,
            "weaknesses": list(dict.fromkeys([*row.weaknesses, *made.weaknesses])),
        }
    )


def _bounds_held(row: MetricResult | ComparisonResult, held: str, fixed: Interval, rule: SlicedRule) -> Interval:
    """The interval that holds at all looks, or over all that missing answers could be, about the same value."""
    interval = row.anytime if held == "anytime" else row.worst_case
    if interval is None and held == "anytime":
        raise RefusedError(f"{rule.metric} has no sequential bounds; score the run again with this gate")
    if interval is None:
        raise _no_worst_case(rule, row)
    if held == "anytime" and any(number is None for bound in interval.bounds for number in (bound.low, bound.high)):
        raise RefusedError(
            f"{rule.metric} has no sequential bound below {LEAST} clusters", "evaluate more items.", open=True
        )
    return interval.model_copy(update={"value": fixed.value, "confidence": fixed.confidence})


def _no_worst_case(rule: SlicedRule, row: MetricResult | ComparisonResult) -> RefusedError:
    return RefusedError(
        f"{row.missing} answers of {rule.metric} are missing, and the worst that they could be is not known for this "
        "figure",
        "get the missing answers, or set `missing: complete_case` in the gate.",
        open=True,
    )


def _change_held(row: ComparisonResult, held: str, rule: ComparedRule, alpha: float) -> ComparisonResult:
    if not (isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio)):
        return row.model_copy(update={"delta": _bounds_held(row, held, row.delta, rule)})
    if held == "worst_case":
        raise _no_worst_case(rule, row)
    if row.ratio is None:
        return row
    ratio = asymptotic_ratio(row.ratio, row.clusters, (alpha,))
    if ratio.low is None:
        raise RefusedError(f"{rule.metric} has no sequential bound below {LEAST} clusters", open=True)
    return row.model_copy(update={"ratio": ratio})


def _changed(rule: ComparedRule, row: ComparisonResult, alpha: float) -> Criterion:
    if isinstance(rule, EquivalenceRule):
        judged = judged_value(row.delta, alpha, f"the change of {rule.metric}", row.weaknesses)
        limits = Limits(-rule.margin, rule.margin)
        return Criterion(judged, limits, row, f"± {in_unit(rule.margin, row.unit)}", shown=row.unit)
    if isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio):
        return _ratio(rule, rule.margin.ratio, row, alpha)
    return _improvement(rule, row, alpha)


def _leveled(rule: SlicedRule, level: MetricResult, model: str, alpha: float) -> Criterion:
    if isinstance(rule, TargetRule):
        ideal = rule.ideal if rule.ideal is not None else level.ideal
        if ideal is None:
            raise RefusedError(f"{rule.metric} has no built-in ideal; set `ideal`")
        judged = judged_value(level.interval, alpha, f"{rule.metric} of {model}", level.weaknesses)
        margin = f"{in_unit(ideal, level.unit)} ± {in_unit(rule.margin, level.unit)}"
        return Criterion(judged, Limits(ideal - rule.margin, ideal + rule.margin), level, margin, shown=level.unit)
    assert isinstance(rule, AbsoluteRule)
    return _absolute(rule, level, alpha)


def _at_no_difference(row: ComparisonResult, alpha: float) -> ComparisonResult:
    """Identical sides: the change is judged at zero, whatever the kind of metric and whatever its method made of it."""
    ratio = None if row.ratio is None else Interval.of(lambda _: (1.0, 1.0), row.ratio.confidence, [alpha], value=1.0)
    delta = Interval.of(lambda _: (0.0, 0.0), row.delta.confidence, [alpha], value=0.0)
    return row.model_copy(update={"delta": delta, "ratio": ratio})


def _check_limits(rule: SlicedRule, row: MetricResult | ComparisonResult, lookup: ResultLookup) -> None:
    """Refuses a limit that the metric makes meaningless; a suite's own are errors before anything runs."""
    assert isinstance(rule, Sliced)
    low, high = range_of(row.unit, row.direction, row.ideal)
    scale = LimitScale(row.unit, row.direction, row.ideal, low, high, lookup.role(row.evaluation, row.metric))
    fault = next(limit_faults(rule, scale), None)
    if fault is not None:
        raise RefusedError(fault.text, fault.hint or "fix the limit of the gate.")


def _improvement(rule: ComparedRule, row: ComparisonResult, alpha: float) -> Criterion:
    if row.direction == "target":
        raise RefusedError(f"{rule.metric} has an ideal and no better direction; use `target` or `equivalence`")
    judged = judged_value(row.delta, alpha, f"the change of {rule.metric}", row.weaknesses)
    if row.direction == "lower":
        judged = judged.negated()
    if isinstance(rule, SuperiorityRule):
        limits = Limits(floor=rule.margin, strict=True)
        return Criterion(judged, limits, row, f"> {in_unit(rule.margin, row.unit)}", shown=row.unit)
    assert isinstance(rule, NonInferiorityRule)
    assert not isinstance(rule.margin, Ratio)
    margin = f"≥ {in_unit(-rule.margin, row.unit)}"
    return Criterion(judged, Limits(floor=-rule.margin), row, margin, shown=row.unit)


def _ratio(rule: NonInferiorityRule, allowed: float, row: ComparisonResult, alpha: float) -> Criterion:
    if row.direction == "target":
        raise RefusedError(f"{rule.metric} has an ideal and no better direction; use `target` or `equivalence`")
    if row.ratio is None or not row.ratio.bounds:
        raise RefusedError(f"{rule.metric} has no ratio (it can be zero or negative); use an absolute margin")
    lower_is_better = row.direction == "lower"
    if (allowed < 1) if lower_is_better else (allowed > 1):
        side = "1 or more" if lower_is_better else "at most 1"
        raise RefusedError(f"{rule.metric} is better {row.direction}: its ratio margin must be {side}, not {allowed:g}")
    judged = judged_value(row.ratio, alpha, f"the ratio of {rule.metric}", row.weaknesses)
    if min(judged.low, judged.value) <= 0:
        raise RefusedError(f"the ratio of {rule.metric} reaches zero; use an absolute margin")
    limits = Limits(ceiling=allowed) if lower_is_better else Limits(floor=allowed)
    return Criterion(judged, limits, row, f"ratio {'≤' if lower_is_better else '≥'} {allowed:g}", scale="log")


def _absolute(rule: AbsoluteRule, row: MetricResult, alpha: float) -> Criterion:
    limits = Limits(
        floor=rule.min if rule.min is not None else -math.inf,
        ceiling=rule.max if rule.max is not None else math.inf,
    )
    words = []
    if rule.min is not None:
        words.append(f"≥ {in_unit(rule.min, row.unit)}")
    if rule.max is not None:
        words.append(f"≤ {in_unit(rule.max, row.unit)}")
    margin = " and ".join(words)
    if rule.bound == "point":
        value = row.interval.value if row.interval.value is not None else math.nan
        if not math.isfinite(value):
            raise RefusedError(f"{rule.metric} of {row.model} has no finite value")
        return Criterion(JudgedValue(value, value, value), limits, row, margin, point=True, shown=row.unit)
    judged = judged_value(row.interval, alpha, f"{rule.metric} of {row.model}", row.weaknesses)
    return Criterion(judged, limits, row, margin, shown=row.unit)
