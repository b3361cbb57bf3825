"""Why a verdict is what it is, and what would change it, in plain words with the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.gates.criterion import Question
from harness.gates.passing_margin import would_pass
from harness.gates.trace import Finding
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import reads_recipe
from harness.schema.results.words import confidence, count, items, number
from harness.schema.suite.gate_rules import AllOfRule, Composition, NoFlipsRule, NonInferiorityRule, SuperiorityRule

Line = tuple[str, str]
"""A label and a text, such as ("needs", "about 1,200 items")."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a gate's verdict on a model is what it is.

    Attributes:
        title: gate, model and slice.
        lines: labeled texts, in reading order.
        members: of a composition.
    """

    title: str
    verdict: str
    blocking: bool
    lines: tuple[Line, ...]
    members: tuple[Explanation, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "verdict": self.verdict,
            "blocking": self.blocking,
            "lines": [{"label": label, "text": text} for label, text in self.lines],
            "members": [member.to_json() for member in self.members],
        }


def explain(finding: Finding, *, inside: bool = False) -> Explanation:
    """Puts a finding into words.

    Args:
        inside: it is a member of a composition, which says itself what blocks.
    """
    result = finding.result
    parts = [part for part in (result.model, f"on {result.slice}" if result.slice else "") if part]
    title = result.id + (f" ({', '.join(parts)})" if parts else "")
    force = "" if inside else _force(finding)
    lines: list[Line] = [("verdict", f"{result.verdict}{force}"), ("because", result.sentence), *_body(finding)]
    if result.waiver is not None:
        expired = "" if result.waiver_holds else "; no run is green while it stands in the suite: remove it"
        lines.append(("waiver", f"{result.waiver}{expired}"))
    members = tuple(explain(member, inside=True) for member in finding.members)
    return Explanation(title, result.verdict, result.blocking, tuple(lines), members)


def _body(finding: Finding) -> Iterator[Line]:
    if finding.error is not None:
        yield "next", finding.hint or "correct what the sentence names, then judge again; an error is never a pass."
    elif isinstance(finding.rule, Composition) or finding.members:
        yield from _composition(finding)
    elif isinstance(finding.rule, NoFlipsRule):
        yield from _flips(finding)
    elif finding.question is not None:
        yield from _numbers(finding, finding.question)
        yield from _changes(finding, finding.question)


def _numbers(finding: Finding, question: Question) -> Iterator[Line]:
    result, row, interval = finding.result, question.row, question.interval
    unit = question.shown
    signed = isinstance(row, ComparisonResult) and question.scale == "linear"

    def show(value: float) -> str:
        return ("×" if question.scale == "log" else "") + number(value, unit, signed=signed)

    what = "value" if not isinstance(row, ComparisonResult) else "ratio" if question.scale == "log" else "change"
    if isinstance(finding.rule, SuperiorityRule | NonInferiorityRule) and question.scale == "linear":
        what = "improvement"
    bounds = f"{what} {show(interval.value)}"
    if not question.point:
        bounds += (
            f"; lower bound {show(interval.low)}, upper bound {show(interval.high)}, each at "
            f"{confidence(result.alpha)} confidence"
        )
    yield "numbers", f"{bounds}; asked for: {question.margin}"
    sample = items(row.n, row.clusters)
    if isinstance(row, ComparisonResult):
        if row.mde is not None:
            sample += f"; a true difference of {number(row.mde, row.unit)} would be found with 80% power"
        if row.discordant is not None:
            sample += f"; the two differ on {row.discordant:.1%} of the items"
    yield "sample", sample
    if isinstance(row, ComparisonResult) and row.p is not None:
        yield "test", f"{row.method}; {row.test}, p = {row.p:.3g} for no difference at all"
    else:
        yield "method", row.method
    cautions = [*row.weaknesses, *(row.comparability if isinstance(row, ComparisonResult) else [])]
    if cautions:
        yield "caution", " ".join(text if text.endswith(".") else f"{text}." for text in cautions)


def _changes(finding: Finding, question: Question) -> Iterator[Line]:
    """What would turn the verdict."""
    result, rule = finding.result, finding.rule
    if question.row.n < rule.min_n:
        missing = rule.min_n - question.row.n
        text = f"{count(missing)} more items (it asks for {count(rule.min_n)}), or a lower `min_n`"
        yield "would change it", text
    elif result.verdict == "inconclusive":
        if reads_recipe(question.row):
            yield "would decide it", "more training seeds, or more items: the recipe is judged, not one checkpoint"
        elif result.needs:
            text = f"about {count(result.needs)} items, {result.needs / question.row.n:.1f} times as many"
            yield "would decide it", f"{text}, if what was seen here is the truth (80% power)"
        else:
            yield "would decide it", "no realistic number of items: what was seen lies too close to the limit"
    elif result.verdict == "fail":
        text = "a better model; more items would only make it surer, if what was seen here is the truth"
        yield "would change it", text
    yield from ((label, text) for label, text in would_pass(finding.rule, question, result.verdict))
    if result.verdict == "pass" and not question.point and not _close(question):
        yield "room", _room(question)


def _close(question: Question) -> bool:
    return not (math.isfinite(question.limits.floor) or math.isfinite(question.limits.ceiling))


def _room(question: Question) -> str:
    limits, interval = question.limits, question.interval
    gaps = [interval.low - limits.floor, limits.ceiling - interval.high]
    gap = min(gap for gap in gaps if math.isfinite(gap))
    unit = "" if question.scale == "log" else question.shown
    return f"the deciding bound is {number(gap, unit)} inside the limit"


def _flips(finding: Finding) -> Iterator[Line]:
    found = finding.flips
    if found is None:
        return
    yield "numbers", f"{count(len(found.broken))} broken of {count(found.n)} items that count; asked for: none"
    if found.broken:
        shown = ", ".join(found.broken[:10]) + (", …" if len(found.broken) > 10 else "")
        yield "items", shown
        yield "would change it", "the model answering these items as the baseline does; no margin applies"


def _composition(finding: Finding) -> Iterator[Line]:
    result, total = finding.result, len(finding.members)
    if isinstance(finding.rule, AllOfRule) or finding.rule.kind not in ("all_of", "any_of"):
        yield "rule", "all must hold; each is held to its own level, no correction is needed (intersection–union)"
        stopping = [one.result for one in finding.members if one.outcome == result.verdict != "pass"]
        if stopping:
            names = ", ".join(dict.fromkeys(one.slice or one.id for one in stopping))
            yield "would change it", f"what changes {names} (below)"
    else:
        level = confidence(result.alpha / total)
        text = "is enough; as several are tried, each must hold at a level corrected for their number"
        yield "rule", f"one of {total} {text} (Holm: {level} confidence for the clearest)"
        if result.verdict in ("fail", "inconclusive"):
            yield "would change it", "any one member that passes (below)"
        elif result.verdict == "error":
            yield "would change it", "every member must at least be judged; an error in one is an error of the whole"


def _force(finding: Finding) -> str:
    """Whether a verdict that did not pass blocks, and why not."""
    result, rule = finding.result, finding.rule
    if result.verdict == "pass":
        return ""
    if result.blocking:
        return ", and it blocks"
    if result.waiver_holds:
        return ", does not block: a waiver holds"
    key = "severity" if rule.severity == "warn" else "on_inconclusive"
    return f", does not block: the gate has `{key}: warn`"
