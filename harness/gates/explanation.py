"""Why a verdict is what it is, and what would change it, in plain words with the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.core.interval import number_or_nan
from harness.gates.criterion import Criterion
from harness.gates.passing_margin import passing_margin
from harness.gates.trace import GateTrace
from harness.schema.results.evidence import evidence, too_few_items
from harness.schema.results.gate_words import margin_in_points
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.number_format import (
    amount,
    confidence,
    in_unit,
    is_fraction,
    items,
    plural,
    told,
    whole,
)
from harness.schema.results.seed_aggregation import reads_recipe
from harness.schema.suite.gate_rules import AllOfRule, Composition, NoFlipsRule, NonInferiorityRule, SuperiorityRule
from harness.statistics.anytime import ASYMPTOTIC, BETTING

Line = tuple[str, str]
"""A label and a text, such as ("would decide it", "about 1,200 items")."""


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


def explain(trace: GateTrace, *, as_member: bool = False) -> Explanation:
    """Puts a trace into words.

    Args:
        as_member: it is a member of a composition, which says itself what blocks.
    """
    result = trace.result
    parts = [part for part in (result.model, f"on {result.slice}" if result.slice else "") if part]
    title = result.id + (f" ({', '.join(parts)})" if parts else "")
    force = "" if as_member else _force(trace)
    lines: list[Line] = [("verdict", f"{result.verdict}{force}"), ("because", result.sentence), *_body(trace)]
    lines += [] if as_member else list(_origin(trace))
    if result.waiver is not None:
        expired = "" if result.waiver_holds else "; no run is green while it is in the suite: remove it"
        lines.append(("waiver", f"{result.waiver}{expired}"))
    members = tuple(explain(member, as_member=True) for member in trace.members)
    return Explanation(title, result.verdict, result.blocking, tuple(lines), members)


def _origin(trace: GateTrace) -> Iterator[Line]:
    """Where the rule stands, and what a policy has to do with it."""
    result = trace.result
    place = f" ({result.where})" if result.where is not None else ""
    if result.policy is not None:
        yield "rule of", f"the policy {result.policy}{place}; a suite may make it stricter, never looser"
    elif result.changes:
        yield "rule of", f"the suite{place}"
    if result.changes:
        yield "made stricter", "; ".join(result.changes)


def _body(trace: GateTrace) -> Iterator[Line]:
    if trace.error is not None:
        yield "next", trace.hint or "correct what the sentence names, then judge again; an error is never a pass."
    elif isinstance(trace.rule, Composition) or trace.members:
        yield from _composition(trace)
    elif isinstance(trace.rule, NoFlipsRule):
        yield from _flips(trace)
    elif trace.criterion is not None:
        yield from _numbers(trace, trace.criterion)
        yield from _changes(trace, trace.criterion)


def _numbers(trace: GateTrace, criterion: Criterion) -> Iterator[Line]:
    result, row, judged = trace.result, criterion.row, criterion.value
    unit = criterion.shown
    signed = isinstance(row, ComparisonResult) and criterion.scale == "linear"

    def show(value: float) -> str:
        return "×" + in_unit(value) if criterion.scale == "log" else told(value, unit, change=signed, signed=signed)

    what = "value" if not isinstance(row, ComparisonResult) else "ratio" if criterion.scale == "log" else "change"
    if isinstance(trace.rule, SuperiorityRule | NonInferiorityRule) and criterion.scale == "linear":
        what = "improvement"
    bounds = f"{what} {show(judged.value)}"
    if not criterion.point:
        bounds += (
            f"; lower bound {show(judged.low)}, upper bound {show(judged.high)}, each at "
            f"{confidence(result.alpha)} confidence"
        )
    required = criterion.margin
    if is_fraction(unit) and criterion.scale == "linear":
        required = margin_in_points(required, level=not isinstance(row, ComparisonResult))
    yield "numbers", f"{bounds}; required: {required}"
    sample = items(row.n, row.clusters, row.n_eff, row.counted)
    if isinstance(row, ComparisonResult):
        if row.mde is not None:
            sample += f"; a true difference of {amount(row.mde, row.unit)} would be found with 80% power"
        if row.discordant is not None:
            sample += f"; the two differ on {row.discordant:.1%} of the items"
    yield "sample", sample
    yield from _beside(criterion, signed)
    if isinstance(row, ComparisonResult) and row.p is not None:
        yield "test", f"{row.method}; {row.test}, p = {row.p:.3g} for no difference at all"
    else:
        yield "method", row.method
    cautions = [*row.weaknesses, *(row.comparability if isinstance(row, ComparisonResult) else [])]
    if cautions:
        yield "caution", " ".join(text if text.endswith(".") else f"{text}." for text in cautions)


def _beside(criterion: Criterion, signed: bool) -> Iterator[Line]:
    """What stands beside a figure: looks, missing answers, further evidence, contamination."""
    row = criterion.row
    if criterion.held == "anytime":
        how = BETTING if criterion.exact else ASYMPTOTIC
        yield "looks", f"the bounds are those of a {how}: they hold at every number of items at once"
    elif row.missing:
        interval = row.worst_case
        text = f"{plural(row.missing, 'item')} without an answer"
        if interval is not None and interval.low is not None and interval.high is not None:
            figure = "change" if isinstance(row, ComparisonResult) else "value"
            low, high = (told(end, row.unit, change=signed, signed=signed) for end in (interval.low, interval.high))
            text += f"; whatever these are, the {figure} lies between {low} and {high}"
        yield "missing", text
    if row.adjusted is not None:
        ends = (row.adjusted.interval.value, row.adjusted.interval.low, row.adjusted.interval.high)
        value, low, high = (told(number_or_nan(end), row.unit, change=signed, signed=signed) for end in ends)
        figure = "change" if isinstance(row, ComparisonResult) else "value"
        judged = "" if criterion.held == "adjusted" else "; `adjust: true` would judge it"
        yield "adjusted", f"{row.adjusted.sentence}: the {figure} is {value} ({low} to {high}){judged}"
    if row.sampling is not None:
        yield "answers", row.sampling.sentence
    if isinstance(row, ComparisonResult) and row.overlap is not None:
        clean = told(number_or_nan(row.overlap.without.value), row.unit, change=True, signed=True)
        text = f"without {plural(row.overlap.n, 'item')} that training data hold, the change is {clean}"
        if row.overlap.low is None or row.overlap.high is None:
            yield "overlap", f"{text}; they are too few to bound what contamination explains"
        else:
            low, high = (told(end, row.unit, change=True, signed=True) for end in (row.overlap.low, row.overlap.high))
            yield "overlap", f"{text}; contamination explains between {low} and {high} of it"


def _changes(trace: GateTrace, criterion: Criterion) -> Iterator[Line]:
    """What would turn the verdict."""
    result, rule = trace.result, trace.rule
    if result.doubt is not None:
        yield "would decide it", result.doubt
        return
    carried, counted = evidence(criterion.row), criterion.row.counted
    if too_few_items(criterion.row, rule.min_n) and result.verdict == "inconclusive":
        missing = math.ceil((rule.min_n / carried - 1) * criterion.row.n)
        required = f"at least {whole(rule.min_n)} {'effective ' if criterion.row.n >= rule.min_n else ''}required"
        held = result.policy is not None or any(text.startswith("min_n") for text in result.changes)
        yield "would change it", f"{whole(missing)} more items ({required}){'' if held else ', or a lower `min_n`'}"
    elif criterion.row.unmet and result.verdict == "inconclusive":
        yield "would change it", "items that meet what the sentence names; the bounds do not hold on these"
    elif result.verdict == "inconclusive":
        if reads_recipe(criterion.row):
            yield "would decide it", "more training seeds, or more items: the recipe is judged, not one checkpoint"
        elif result.required_n:
            times = result.required_n / criterion.row.n
            text = f"about {whole(result.required_n)} {counted}, {times:.1f} times as many"
            yield "would decide it", f"{text}, if the observed value is the true one (80% power)"
        else:
            yield (
                "would decide it",
                f"no realistic number of {counted}: the observed value is too close to the limit",
            )
    elif result.verdict == "fail":
        text = f"a better model; if the observed value is the true one, more {counted} only confirm the verdict"
        yield "would change it", text
    yield from ((label, text) for label, text in passing_margin(trace.rule, criterion, result.verdict))
    if result.verdict == "pass" and not criterion.point and not _close(criterion):
        yield "headroom", _headroom(criterion)


def _close(criterion: Criterion) -> bool:
    return not (math.isfinite(criterion.limits.floor) or math.isfinite(criterion.limits.ceiling))


def _headroom(criterion: Criterion) -> str:
    limits, judged = criterion.limits, criterion.value
    gaps = [judged.low - limits.floor, limits.ceiling - judged.high]
    gap = min(gap for gap in gaps if math.isfinite(gap))
    inside = in_unit(gap) if criterion.scale == "log" else amount(gap, criterion.shown)
    return f"the deciding bound is {inside} inside the limit"


def _flips(trace: GateTrace) -> Iterator[Line]:
    flips = trace.flips
    if flips is None:
        return
    yield "numbers", f"{whole(len(flips.broken))} broken of {whole(flips.n)} items that count; required: none"
    if flips.broken:
        shown = ", ".join(flips.broken[:10]) + (", …" if len(flips.broken) > 10 else "")
        yield "items", shown
        yield "would change it", "the model answering these items as the baseline does; no margin applies"
    if trace.result.doubt is not None:
        yield "would decide it", trace.result.doubt


def _composition(trace: GateTrace) -> Iterator[Line]:
    result, total = trace.result, len(trace.members)
    if isinstance(trace.rule, AllOfRule) or trace.rule.kind not in ("all_of", "any_of"):
        yield "rule", "all must hold; each is held to its own level, no correction is needed (intersection–union)"
        stopping = [member.result for member in trace.members if member.outcome == result.verdict != "pass"]
        if stopping:
            names = ", ".join(dict.fromkeys(member.slice or member.id for member in stopping))
            yield "would change it", f"what changes {names} (below)"
    else:
        level = confidence(result.alpha / total)
        text = "is enough; as several are tried, each must hold at a level corrected for their number"
        yield "rule", f"one of {total} {text} (Holm: {level} confidence for the clearest)"
        if result.verdict in ("fail", "inconclusive"):
            yield "would change it", "any one member that passes (below)"
        elif result.verdict == "error":
            yield "would change it", "every member must at least be judged; an error in one is an error of the whole"


def _force(trace: GateTrace) -> str:
    """Whether a verdict that did not pass blocks, and why not."""
    result, rule = trace.result, trace.rule
    if result.verdict == "pass":
        return ""
    if result.blocking:
        return ", and it blocks"
    if result.waiver_holds:
        return ", does not block: a waiver holds"
    key = "severity" if rule.severity == "warn" else "on_inconclusive"
    return f", does not block: the gate has `{key}: warn`"
