"""Rules and results → verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from harness.gates.composition import judge_composition
from harness.gates.flip_rule import TagFlips
from harness.gates.result_lookup import RefusedError, ResultLookup
from harness.gates.single_rule import judge_rule
from harness.gates.trace import GateTrace, JudgmentContext
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.verdicts import GateResult
from harness.schema.suite.gate_rules import BaseRule, Composition, GateSet, RequiredEvaluation, models_of


def judge(
    gates: GateSet,
    metrics: Sequence[MetricResult],
    comparisons: Sequence[ComparisonResult],
    evaluations: Sequence[EvaluationResult],
    *,
    release: Sequence[str],
    baseline: str,
    today: date,
    flips: Sequence[TagFlips] = (),
) -> list[GateResult]:
    """The verdicts of all gates, in the order of the suite.

    Args:
        gates: the rules.
        metrics, comparisons, evaluations: the results of a run.
        release: the candidates that rules without `model` judge, each on its own.
        baseline: compared with when neither a rule nor its evaluation names another one (an
            evaluation's `baseline` is the best way of the base to answer it).
        today: the day that waivers are held against.
        flips: what broke among tagged items, for `no_flips` (see `tag_flips`).

    Returns:
        One result per rule and model, and per slice under `each_slice`. Fail closed: what cannot
        be judged is an error, and says why.
    """
    return [
        trace.result
        for trace in gate_traces(
            gates,
            metrics,
            comparisons,
            evaluations,
            release=release,
            baseline=baseline,
            today=today,
            flips=flips,
        )
    ]


def gate_traces(
    gates: GateSet,
    metrics: Sequence[MetricResult],
    comparisons: Sequence[ComparisonResult],
    evaluations: Sequence[EvaluationResult],
    *,
    release: Sequence[str],
    baseline: str,
    today: date,
    flips: Sequence[TagFlips] = (),
    attempt: int | None = None,
    joint: Mapping[tuple[str, str], ComparisonResult] | None = None,
) -> list[GateTrace]:
    """As `judge`, with what each verdict rests on, for explanations."""
    lookup = ResultLookup(metrics, comparisons, evaluations)
    context = JudgmentContext(gates, lookup, flips, baseline, today, attempt=attempt, joint=joint or {})
    traces: list[GateTrace] = []
    for rule in gates.rules:
        models = models_of(rule, release)
        if not models:
            traces.append(context.refused(rule, None, "no release candidate to judge"))
        overspent = context.overspent(rule)
        for model in models:
            if overspent is not None:
                traces.append(context.refused(rule, model, overspent))
            elif isinstance(rule, Composition):
                traces.append(judge_composition(context, rule, model, rule.alpha))
            elif model is not None:
                traces += judge_rule(context, rule, model, rule.alpha)
    hint = "run the whole suite, or name in `--only` what the gate needs."
    traces += [
        context.refused(gate.rule, gate.model, RefusedError(gate.reason, hint), left_out=True)
        for gate in gates.left_out
    ]
    return traces + [
        context.refused(required_rule(need), model, RefusedError(reason, hint), left_out=True)
        for need in gates.required
        for model in release
        if (reason := _unanswered(need, model, evaluations)) is not None
    ]


def required_rule(need: RequiredEvaluation) -> BaseRule:
    """What stands for an evaluation that a policy requires, where it is missing."""
    return BaseRule(kind="required", id=f"requires-{need.evaluation}"[:64], metric=f"{need.evaluation}.items")


def _unanswered(need: RequiredEvaluation, model: str, evaluations: Sequence[EvaluationResult]) -> str | None:
    """Why an evaluation that a policy requires counts as not asked; None where the model answered."""
    evaluation = next((entry for entry in evaluations if entry.name == need.evaluation), None)
    asks = f"the policy {need.policy} requires the evaluation {need.evaluation}, which"
    if evaluation is None:
        return f"{asks} was not asked"
    if not evaluation.coverage.get(model):
        return f"{asks} {model} did not answer"
    return None
