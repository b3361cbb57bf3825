"""Verdicts as plain sentences with their numbers."""

from __future__ import annotations

import math

from harness.gates.criterion import Criterion
from harness.gates.decision import Outcome
from harness.schema.results.gate_words import margin_in_points
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.number_format import confidence, is_fraction, items, plural, told, whole
from harness.schema.results.seed_aggregation import reads_recipe
from harness.schema.suite.gate_rules import (
    AbsoluteRule,
    EquivalenceRule,
    NonInferiorityRule,
    Ratio,
    Rule,
    SlicedRule,
    SuperiorityRule,
)
from harness.statistics.caveats import CONSTANT_SHIFT, WITHIN_TOLERANCE


def verdict_sentence(
    rule: SlicedRule,
    criterion: Criterion,
    outcome: Outcome,
    model: str,
    baseline: str,
    alpha: float,
    required_n: int | None,
) -> str:
    """One sentence (two with remarks): the claim, the value, its bounds, n, what is missing."""
    yes, no, whether = _claims(rule, criterion, model, baseline)
    claim = {"pass": yes, "fail": no}.get(outcome, f"Inconclusive whether {whether}")
    row = criterion.row
    text = f"{claim}: {_figures(rule, criterion, outcome, alpha)}, {items(row.n, row.clusters, row.n_eff, row.counted)}"
    if outcome == "inconclusive" and reads_recipe(criterion.row):
        text += "; needs more training seeds, or more items"
    elif outcome == "inconclusive":
        text += (
            f"; needs about {whole(required_n)} {row.counted}"
            if required_n
            else f"; no realistic number of {row.counted} would decide it"
        )
    return f"{text}.{_remarks(criterion)}"


def shared_alpha(rule: Rule, attempt: int | None) -> str:
    """Which look or attempt is judged, where several share alpha; empty else."""
    text = ""
    if isinstance(rule, SlicedRule) and rule.looks > 1:
        text += f" One of at most {rule.looks} looks, which share alpha."
    if rule.alpha_spending is not None and attempt is not None:
        text += f" Attempt {attempt} of {rule.alpha_spending.attempts} that share alpha."
    return text


def too_few(rule: SlicedRule, criterion: Criterion, model: str) -> str:
    """The sentence for less evidence than `min_n`."""
    row = criterion.row
    where = f" on {row.slice}" if row.slice else ""
    what = "items" if row.n < rule.min_n else "effective items"
    return (
        f"Too few {what} to decide {rule.metric} of {model}{where}: "
        f"{items(row.n, row.clusters, row.n_eff)}, at least {whole(rule.min_n)} required.{_remarks(criterion)}"
    )


def unmet_precondition(rule: SlicedRule, criterion: Criterion, model: str) -> str:
    """The sentence for figures whose bounds do not hold on these items."""
    row = criterion.row
    where = f" on {row.slice}" if row.slice else ""
    reasons = " ".join(f"{text[0].upper()}{text[1:].rstrip('.')}." for text in row.unmet)
    size = items(row.n, row.clusters, row.n_eff, row.counted)
    return f"Undecided {rule.metric} of {model}{where} ({size}): {reasons}{_remarks(criterion)}"


def _claims(rule: SlicedRule, criterion: Criterion, model: str, baseline: str) -> tuple[str, str, str]:
    what = rule.metric + (f" on {criterion.row.slice}" if criterion.row.slice else "")
    unit = criterion.shown
    if isinstance(rule, SuperiorityRule):
        more = f" by more than {told(rule.margin, unit, change=True)}" if rule.margin else ""
        better = f"better than {baseline} on {what}{more}"
        return f"{model} is {better}", f"{model} is not {better}", f"{model} is {better}"
    if isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio):
        allowed = f"{rule.margin.ratio:g} × that of {baseline}"
        keeps, breaks = ("within", "beyond") if math.isfinite(criterion.limits.ceiling) else ("at or above", "below")
        return (
            f"{what} of {model} is {keeps} {allowed}",
            f"{what} of {model} is {breaks} {allowed}",
            f"{what} of {model} is {keeps} {allowed}",
        )
    if isinstance(rule, NonInferiorityRule):
        assert not isinstance(rule.margin, Ratio)
        worse = f"worse than {baseline} on {what} by more than {told(rule.margin, unit, change=True)}"
        return f"{model} is not {worse}", f"{model} is {worse}", f"{model} is {worse}"
    if isinstance(rule, EquivalenceRule):
        near = f"{what} of {model} differs from {baseline} by at most {told(rule.margin, unit, change=True)}"
        far = f"{what} of {model} differs from {baseline} by more than {told(rule.margin, unit, change=True)}"
        return near, far, near
    limit = margin_in_points(criterion.margin, level=True) if is_fraction(unit) else criterion.margin
    if isinstance(rule, AbsoluteRule):
        return (
            f"{what} of {model} is {limit}",
            f"{what} of {model} is not {limit}",
            f"{what} of {model} is {limit}",
        )
    return (
        f"{what} of {model} lies within {limit}",
        f"{what} of {model} lies outside {limit}",
        f"{what} of {model} lies within {limit}",
    )


def _figures(rule: SlicedRule, criterion: Criterion, outcome: Outcome, alpha: float) -> str:
    signed = isinstance(criterion.row, ComparisonResult) and criterion.scale == "linear"
    unit = criterion.shown

    def show(value: float) -> str:
        return told(value, unit, change=signed, signed=signed)

    judged, limits = criterion.value, criterion.limits
    value = f"{_quantity(rule, criterion)} {show(judged.value)}"
    if criterion.point:
        return f"{value} (the value itself, with no allowance for noise)"
    sure = f"with {confidence(alpha)} confidence"
    two_sided = math.isfinite(limits.floor) and math.isfinite(limits.ceiling)
    if outcome == "inconclusive" or (outcome == "pass" and two_sided):
        return f"{value} (between {show(judged.low)} and {show(judged.high)}, each {sure})"
    at_least = math.isfinite(limits.floor) if outcome == "pass" else judged.low > limits.ceiling
    if at_least:
        return f"{value} (at least {show(judged.low)} {sure})"
    return f"{value} (at most {show(judged.high)} {sure})"


def _quantity(rule: SlicedRule, criterion: Criterion) -> str:
    if criterion.scale == "log":
        return "ratio"
    row = criterion.row
    if not isinstance(row, ComparisonResult):
        return "value"
    word = "change" if isinstance(rule, EquivalenceRule) else "improvement"
    if row.baseline_value is None or row.candidate_value is None:
        return word
    unit = row.unit if is_fraction(row.unit) else ""  # any other unit stands once, behind the change
    before, after = (told(value, unit, change=False) for value in (row.baseline_value, row.candidate_value))
    return f"{before} → {after}, {word}"


def _remarks(criterion: Criterion) -> str:
    row = criterion.row
    text = ""
    if criterion.held == "anytime":
        text += " The bounds hold however often one looks."
    elif criterion.held == "adjusted" and row.adjusted is not None:
        text += f" Adjusted: {row.adjusted.sentence}."
    elif criterion.held == "worst_case":
        text += (
            f" {plural(row.missing, 'item')} without an answer {'is' if row.missing == 1 else 'are'} counted as the "
            "worst that they could be."
        )
    if row.seeds is not None and reads_recipe(row):
        text += f" Judged over {len(row.seeds.seeds)} training seeds, as the recipe."
    elif row.seeds is not None and not row.seeds.seeds_identical:
        text += f" Judged on the first of {len(row.seeds.seeds)} training seeds: this checkpoint, not the recipe."
    if not isinstance(row, ComparisonResult):
        return text
    if row.identical:
        tolerance = ", within the tolerance of scoring" if WITHIN_TOLERANCE in row.weaknesses else ""
        text += f" Both sides are identical on every item{tolerance}."
    if CONSTANT_SHIFT in row.weaknesses:
        text += " Every item changes by the same amount."
    if row.baseline_protocol != row.candidate_protocol:
        text += f" They answer by different protocols ({row.baseline_protocol}, {row.candidate_protocol})."
    return text
