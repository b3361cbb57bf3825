"""One rule about one figure, on one model → its verdicts (several under `each_slice`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.gates.criterion import Criterion, build_criterion
from harness.gates.decision import Outcome, decide, deciding_bound, gap
from harness.gates.flip_rule import judge_flips
from harness.gates.gate_planning import MANY
from harness.gates.messages import shared_alpha, too_few, unmet_precondition, verdict_sentence
from harness.gates.result_lookup import RefusedError
from harness.gates.trace import GateTrace, JudgmentContext
from harness.schema.results.evidence import evidence, too_few_items
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import reads_recipe
from harness.schema.suite.gate_rules import MAX_FAMILY, ComparedRule, Leaf, NoFlipsRule, Sliced
from harness.statistics.distributions import normal_isf
from harness.statistics.multiplicity import holm
from harness.statistics.power import needed_n_between, needed_n_observed


def judge_rule(context: JudgmentContext, rule: Leaf, model: str, alpha: float) -> list[GateTrace]:
    """The verdicts of a rule on a model at a level: one, or one per slice under `each_slice`."""
    baseline = context.lookup.baseline(rule, context.baseline)
    if isinstance(rule, NoFlipsRule):
        return [_flips(context, rule, model, baseline or context.baseline)]
    names: list[str | None] = [rule.slice]
    if rule.each_slice is not None:
        try:
            names = [*context.lookup.slices(rule, rule.each_slice)]
            if rule.correction == "holm" and len(names) > MAX_FAMILY:
                raise RefusedError(f"`correction: holm` takes at most {MAX_FAMILY} slices, found {len(names)}")
        except RefusedError as refused:
            return [context.refused(rule, model, refused, baseline=baseline)]
    failures = _holm_failures(context, rule, model, baseline, names) if rule.correction == "holm" else None
    return [_on_slice(context, rule, model, baseline, name, alpha, failures) for name in names]


def _on_slice(
    context: JudgmentContext,
    rule: Sliced,
    model: str,
    baseline: str | None,
    name: str | None,
    alpha: float,
    failures: dict[str | None, float] | None,
) -> GateTrace:
    try:
        criterion = build_criterion(rule, context.lookup, model, baseline or "", name, alpha)
        outcome = decide(criterion.value, criterion.limits)
        if failures is not None and outcome == "fail":
            if name in failures:
                alpha = failures[name]
                criterion = build_criterion(rule, context.lookup, model, baseline or "", name, alpha)
            else:
                outcome = "inconclusive"
    except RefusedError as refused:
        return context.refused(rule, model, refused, baseline=baseline, slice=name)
    return judge_criterion(context, rule, criterion, outcome, model, baseline, alpha)


def _holm_failures(
    context: JudgmentContext, rule: Sliced, model: str, baseline: str | None, names: Sequence[str | None]
) -> dict[str | None, float]:
    """Holm's step-down over the slices' claims of harm: slice → the level at which it is shown.

    With m slices the most failures is held against alpha/m, the next against alpha/(m − 1), ….
    That every slice must pass needs no correction (intersection–union).
    """
    failures: dict[str | None, float] = {}
    while len(failures) < len(names):
        alpha = rule.alpha / (len(names) - len(failures))
        failing = {}
        for name in names:
            if name in failures:
                continue
            try:
                criterion = build_criterion(rule, context.lookup, model, baseline or "", name, alpha)
            except RefusedError:
                continue
            if decide(criterion.value, criterion.limits) == "fail":
                failing[name] = alpha
        if not failing:
            break
        failures |= failing
    shown = _shown_by_tests(context, rule, model, baseline, names)
    return {name: alpha for name, alpha in failures.items() if shown.get(name, True)}


def _shown_by_tests(
    context: JudgmentContext, rule: Sliced, model: str, baseline: str | None, names: Sequence[str | None]
) -> dict[str | None, bool]:
    """Slice → whether Holm's p of its own test claims a difference: far tails of intervals alone claim too much.

    A claim of harm is one-sided, so half of the two-sided p counts. Slices without a test are left out.
    """
    if not isinstance(rule, ComparedRule):
        return {}
    known: dict[str | None, float] = {}
    for name in names:
        try:
            row = context.lookup.change(rule, baseline or "", model, name)
        except RefusedError:
            continue
        if row.p is not None:
            known[name] = row.p / 2
    adjusted = holm(list(known.values()))
    return {name: bool(p <= rule.alpha) for name, p in zip(known, adjusted.tolist(), strict=True)}


def judge_criterion(
    context: JudgmentContext,
    rule: Sliced,
    criterion: Criterion,
    outcome: Outcome,
    model: str,
    baseline: str | None,
    alpha: float,
) -> GateTrace:
    """The verdict that an outcome leads to: evidence, preconditions and doubts may leave it open."""
    row = criterion.row
    required_n: int | None = None
    # A failure that its own bound shows stays one, however few items show it; a pass takes evidence.
    if outcome != "fail" and too_few_items(row, rule.min_n):
        outcome, required_n = "inconclusive", math.ceil(rule.min_n * row.n / evidence(row))
        sentence = too_few(rule, criterion, model)
    elif outcome != "fail" and row.unmet and not criterion.point and not criterion.exact:
        outcome = "inconclusive"
        sentence = unmet_precondition(rule, criterion, model)
    else:
        required_n = required_items(criterion, alpha) if outcome == "inconclusive" else None
        sentence = verdict_sentence(rule, criterion, outcome, model, baseline or "", alpha, required_n)
    outcome, sentence, doubt = _doubted(context, rule, outcome, sentence, model, baseline)
    result = context.result(
        rule,
        model,
        outcome,
        f"{sentence}{shared_alpha(rule, context.attempt)}",
        baseline=baseline,
        slice=row.slice,
        observed=criterion.value.value,
        bound=None if criterion.point else deciding_bound(criterion.value, criterion.limits, outcome),
        low=None if criterion.point else criterion.value.low,
        high=None if criterion.point else criterion.value.high,
        margin=criterion.margin,
        alpha=alpha,
        n=row.n,
        clusters=row.clusters,
        n_eff=row.n_eff,
        counted=row.counted,
        mde=row.mde if isinstance(row, ComparisonResult) else None,
        required_n=required_n,
        doubt=doubt,
        sequential=rule.anytime,
        worst_case=criterion.held == "worst_case",
    )
    return GateTrace(rule, result, criterion)


def _doubted(
    context: JudgmentContext, rule: Leaf, outcome: Outcome, sentence: str, model: str, baseline: str | None
) -> tuple[Outcome, str, str | None]:
    """A pass on rows that may have been trained on is inconclusive, with the reason; a harm that is shown stays."""
    unknown = context.lookup.doubt(rule, model, baseline) if outcome == "pass" else None
    if unknown is None:
        return outcome, sentence, None
    return "inconclusive", f"Inconclusive: {unknown.sentence} {unknown.advice} Otherwise: {sentence}", unknown.advice


def required_items(criterion: Criterion, alpha: float) -> int | None:
    """Items that would decide it with 80% power, were the value that was seen the true one.

    None when the value lies on the limit, when no realistic number would do, or when several training
    seeds are judged: then more of them are needed, not items alone.
    """
    if reads_recipe(criterion.row):
        return None
    judged, limits = criterion.value, criterion.limits
    if criterion.scale == "log":
        judged, limits = criterion.logarithms()
    width = judged.high - judged.low
    distance = gap(judged, limits)
    if not (width > 0 and distance > 0):
        return None
    standard_error, n = width / (2 * normal_isf(alpha)), criterion.row.n
    below, above = judged.value - limits.floor, limits.ceiling - judged.value
    if min(below, above) > 0 and math.isfinite(max(below, above)):
        required_n = max(needed_n_between(n, standard_error, below, above, alpha), n + 1)
    else:
        required_n = max(needed_n_observed(n, standard_error, distance, alpha), n + 1)
    return required_n if required_n <= MANY else None


def _flips(context: JudgmentContext, rule: NoFlipsRule, model: str, baseline: str) -> GateTrace:
    try:
        context.lookup.require_answers(rule, baseline)
        context.lookup.require_answers(rule, model)
        outcome, sentence, counted = judge_flips(rule, context.flips, model, baseline)
    except RefusedError as refused:
        return context.refused(rule, model, refused, baseline=baseline)
    outcome, sentence, doubt = _doubted(context, rule, outcome, sentence, model, baseline)
    result = context.result(
        rule,
        model,
        outcome,
        sentence,
        baseline=baseline,
        observed=float(len(counted.broken)),
        margin="0 broken items",
        n=counted.n,
        doubt=doubt,
    )
    return GateTrace(rule, result, flips=counted)
