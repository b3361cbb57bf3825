"""Checks that metrics exist, fit their evaluation, and can be judged the way a gate wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.calibration.planted_metrics import world_metrics
from harness.core.diagnostics import Key, Problems
from harness.core.errors import SuiteError, unknown
from harness.core.evaluation import Direction, Metric, MetricContext
from harness.metrics.build_metrics import base_name, build_metrics
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
from harness.suite.suite import EvaluationSpec

_STAND_IN = ("a", "b")


@dataclass(frozen=True, slots=True)
class EvaluationMetrics:
    """The metrics that an evaluation will have, as far as they are known before data is read.

    `exact`: the ids are final; otherwise what stands in brackets depends on the data's labels.
    """

    metrics: tuple[Metric, ...]
    exact: bool

    def matching(self, name: str) -> list[Metric]:
        """The metrics that a gate's metric name can mean."""
        same = [metric for metric in self.metrics if metric.id == name]
        if same or (self.exact and "[" in name):
            return same
        return [metric for metric in self.metrics if base_name(metric.id) == base_name(name)]


def check_metrics(spec: EvaluationSpec, problems: Problems) -> EvaluationMetrics:
    """Notes metrics that are unknown or that the evaluation's records cannot feed."""
    labels = getattr(spec.options, "labels", None)
    context = MetricContext(tuple(labels) if labels else _STAND_IN, getattr(spec.options, "scorer", None))
    asked: Sequence[str] | None = getattr(spec.options, "metrics", None)
    found: dict[str, Metric] = {}
    # Some options bring figures of their own: a classifier that reads what is written.
    usual = (*spec.cls.default_metrics, *getattr(spec.options, "further_metrics", ()))
    for index, name in enumerate(usual if asked is None else asked):
        try:
            built = build_metrics([name], context, provides=spec.cls.provides, evaluation=spec.name)
        except SuiteError as error:
            problems.add(error.message, spec.kind, "metrics", index, hint=error.hint)
            continue
        found |= {metric.id: metric for metric in built}
    if asked is not None and not asked:
        problems.add("expected at least one metric, found none.", spec.kind, "metrics")
    return EvaluationMetrics(tuple(found.values()), bool(labels))


def over_worlds(found: EvaluationMetrics) -> EvaluationMetrics:
    """What gates may judge where an evaluation is repeated in planted worlds."""
    names = [name for metric in found.metrics for name in world_metrics(metric.id, metric.direction, metric.ideal)]
    made = build_metrics(names, MetricContext()) if names else []
    return EvaluationMetrics(tuple(made), True)


def check_gates(
    gates: GateSet,
    raw: Any,
    metrics: Mapping[str, EvaluationMetrics],
    models: Sequence[str],
    evaluations: Sequence[str],
    release: Sequence[str],
    problems: Problems,
) -> None:
    """Notes gates on metrics, models or directions that the suite does not have."""
    paths = _paths(raw)
    for rule in gates.rules:
        here = problems.below(*paths[rule.id])
        if not release and any(leaf.model is None for leaf in leaves(rule)):
            here.add("the gate names no model, and compare has no release candidate.", hint="add `model`.")
        _check_rule(rule, metrics, models, evaluations, here)
    for index, waiver in enumerate(gates.waivers):
        if waiver.model is not None and waiver.model not in models:
            problems.add(unknown("model", waiver.model, models), "waivers", index, "model")


def _check_rule(
    rule: Rule,
    metrics: Mapping[str, EvaluationMetrics],
    models: Sequence[str],
    evaluations: Sequence[str],
    here: Problems,
) -> None:
    if isinstance(rule, Composition):
        if rule.model is not None and rule.model not in models:
            here.add(unknown("model", rule.model, models), "model")
            return
        for index, member in enumerate(rule.members):
            _check_rule(member, metrics, models, evaluations, here.below(rule.kind, index))
        return
    if rule.evaluation not in evaluations:
        here.add(unknown("evaluation", rule.evaluation, evaluations), "metric")
    elif rule.evaluation in metrics and not isinstance(rule, NoFlipsRule):
        _check_gate(rule, metrics[rule.evaluation], here)
    for key in ("model", "baseline"):
        name = getattr(rule, key, None)
        if name is not None and name not in models:
            here.add(unknown("model", name, models), key)
    if rule.model is not None and rule.model == getattr(rule, "baseline", None):
        here.add(f"{rule.model!r} would be compared with itself.", "baseline")


def _check_gate(rule: Leaf, metrics: EvaluationMetrics, problems: Problems) -> None:
    matching = metrics.matching(rule.metric_name)
    if not matching:
        names = sorted({metric.id for metric in metrics.metrics} | {base_name(one.id) for one in metrics.metrics})
        text = unknown(f"metric of {rule.evaluation}", rule.metric_name, names if metrics.exact else _bare(names))
        problems.add(text, "metric", hint=f"or add it to the metrics of {rule.evaluation!r}.")
        return
    directions = {metric.direction for metric in matching}
    if len(directions) == 1:
        _check_direction(rule, directions.pop(), matching[0], problems)


def _bare(names: Sequence[str]) -> list[str]:
    return sorted({base_name(name) for name in names})


def _check_direction(rule: Leaf, direction: Direction, metric: Metric, problems: Problems) -> None:
    if isinstance(rule, SuperiorityRule | NonInferiorityRule) and direction == "target":
        ideal = f" ({metric.ideal:g})" if metric.ideal is not None else ""
        problems.add(
            f"{rule.metric} has an ideal{ideal} and no better direction, so `{rule.kind}` does not fit.",
            "kind",
            hint="`target` judges the level, `equivalence` the change.",
        )
    if isinstance(rule, TargetRule) and rule.ideal is None and metric.ideal is None:
        problems.add(f"{rule.metric} has no ideal of its own.", hint="add `ideal`.")
    if isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio):
        allowed = rule.margin.ratio
        if metric.kind != "ratio":
            problems.add(
                f"{rule.metric} is no ratio of sums, so it takes no ratio margin.",
                "margin",
                hint="give an absolute one, such as `margin: 0.01`.",
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
