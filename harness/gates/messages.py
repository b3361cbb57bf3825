"""Verdicts as plain sentences with their numbers."""

from __future__ import annotations

import math

from harness.gates.criterion import Question
from harness.gates.decision import Outcome
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import reads_recipe
from harness.schema.results.words import confidence, count, items, number
from harness.schema.suite.gate_rules import (
    AbsoluteRule,
    EquivalenceRule,
    NonInferiorityRule,
    Ratio,
    SlicedRule,
    SuperiorityRule,
)


def verdict_sentence(
    rule: SlicedRule, question: Question, outcome: Outcome, model: str, baseline: str, alpha: float, needs: int | None
) -> str:
    """One sentence (two with remarks): the claim, the value, its bounds, n, what is missing."""
    yes, no, whether = _claims(rule, question, model, baseline)
    claim = {"pass": yes, "fail": no}.get(outcome, f"it is open whether {whether}")
    text = f"{claim}: {_figures(rule, question, outcome, alpha)}, {items(question.row.n, question.row.clusters)}"
    if outcome == "inconclusive" and reads_recipe(question.row):
        text += "; needs more training seeds, or more items"
    elif outcome == "inconclusive":
        text += f"; needs about {count(needs)} items" if needs else "; no realistic number of items would decide it"
    return f"{text[:1].upper() if text.startswith('it is') else text[:1]}{text[1:]}.{_remarks(question)}"


def too_few(rule: SlicedRule, question: Question, model: str) -> str:
    """The sentence for fewer items than `min_n`."""
    where = f" on {question.row.slice}" if question.row.slice else ""
    return (
        f"It is open how {model} stands on {rule.metric}{where}: {items(question.row.n, question.row.clusters)}, "
        f"and the gate asks for at least {count(rule.min_n)}.{_remarks(question)}"
    )


def _claims(rule: SlicedRule, question: Question, model: str, baseline: str) -> tuple[str, str, str]:
    what = rule.metric + (f" on {question.row.slice}" if question.row.slice else "")
    unit = question.shown
    if isinstance(rule, SuperiorityRule):
        more = f" by more than {number(rule.margin, unit)}" if rule.margin else ""
        better = f"better than {baseline} on {what}{more}"
        return f"{model} is {better}", f"{model} is not {better}", f"{model} is {better}"
    if isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio):
        allowed = f"{rule.margin.ratio:g} × that of {baseline}"
        keeps, breaks = ("within", "beyond") if math.isfinite(question.limits.ceiling) else ("at or above", "below")
        return (
            f"{what} of {model} is {keeps} {allowed}",
            f"{what} of {model} is {breaks} {allowed}",
            f"{what} of {model} is {keeps} {allowed}",
        )
    if isinstance(rule, NonInferiorityRule):
        assert not isinstance(rule.margin, Ratio)
        worse = f"worse than {baseline} on {what} by more than {number(rule.margin, unit)}"
        return f"{model} is not {worse}", f"{model} is {worse}", f"{model} is {worse}"
    if isinstance(rule, EquivalenceRule):
        near = f"{what} of {model} differs from {baseline} by at most {number(rule.margin, unit)}"
        far = f"{what} of {model} differs from {baseline} by more than {number(rule.margin, unit)}"
        return near, far, near
    if isinstance(rule, AbsoluteRule):
        return (
            f"{what} of {model} is {question.margin}",
            f"{what} of {model} is not {question.margin}",
            f"{what} of {model} is {question.margin}",
        )
    return (
        f"{what} of {model} lies within {question.margin}",
        f"{what} of {model} lies outside {question.margin}",
        f"{what} of {model} lies within {question.margin}",
    )


def _figures(rule: SlicedRule, question: Question, outcome: Outcome, alpha: float) -> str:
    signed = isinstance(question.row, ComparisonResult) and question.scale == "linear"
    unit = question.shown

    def show(value: float) -> str:
        return number(value, unit, signed=signed)

    interval, limits = question.interval, question.limits
    value = f"{_quantity(rule, question)} {show(interval.value)}"
    if question.point:
        return f"{value} (the value itself, with no allowance for noise)"
    sure = f"with {confidence(alpha)} confidence"
    two_sided = math.isfinite(limits.floor) and math.isfinite(limits.ceiling)
    if outcome == "inconclusive" or (outcome == "pass" and two_sided):
        return f"{value} (between {show(interval.low)} and {show(interval.high)}, each {sure})"
    at_least = math.isfinite(limits.floor) if outcome == "pass" else interval.low > limits.ceiling
    if at_least:
        return f"{value} (at least {show(interval.low)} {sure})"
    return f"{value} (at most {show(interval.high)} {sure})"


def _quantity(rule: SlicedRule, question: Question) -> str:
    if question.scale == "log":
        return "ratio"
    row = question.row
    if not isinstance(row, ComparisonResult):
        return "value"
    word = "change" if isinstance(rule, EquivalenceRule) else "improvement"
    if row.baseline_value is None or row.candidate_value is None:
        return word
    return f"{number(row.baseline_value)} → {number(row.candidate_value)}, {word}"


def _remarks(question: Question) -> str:
    row = question.row
    text = ""
    if row.seeds is not None and reads_recipe(row):
        text += f" Judged over {len(row.seeds.seeds)} training seeds, as the recipe."
    if not isinstance(row, ComparisonResult):
        return text
    if row.identical:
        text += " Both sides are identical on every item."
    if row.baseline_protocol != row.candidate_protocol:
        text += f" They answer by different protocols ({row.baseline_protocol}, {row.candidate_protocol})."
    return text
