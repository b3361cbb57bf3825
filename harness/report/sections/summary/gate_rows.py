"""Gates as bullet charts: an interval on an axis whose limit stands at one place for all rows, passing to the right.

Each row has its own scale: its limit, its interval and the point of no change are in sight. Two limits (a band)
stand around the middle. Fail-closed kinds without a number (compositions, broken items) have a row and no drawing.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal

from harness.report.sections.summary import gate_table
from harness.report.view.run_view import RunView
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.verdicts import GateResult

LIMIT_AT, BAND_AT, BAND_WIDTH = 38.0, 50.0, 36.0
"""Where the limit stands, percent of the width; a band's middle, and how wide it is at most."""
_LEFT, _RIGHT = 2.0, 98.0
_ORDER = {"error": 0, "fail": 1, "inconclusive": 2, "pass": 3}
_NUMBER = r"([+−-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_SIDE = re.compile(rf"(ratio\s+)?([<>≤≥])\s*{_NUMBER}(?:\s+\D.*)?\Z")
_BAND = re.compile(rf"(?:{_NUMBER}(?:\s+[^\d±][^±]*)?\s+)?±\s*{_NUMBER}(?:\s+\D.*)?\Z")


@dataclass(frozen=True, slots=True)
class Limits:
    """Between `low` and `high` a figure passes; one of them is infinite where there is one limit."""

    low: float = -math.inf
    high: float = math.inf
    ratio: bool = False


@dataclass(frozen=True, slots=True)
class Bullet:
    """Places in percent of the width; `zone` is what passes, `none` the place of no change."""

    limits: tuple[float, ...]
    zone: tuple[float, float]
    low: float
    point: float
    high: float
    none: float | None

    @property
    def inside(self) -> bool:
        """Whether the whole interval lies where gates pass: what else keeps one from passing, no figure shows."""
        return self.zone[0] <= self.low and self.high <= self.zone[1]


@dataclass(frozen=True, slots=True)
class GateRow:
    """One gate as the first screen shows it.

    Attributes:
        what: the metric, where it was measured, and what it was compared with.
        levels: (before, after) as texts; before is empty for gates on one model's level.
        n: effective items, else items; a dash where nothing was counted.
        lines: (label, text) that explain the verdict.
    """

    gate: GateResult
    name: str
    what: str
    levels: tuple[str, str]
    limit: str
    n: str
    drawn: Bullet | None
    lines: list[tuple[str, str]] = field(default_factory=list)
    members: list[GateRow] = field(default_factory=list)


Verdict = Literal["error", "fail", "inconclusive", "pass"]


def gate_rows(view: RunView) -> list[GateRow]:
    """Blocking gates first, failures first within each, otherwise in the suite's order."""
    gates = sorted(view.results.gates, key=lambda gate: (not gate.blocking, _ORDER[gate.verdict]))
    return [_row(view, gate) for gate in gates]


def _row(view: RunView, gate: GateResult) -> GateRow:
    source = source_of(view, gate)
    limits = limits_of(gate.margin)
    return GateRow(
        gate,
        f"{gate.id} {gate.slice}" if gate.slice else gate.id,
        _what(view, gate),
        _levels(view, gate, source),
        "" if gate.members else _limit(view, gate),
        "–" if gate.n is None else f"{round(gate.n_eff) if gate.n_eff is not None else gate.n:,}",
        None if limits is None or gate.members else bullet(gate, limits),
        _lines(view, gate, source),
        [_row(view, member) for member in gate.members],
    )


def _limit(view: RunView, gate: GateResult) -> str:
    text = gate_table.gate_margin(view, gate).replace(" points", " pts")
    return re.sub(r"^ratio\s+(\S)\s*", r"\1 ×", text)


def limits_of(margin: str | None) -> Limits | None:
    """The limits that a gate's margin names in words; None where it names no number."""
    text = (margin or "").strip()
    band = _BAND.fullmatch(text)
    if band is not None:
        center, width = _value(band.group(1) or "0"), _value(band.group(2))
        return Limits(center - width, center + width)
    sides = [_SIDE.fullmatch(part.strip()) for part in text.split(" and ")]
    low, high = -math.inf, math.inf
    for side in sides:
        if side is None:
            return None
        value = _value(side.group(3))
        low, high = (value, high) if side.group(2) in ">≥" else (low, value)
    return Limits(low, high, "ratio" in text)


def _value(text: str) -> float:
    return float(text.replace("−", "-"))


def bullet(gate: GateResult, limits: Limits) -> Bullet | None:
    """Where a gate's figures lie on an axis that is normalized to its limits; None without a figure."""
    point = gate.observed
    if point is None or not math.isfinite(point):
        return None
    ends = sorted(end for end in (gate.low, gate.high, gate.bound, point) if end is not None and math.isfinite(end))
    none = None if gate.kind in ("absolute", "target", "level") else 1.0 if limits.ratio else 0.0
    if math.isfinite(limits.low) and math.isfinite(limits.high):
        return _in_band(limits, ends, point, none)
    sign, limit = (1.0, limits.low) if math.isfinite(limits.low) else (-1.0, limits.high)
    away = [sign * (value - limit) for value in ends]
    at_none = None if none is None else sign * (none - limit)
    reach = [value for value in (*away, at_none) if value is not None]
    scales = [(_RIGHT - 4 - LIMIT_AT) / value for value in reach if value > 0]
    scales += [(LIMIT_AT - _LEFT - 4) / -value for value in reach if value < 0]
    scale = min(scales, default=1.0)

    def place(value: float) -> float:
        return round(LIMIT_AT + value * scale, 2)

    origin = None if at_none is None or abs(at_none * scale) < 1 else place(at_none)
    return Bullet(
        (LIMIT_AT,), (LIMIT_AT, _RIGHT), place(min(away)), place(sign * (point - limit)), place(max(away)), origin
    )


def _in_band(limits: Limits, ends: list[float], point: float, none: float | None) -> Bullet:
    middle, half = (limits.low + limits.high) / 2, (limits.high - limits.low) / 2
    reach = max(abs(value - middle) for value in (*ends, middle + half))
    scale = min(BAND_WIDTH / 2 / half if half else math.inf, (BAND_AT - _LEFT - 2) / reach if reach else 1.0)

    def place(value: float) -> float:
        return round(BAND_AT + (value - middle) * scale, 2)

    zone = (place(limits.low), place(limits.high))
    origin = None if none is None else place(none)
    return Bullet(zone, zone, place(ends[0]), place(point), place(ends[-1]), origin)


def source_of(view: RunView, gate: GateResult) -> ComparisonResult | MetricResult | None:
    """The comparison or the level that a gate was judged on, where the results hold it."""
    name = gate.metric.partition(".")[0]
    if gate.baseline is not None:
        rows = (row for row in view.results.comparisons if row.evaluation == name)
        key = (gate.baseline, gate.model, gate.slice)
        return next(
            (row for row in rows if (row.baseline, row.candidate, row.slice) == key and gate_table.is_on(gate, row.id)),
            None,
        )
    levels = (row for row in view.results.metrics if row.evaluation == name and row.model == gate.model)
    return next((row for row in levels if row.slice == gate.slice and gate_table.is_on(gate, row.id)), None)


def _what(view: RunView, gate: GateResult) -> str:
    if gate.members:
        return f"{gate.kind.replace('_', ' ')}: {number_format.plural(len(gate.members), 'member')}"
    who = gate.model if gate.model and [gate.model] != view.results.release else ""
    against = f"{who or ''} vs {gate.baseline}".strip() if gate.baseline else who
    if len(gate.metrics) > 1:
        evaluations = ", ".join(dict.fromkeys(metric.partition(".")[0] for metric in gate.metrics))
        joint = f"improvement of {len(gate.metrics)} figures together"
        return " · ".join((joint, f"{evaluations} {against}".strip()))
    evaluation, _, metric = gate.metric.partition(".")
    known = view.evaluations.get(evaluation)
    names = list(known.meanings) if known is not None else []
    full = metric if metric in names else next((name for name in names if name.split("[")[0] == metric), metric)
    short = view.short(evaluation, full)
    named = short if len(short) <= 24 else full.split("[")[0].replace("_", " ")
    return " · ".join(part for part in (named, f"{evaluation} {against}".strip()) if part)


def _levels(view: RunView, gate: GateResult, source: ComparisonResult | MetricResult | None) -> tuple[str, str]:
    unit = gate_table.gate_unit(view, gate)
    if gate.members:
        return "", ""
    if isinstance(source, ComparisonResult):
        low, high = source.delta.low, source.delta.high
        values = (source.baseline_value, source.candidate_value)
        if None not in values:
            before, after = (number_format.level(value, unit, low, high) for value in values)
            return before, after
    figure = gate_table.gate_figure(view, gate, gate.observed)
    if len(gate.metrics) > 1 and gate.observed is not None:
        figure = f"{figure} {'pts' if number_format.is_fraction(unit) else unit}".strip()
    return "", figure


def _lines(view: RunView, gate: GateResult, source: ComparisonResult | MetricResult | None) -> list[tuple[str, str]]:
    """Why the verdict is what it is, as `harness explain` says it."""
    lines = [("because", gate.sentence)]
    if gate.observed is not None and not gate.members:
        ends = [(name, end) for name, end in (("lower", gate.low), ("upper", gate.high)) if end is not None]
        bounds = ", ".join(f"{name} bound {gate_table.gate_figure(view, gate, end)}" for name, end in ends)
        confidence = f", each at {number_format.confidence(gate.alpha)} confidence" if ends else ""
        figure = gate_table.gate_figure(view, gate, gate.observed)
        required = f"; required: {gate_table.gate_margin(view, gate)}" if gate.margin else ""
        lines.append(("numbers", "; ".join(part for part in (figure, bounds) if part) + confidence + required))
    if gate.n is not None:
        sample = number_format.items(gate.n, gate.clusters or 0, gate.n_eff, gate.counted)
        unit = gate_table.gate_unit(view, gate)
        if gate.mde is not None:
            amount = number_format.amount(gate.mde, unit)
            sample += f"; a true difference of {amount} would be found with 80% power"
        lines.append(("sample", sample))
    missing = gate_table.missing_behind(view, gate)
    if missing:
        lines.append(("not answered", missing))
    if source is not None and source.sampling is not None:
        lines.append(("answers", source.sampling.sentence))
    if source is not None and source.adjusted is not None:
        lines.append(("adjusted", source.adjusted.sentence))
    if isinstance(source, ComparisonResult) and source.p is not None:
        lines.append(("test", f"{source.method}; {source.test}, p {number_format.p_value(source.p)}"))
    elif source is not None:
        lines.append(("method", source.method))
    if source is not None and source.weaknesses:
        lines.append(("caution", " ".join(text if text.endswith(".") else f"{text}." for text in source.weaknesses)))
    if gate.required_n:
        lines.append(("would decide it", f"about {gate.required_n:,} items"))
    lines += [(label, text) for label, text in (("doubt", gate.doubt), ("waiver", gate.waiver)) if text]
    source_of_rule = None if gate.policy is None else f"of the policy {gate.policy}"
    facts = (gate.kind.replace("_", "-"), gate.metric, source_of_rule, gate.where)
    lines.append(("rule", ", ".join(part for part in facts if part)))
    if gate.changes:
        lines.append(("made stricter", "; ".join(gate.changes)))
    return lines
