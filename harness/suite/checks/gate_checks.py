"""Gate rules of a suite, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.errors import Key, Problems, unknown
from harness.core.metric import Direction, Metric
from harness.gates.limits import LimitScale, limit_faults
from harness.metrics.build_metrics import base_name
from harness.schema.suite.gate_rules import (
    Composition,
    GateSet,
    Leaf,
    NoFlipsRule,
    NonInferiorityRule,
    Ratio,
    Rule,
    SuperiorityRule,
    TargetRule,
    leaves,
)
from harness.suite.checks.metric_checks import EvaluationMetrics


@dataclass(frozen=True, slots=True)
class GateNames:
    """What the gates of a suite may name."""

    metrics: Mapping[str, EvaluationMetrics]
    models: Sequence[str]
    evaluations: Sequence[str]
    release: Sequence[str]


def check_gates(gates: GateSet, raw: Any, names: GateNames, problems: Problems) -> None:
    """Notes gates on metrics, models or directions that the suite does not have."""
    paths = _paths(raw)
    for rule in gates.rules:
        here = problems.below(*paths[rule.id])
        if not names.release and any(leaf.model is None for leaf in leaves(rule)):
            here.add("the gate names no model, and `compare` lists no release candidate.", hint="add `model`.")
        _check_rule(rule, names, here)
    for index, waiver in enumerate(gates.waivers):
        if waiver.model is not None and waiver.model not in names.models:
            problems.add(unknown("model", waiver.model, names.models), "waivers", index, "model")


def _check_rule(rule: Rule, names: GateNames, here: Problems) -> None:
    if isinstance(rule, Composition):
        if rule.model is not None and rule.model not in names.models:
            here.add(unknown("model", rule.model, names.models), "model")
            return
        for index, member in enumerate(rule.members):
            _check_rule(member, names, here.below(rule.kind, index))
        return
    if rule.evaluation not in names.evaluations:
        here.add(unknown("evaluation", rule.evaluation, names.evaluations), "metric")
    elif rule.evaluation in names.metrics and not isinstance(rule, NoFlipsRule):
        _check_gate(rule, names.metrics[rule.evaluation], here)
    for key, name in (("model", rule.model), ("baseline", rule.compared_with)):
        if name is not None and name not in names.models:
            here.add(unknown("model", name, names.models), key)
    if rule.model is not None and rule.model == rule.compared_with:
        here.add(f"the gate compares {rule.model!r} with itself.", "baseline")


def _check_gate(rule: Leaf, metrics: EvaluationMetrics, problems: Problems) -> None:
    matching = metrics.matching(rule.metric_name)
    if not matching:
        names = sorted({metric.id for metric in metrics.metrics} | {base_name(metric.id) for metric in metrics.metrics})
        text = unknown(f"metric of {rule.evaluation}", rule.metric_name, names if metrics.exact else _bare(names))
        problems.add(text, "metric", hint=f"or add it to the metrics of {rule.evaluation!r}.")
        return
    directions = {metric.direction for metric in matching}
    if len(directions) == 1:
        _check_direction(rule, directions.pop(), matching[0], problems)
    faults = {fault: None for metric in matching for fault in limit_faults(rule, _scale(metric))}
    for fault in faults:
        problems.add(fault.text, fault.key, hint=fault.hint)


def _scale(metric: Metric) -> LimitScale:
    low, high = metric.range()
    return LimitScale(metric.unit, metric.direction, metric.ideal, low, high, metric.role)


def _bare(names: Sequence[str]) -> list[str]:
    return sorted({base_name(name) for name in names})


def _check_direction(rule: Leaf, direction: Direction, metric: Metric, problems: Problems) -> None:
    if isinstance(rule, SuperiorityRule | NonInferiorityRule) and direction == "target":
        ideal = f" ({metric.ideal:g})" if metric.ideal is not None else ""
        problems.add(
            f"{rule.metric} has an ideal{ideal} and no better direction, so `{rule.kind}` does not fit.",
            "kind",
            hint="use `target` to judge the level, or `equivalence` to judge the change.",
        )
    if isinstance(rule, TargetRule) and rule.ideal is None and metric.ideal is None:
        problems.add(f"{rule.metric} has no built-in ideal.", hint="add `ideal`.")
    if isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio):
        allowed = rule.margin.ratio
        if metric.kind != "ratio":
            problems.add(
                f"{rule.metric} is not a ratio of sums, so a ratio margin does not apply.",
                "margin",
                hint="use an absolute margin, such as `margin: 0.01`.",
            )
            return
        if (direction == "lower" and allowed < 1) or (direction == "higher" and allowed > 1):
            side = "1 or more" if direction == "lower" else "at most 1"
            problems.add(
                f"{rule.metric} is better {direction}, so its ratio margin must be {side}, found {allowed:g}.",
                "margin",
                "ratio",
            )


def _paths(raw: Any) -> dict[str, tuple[Key, ...]]:
    start: tuple[Key, ...] = ("rules",) if isinstance(raw, dict) else ()
    rules = raw.get("rules") if isinstance(raw, dict) else raw
    paths: dict[str, tuple[Key, ...]] = {}
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict) and isinstance(rule.get("id"), str):
            paths.setdefault(rule["id"], (*start, index))
    return paths
