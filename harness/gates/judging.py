"""Rules and results → verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from harness.gates.composition import judge_composition
from harness.gates.result_lookup import RefusedError, ResultLookup
from harness.gates.single_rule import judge_rule
from harness.gates.trace import GateTrace, JudgmentContext
from harness.schema.suite.gate_rules import BaseRule, Composition, RequiredEvaluation, models_of


def gate_traces(context: JudgmentContext, release: Sequence[str]) -> list[GateTrace]:
    """The verdicts of all gates, in the order of the suite, with what each rests on.

    Args:
        release: the candidates that rules without `model` judge, each on its own.

    Returns:
        One trace per rule and model, and per slice under `each_slice`. Fail closed: what cannot
        be judged is an error, and says why.
    """
    gates = context.gates
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
        if (reason := _unanswered(need, model, context.lookup)) is not None
    ]


def required_rule(need: RequiredEvaluation) -> BaseRule:
    """What stands for an evaluation that a policy requires, where it is missing."""
    return BaseRule(kind="required", id=f"requires-{need.evaluation}"[:64], metric=f"{need.evaluation}.items")


def _unanswered(need: RequiredEvaluation, model: str, lookup: ResultLookup) -> str | None:
    """Why an evaluation that a policy requires counts as not asked; None where the model answered."""
    evaluation = lookup.evaluations.get(need.evaluation)
    asks = f"the policy {need.policy} requires the evaluation {need.evaluation}, which"
    if evaluation is None:
        return f"{asks} was not asked"
    if not evaluation.coverage.get(model):
        return f"{asks} {model} did not answer"
    return None
