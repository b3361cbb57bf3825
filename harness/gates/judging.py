"""Rules and results → verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from scipy.stats import norm

from harness.core.results import ComparisonResult, EvaluationResult, GateResult, MetricResult
from harness.gates.evidence import Evidence, RefusedError, reads_recipe
from harness.gates.flips import TagFlips, judge_flips
from harness.gates.levels import MAX_FAMILY
from harness.gates.question import Question, ask
from harness.gates.rules import BaseRule, GateSet, NoFlipsRule, SlicedRule
from harness.gates.sentences import too_few, verdict_sentence
from harness.gates.verdict import Outcome, decide, deciding_bound, gap
from harness.gates.waivers import waiver_of
from harness.statistics import needed_n_observed

_MANY = 10_000_000


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
    evidence = Evidence(metrics, comparisons, evaluations)
    results: list[GateResult] = []
    for rule in gates.rules:
        models = [rule.model] if rule.model is not None else list(release)
        if not models:
            results.append(_result(gates, rule, None, None, today, error="there is no release candidate to judge"))
        for model in models:
            against = evidence.baseline(rule, baseline)
            if isinstance(rule, NoFlipsRule):
                results.append(_flip_result(gates, rule, model, against or baseline, today, evidence, flips))
            else:
                results += _judge_rule(gates, rule, model, against, today, evidence)
    return results


def _judge_rule(
    gates: GateSet, rule: SlicedRule, model: str, baseline: str | None, today: date, evidence: Evidence
) -> list[GateResult]:
    names: list[str | None] = [rule.slice]
    if rule.each_slice is not None:
        try:
            names = [*evidence.slices(rule, rule.each_slice, model)]
            if rule.correction == "holm" and len(names) > MAX_FAMILY:
                raise RefusedError(f"`correction: holm` takes at most {MAX_FAMILY} slices, found {len(names)}")
        except RefusedError as refused:
            return [_result(gates, rule, model, baseline, today, error=str(refused))]
    harmed = _harmed(rule, model, baseline, names, evidence) if rule.correction == "holm" else None
    results = []
    for name in names:
        alpha = rule.alpha
        try:
            question = ask(rule, evidence, model, baseline or "", name, alpha)
            outcome = decide(question.interval, question.limits)
            if harmed is not None and outcome == "fail":
                if name in harmed:
                    alpha = harmed[name]
                    question = ask(rule, evidence, model, baseline or "", name, alpha)
                else:
                    outcome = "inconclusive"
        except RefusedError as refused:
            results.append(_result(gates, rule, model, baseline, today, name=name, error=str(refused)))
            continue
        results.append(_judged(gates, rule, question, outcome, model, baseline, today, alpha))
    return results


def _harmed(
    rule: SlicedRule, model: str, baseline: str | None, names: Sequence[str | None], evidence: Evidence
) -> dict[str | None, float]:
    """Holm's step-down over the slices' claims of harm: slice → the level at which it is shown.

    With m slices the most harmed is held against alpha/m, the next against alpha/(m − 1), ….
    That every slice must pass needs no correction (intersection–union).
    """
    harmed: dict[str | None, float] = {}
    while len(harmed) < len(names):
        alpha = rule.alpha / (len(names) - len(harmed))
        found = {}
        for name in names:
            if name in harmed:
                continue
            try:
                question = ask(rule, evidence, model, baseline or "", name, alpha)
            except RefusedError:
                continue
            if decide(question.interval, question.limits) == "fail":
                found[name] = alpha
        if not found:
            break
        harmed |= found
    return harmed


def _judged(
    gates: GateSet,
    rule: SlicedRule,
    question: Question,
    outcome: Outcome,
    model: str,
    baseline: str | None,
    today: date,
    alpha: float,
) -> GateResult:
    row = question.row
    needs: int | None = None
    if row.n < rule.min_n:
        outcome, needs = "inconclusive", rule.min_n
        sentence = too_few(rule, question, model)
    else:
        needs = _needs(rule, question) if outcome == "inconclusive" else None
        sentence = verdict_sentence(rule, question, outcome, model, baseline or "", alpha, needs)
    return _result(gates, rule, model, baseline, today, name=row.slice, outcome=outcome, sentence=sentence).model_copy(
        update={
            "observed": question.interval.value,
            "bound": None if question.point else deciding_bound(question.interval, question.limits, outcome),
            "margin": question.margin,
            "alpha": alpha,
            "n": row.n,
            "mde": row.mde if isinstance(row, ComparisonResult) else None,
            "needs": needs,
        }
    )


def _needs(rule: SlicedRule, question: Question) -> int | None:
    """Items that would decide it with 80% power, were the value that was seen the true one."""
    interval, limits = question.interval, question.limits
    if reads_recipe(question.row):
        return None
    if question.scale == "log":
        interval, limits = question.logarithms()
    width = interval.high - interval.low
    distance = gap(interval, limits)
    if not (width > 0 and distance > 0):
        return None
    standard_error = width / (2 * float(norm.isf(rule.alpha)))
    needed = max(needed_n_observed(question.row.n, standard_error, distance, rule.alpha), question.row.n + 1)
    return needed if needed <= _MANY else None


def _flip_result(
    gates: GateSet,
    rule: NoFlipsRule,
    model: str,
    baseline: str,
    today: date,
    evidence: Evidence,
    flips: Sequence[TagFlips],
) -> GateResult:
    try:
        evidence.require_answers(rule, baseline)
        evidence.require_answers(rule, model)
        outcome, sentence, found = judge_flips(rule, flips, model, baseline)
    except RefusedError as refused:
        return _result(gates, rule, model, baseline, today, error=str(refused))
    return _result(gates, rule, model, baseline, today, outcome=outcome, sentence=sentence).model_copy(
        update={"observed": float(len(found.broken)), "margin": "0 broken items", "n": found.n}
    )


def _result(
    gates: GateSet,
    rule: BaseRule,
    model: str | None,
    baseline: str | None,
    today: date,
    *,
    name: str | None = None,
    outcome: Outcome = "error",
    sentence: str = "",
    error: str | None = None,
) -> GateResult:
    waiver, waived = waiver_of(gates, rule.id, model, today)
    softened = outcome == "inconclusive" and rule.on_inconclusive == "warn"
    place = gates.places.get(rule.id)
    return GateResult(
        id=rule.id,
        kind=rule.kind,
        metric=rule.metric,
        model=model,
        baseline=baseline,
        slice=name if name is not None else getattr(rule, "slice", None),
        severity=rule.severity,
        verdict=outcome,
        blocking=rule.severity == "error" and not waived and not softened,
        sentence=f"Cannot be judged: {error}." if error is not None else sentence,
        alpha=rule.alpha,
        waiver=waiver,
        where=f"{Path(place.file).name}:{place.line}" if place is not None else None,
    )
