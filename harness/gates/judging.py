"""Rules and results → verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from harness.gates.composition import judge_composition
from harness.gates.flip_rule import TagFlips
from harness.gates.result_lookup import Evidence
from harness.gates.single_rule import judge_leaf
from harness.gates.trace import Case, Finding
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.verdicts import GateResult
from harness.schema.suite.gate_rules import Composition, GateSet, models_of


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
        finding.result
        for finding in findings(
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


def findings(
    gates: GateSet,
    metrics: Sequence[MetricResult],
    comparisons: Sequence[ComparisonResult],
    evaluations: Sequence[EvaluationResult],
    *,
    release: Sequence[str],
    baseline: str,
    today: date,
    flips: Sequence[TagFlips] = (),
) -> list[Finding]:
    """As `judge`, with what each verdict rests on, for explanations."""
    case = Case(gates, Evidence(metrics, comparisons, evaluations), flips, baseline, today)
    found: list[Finding] = []
    for rule in gates.rules:
        models = models_of(rule, release)
        if not models:
            found.append(case.refused(rule, None, "no release candidate to judge"))
        for model in models:
            if isinstance(rule, Composition):
                found.append(judge_composition(case, rule, model, rule.alpha))
            elif model is not None:
                found += judge_leaf(case, rule, model, rule.alpha)
    return found
