"""A gate judged on samples of the newest run's records: how often it passes, and how many items it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.core.errors import DataError
from harness.pipeline.results.scoring import ScoringSpec, metrics_of
from harness.schema.results.results_file import Results
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.comparisons.simulation.record_world import BoundQuestion
    from harness.comparisons.simulation.simulated_power import PowerQuestion
    from harness.core.metric import Metric
    from harness.gates.gate_planning import SimulatedGate
    from harness.schema.suite.gate_rules import Leaf, Sliced


def simulate_gate(
    rule: Leaf, models: Sequence[str], run: RunDir, results: Results, n: int, name: str | None
) -> SimulatedGate | None:
    """What samples of the run's records say of a gate; None where that run does not hold what it reads.

    Args:
        models: whom it judges; the first one that the run has stands for all.
        n: items that will be evaluated.
        name: the slice that is planned for, or None.
    """
    from harness.comparisons.simulation.simulated_power import simulated_power
    from harness.gates.gate_planning import SimulatedGate
    from harness.gates.result_lookup import baseline_of, matches
    from harness.schema.suite.gate_rules import SlicedRule
    from harness.statistics.crossed_seeds import RECIPE

    if not isinstance(rule, SlicedRule) or rule.reads_point:
        return None
    evaluation = next((entry for entry in results.evaluations if entry.name == rule.evaluation), None)
    model = next((model for model in models if evaluation is not None and model in evaluation.protocols), None)
    if evaluation is None or model is None:
        return None
    baseline = baseline_of(rule, evaluation, results.baseline)
    names = [side for side in (baseline, model) if side is not None]
    if len(set(names)) < len(names) or not set(names) <= evaluation.protocols.keys():
        return None
    source = f"the run {run.path.name}"
    seeds = max(evaluation.seeds.get(side, 1) for side in names)
    if seeds >= RECIPE:
        return SimulatedGate(
            source, reason=f"{seeds} training seeds say too little of others. The figures are those of formulas"
        )
    coverage = min(evaluation.coverage.get(side, 0.0) for side in names)
    if coverage < rule.min_coverage:
        reason = f"{coverage:.1%} of its items have an answer, and the gate takes {rule.min_coverage:.1%}"
        return SimulatedGate(source, reason=reason)
    try:
        sides = [run.records(evaluation.name, side) for side in names]
    except DataError:
        return None
    protocols = [side.head.protocol for side in sides]
    metrics = metrics_of(ScoringSpec.of(evaluation), *protocols)
    metric = next((metric for metric in metrics if matches(rule.metric_name, metric.id)), None)
    question = None if metric is None else power_question(rule, metric, name)
    if question is not None and coverage < 1 and rule.missing == "worst_case":
        if rule.anytime:
            return SimulatedGate(source, reason="answers are missing, and no sequential bound allows for them")
        question = replace(question, bound=replace(question.bound, worst_case=True))
    if metric is None or question is None:
        return None
    counted = simulated_power(sides, metric, question, n, seed=results.seed)
    if counted.power is None or counted.low is None or counted.high is None:
        return SimulatedGate(source, reason=counted.reason or "")
    who = "an unchanged model" if counted.unchanged else f"{model} as that run found it"
    if question.bound.worst_case:
        who += ", with missing answers at their worst,"
    return SimulatedGate(
        source, counted.power, counted.low, counted.high, counted.required_n, counted.least_n, counted.most_n, who
    )


def power_question(rule: Sliced, metric: Metric, name: str | None) -> PowerQuestion | None:
    """Between which limits the gate's bound must lie, and whether a model that changed nothing is asked about."""
    from harness.comparisons.simulation.simulated_power import PowerQuestion
    from harness.schema.suite.gate_rules import (
        AbsoluteRule,
        EquivalenceRule,
        NonInferiorityRule,
        Ratio,
        SuperiorityRule,
        TargetRule,
    )

    low, high, unchanged = -math.inf, math.inf, False
    if isinstance(rule, AbsoluteRule):
        low = low if rule.min is None else rule.min
        high = high if rule.max is None else rule.max
    elif isinstance(rule, TargetRule):
        ideal = rule.ideal if rule.ideal is not None else metric.ideal
        if ideal is None:
            return None
        low, high = ideal - rule.margin, ideal + rule.margin
    elif isinstance(rule, EquivalenceRule):
        low, high, unchanged = -rule.margin, rule.margin, True
    else:
        if metric.direction == "target":
            return None
        unchanged = isinstance(rule, NonInferiorityRule)
        limit = rule.margin if isinstance(rule, SuperiorityRule) else None
        if isinstance(rule.margin, Ratio):
            limit = rule.margin.ratio
        elif isinstance(rule, NonInferiorityRule):
            limit = -rule.margin
        assert isinstance(limit, float | int)
        if metric.direction == "higher":
            low = limit
        else:
            high = limit if isinstance(rule.margin, Ratio) else -limit
    return PowerQuestion(bound_question(rule, metric, name), low, high, unchanged, rule.min_n)


def bound_question(rule: Sliced, metric: Metric, name: str | None) -> BoundQuestion:
    """Which ends of which bound can pass a gate, on a slice or on all items."""
    from harness.comparisons.simulation.record_world import BoundQuestion
    from harness.schema.suite.gate_rules import AbsoluteRule, NonInferiorityRule, Ratio, SuperiorityRule

    ends: tuple[str, ...] = ("low", "high")
    if isinstance(rule, AbsoluteRule):
        ends = tuple(end for end, limit in (("low", rule.min), ("high", rule.max)) if limit is not None)
    elif isinstance(rule, SuperiorityRule | NonInferiorityRule):
        ends = ("high",) if metric.direction == "lower" else ("low",)
    ratio = isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio)
    return BoundQuestion(rule.alpha, ends, name, ratio, rule.anytime and not ratio)
