"""One rule about one figure, on one model → its findings (several under `each_slice`)."""

from __future__ import annotations

from collections.abc import Sequence

from harness.gates.criterion import Question, ask
from harness.gates.decision import Outcome, decide, deciding_bound, gap
from harness.gates.flip_rule import judge_flips
from harness.gates.messages import too_few, verdict_sentence
from harness.gates.result_lookup import RefusedError
from harness.gates.trace import Case, Finding
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import reads_recipe
from harness.schema.suite.gate_rules import MAX_FAMILY, Leaf, NoFlipsRule, Sliced
from harness.statistics.distributions import normal_isf
from harness.statistics.power import needed_n_observed

_MANY = 10_000_000


def judge_leaf(case: Case, rule: Leaf, model: str, alpha: float) -> list[Finding]:
    """The verdicts of a rule on a model at a level: one, or one per slice under `each_slice`."""
    baseline = case.evidence.baseline(rule, case.baseline)
    if isinstance(rule, NoFlipsRule):
        return [_flips(case, rule, model, baseline or case.baseline)]
    names: list[str | None] = [rule.slice]
    if rule.each_slice is not None:
        try:
            names = [*case.evidence.slices(rule, rule.each_slice, model)]
            if rule.correction == "holm" and len(names) > MAX_FAMILY:
                raise RefusedError(f"`correction: holm` takes at most {MAX_FAMILY} slices, found {len(names)}")
        except RefusedError as refused:
            return [case.refused(rule, model, refused, baseline=baseline)]
    harmed = _harmed(case, rule, model, baseline, names) if rule.correction == "holm" else None
    return [_on_slice(case, rule, model, baseline, name, alpha, harmed) for name in names]


def _on_slice(
    case: Case,
    rule: Sliced,
    model: str,
    baseline: str | None,
    name: str | None,
    alpha: float,
    harmed: dict[str | None, float] | None,
) -> Finding:
    try:
        question = ask(rule, case.evidence, model, baseline or "", name, alpha)
        outcome = decide(question.interval, question.limits)
        if harmed is not None and outcome == "fail":
            if name in harmed:
                alpha = harmed[name]
                question = ask(rule, case.evidence, model, baseline or "", name, alpha)
            else:
                outcome = "inconclusive"
    except RefusedError as refused:
        return case.refused(rule, model, refused, baseline=baseline, slice=name)
    return _judged(case, rule, question, outcome, model, baseline, alpha)


def _harmed(
    case: Case, rule: Sliced, model: str, baseline: str | None, names: Sequence[str | None]
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
                question = ask(rule, case.evidence, model, baseline or "", name, alpha)
            except RefusedError:
                continue
            if decide(question.interval, question.limits) == "fail":
                found[name] = alpha
        if not found:
            break
        harmed |= found
    return harmed


def _judged(
    case: Case,
    rule: Sliced,
    question: Question,
    outcome: Outcome,
    model: str,
    baseline: str | None,
    alpha: float,
) -> Finding:
    row = question.row
    needs: int | None = None
    if row.n < rule.min_n:
        outcome, needs = "inconclusive", rule.min_n
        sentence = too_few(rule, question, model)
    else:
        needs = items_needed(question, alpha) if outcome == "inconclusive" else None
        sentence = verdict_sentence(rule, question, outcome, model, baseline or "", alpha, needs)
    result = case.result(
        rule,
        model,
        outcome,
        sentence,
        baseline=baseline,
        slice=row.slice,
        observed=question.interval.value,
        bound=None if question.point else deciding_bound(question.interval, question.limits, outcome),
        low=None if question.point else question.interval.low,
        high=None if question.point else question.interval.high,
        margin=question.margin,
        alpha=alpha,
        n=row.n,
        clusters=row.clusters,
        mde=row.mde if isinstance(row, ComparisonResult) else None,
        needs=needs,
    )
    return Finding(rule, result, question)


def items_needed(question: Question, alpha: float) -> int | None:
    """Items that would decide it with 80% power, were the value that was seen the true one.

    None when the value lies on the limit, when no realistic number would do, or when several training
    seeds are judged: then more of them are needed, not items alone.
    """
    if reads_recipe(question.row):
        return None
    interval, limits = question.interval, question.limits
    if question.scale == "log":
        interval, limits = question.logarithms()
    width = interval.high - interval.low
    distance = gap(interval, limits)
    if not (width > 0 and distance > 0):
        return None
    standard_error = width / (2 * normal_isf(alpha))
    needed = max(needed_n_observed(question.row.n, standard_error, distance, alpha), question.row.n + 1)
    return needed if needed <= _MANY else None


def _flips(case: Case, rule: NoFlipsRule, model: str, baseline: str) -> Finding:
    try:
        case.evidence.require_answers(rule, baseline)
        case.evidence.require_answers(rule, model)
        outcome, sentence, found = judge_flips(rule, case.flips, model, baseline)
    except RefusedError as refused:
        return case.refused(rule, model, refused, baseline=baseline)
    observed = float(len(found.broken))
    result = case.result(
        rule, model, outcome, sentence, baseline=baseline, observed=observed, margin="0 broken items", n=found.n
    )
    return Finding(rule, result, flips=found)
