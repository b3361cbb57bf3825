"""The forest plot: every comparison's interval around zero, in panels of one question and one unit.

Better is always to the right; drifts of target metrics have no better side and keep their sign.
Language-modeling metrics share one panel: percent change of their ratio.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.report.charts.axis_scale import Scale, scale
from harness.report.sections.gate_table import is_on
from harness.report.view.run_view import COMPLETIONS, ModelPair, RunView, classify_change
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe
from harness.schema.results.verdicts import GateResult

TITLES = {
    "gained": "Gains: task metrics",
    "forgotten": "Forgetting: language modeling",
    "bias": "Bias and robustness: probes",
    "calibration": "Calibration",
}
_MARGIN = re.compile(r"(ratio\s+)?[±≥≤>]?\s*[+−-]?\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?:\s+\S+)?\Z")


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: positions are percent of the panel's width.

    Attributes:
        seeds: where each training seed's figure lies, of models trained with several.
        seed_range: how many seeds there are, and their range.
    """

    name: str
    low: float | None
    point: float | None
    high: float | None
    margins: tuple[float, ...]
    text: str
    span: str
    reading: str
    n: int
    seeds: tuple[float, ...] = ()
    seed_range: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """The rows of one unit, with their own axis."""

    unit: str
    zero: float
    ticks: list[tuple[float, str]]
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Group:
    """The panels of one question; `left` and `right` say what the sides mean."""

    title: str
    left: str
    right: str
    panels: list[Panel]


@dataclass(frozen=True, slots=True)
class _Row:
    source: ComparisonResult
    points: tuple[float, float | None, float | None]
    margins: tuple[float, ...]
    text: str
    span: str
    seeds: tuple[float, ...]
    seed_range: str


def groups(view: RunView, contest: ModelPair) -> list[Group]:
    """The groups of a contest in the order gained, forgotten, bias, calibration."""
    grouped: dict[tuple[str, str, bool], list[_Row]] = {}
    order = {name: place for place, name in enumerate(TITLES)}
    for row in view.comparisons(contest):
        known = view.evaluations.get(row.evaluation)
        if (
            row.status != "ok"
            or row.delta.value is None
            or (known and known.kind == COMPLETIONS and known.role == "task")
        ):
            continue
        group = view.group(row.evaluation, row.metric)
        relative = group == "forgotten" and row.ratio is not None
        unit = "% change" if relative else number_format.shown_unit(row.unit)
        gates = [
            gate
            for gate in view.gates_of(contest.candidate)
            if is_on(gate, row.id) and gate.slice is None and gate.baseline in (None, row.baseline)
        ]
        grouped.setdefault((group, unit, row.direction == "target"), []).append(_row(row, relative, gates))
    out: dict[tuple[str, bool], Group] = {}
    for group, unit, target in sorted(grouped, key=lambda key: (order[key[0]], key[2])):
        sides = ("lower", "higher") if target else ("worse", "better")
        title = TITLES[group] + (" (drift; neither direction is better)" if target else "")
        panel = _panel(unit, grouped[group, unit, target])
        out.setdefault((group, target), Group(title, *sides, [])).panels.append(panel)
    return list(out.values())


def _row(row: ComparisonResult, relative: bool, gates: list[GateResult]) -> _Row:
    """The recipe's figures where enough training seeds were crossed with the items, else the first checkpoint's."""
    first, row = row, of_recipe(row)
    side = -1.0 if row.direction == "lower" else 1.0
    if relative and row.ratio is not None and row.ratio.value is not None:
        low, high = row.ratio.low, row.ratio.high
        ends = tuple(None if end is None else (end - 1) * 100 * side for end in (low, high))
        text, span = number_format.fixed((row.ratio.value - 1) * 100, 1, sign=True) + "%", ""
        if low is not None and high is not None:
            span = "…".join(number_format.fixed((end - 1) * 100, 1, sign=True) for end in (low, high))
        point = (row.ratio.value - 1) * 100 * side
    else:
        factor = (100.0 if number_format.is_fraction(row.unit) else 1.0) * side
        ends = tuple(None if end is None else end * factor for end in (row.delta.low, row.delta.high))
        text = number_format.difference(row.delta.value, row.unit, row.delta.low, row.delta.high)
        span = number_format.interval(row.delta.low, row.delta.high, row.unit)
        point = (row.delta.value or 0.0) * factor
    if side < 0:
        ends = (ends[1], ends[0])
    seeds, seed_range = _seeds(first, relative)
    if seeds:
        seed_range = f"{'mean' if row is not first else 'first'} of {seed_range}"
    return _Row(
        row,
        (point, ends[0], ends[1]),
        _margins(row, relative, gates),
        text,
        span,
        tuple(value * side for value in seeds),
        seed_range,
    )


def _seeds(row: ComparisonResult, relative: bool) -> tuple[list[float], str]:
    """Each seed's figure in the panel's unit, and `3 seeds: +1.0…+3.0`; none for ratios to several baselines."""
    if row.seeds is None:
        return [], ""
    values = [value for value in row.seeds.values if value is not None]
    if not values:
        return [], ""
    if relative:
        base = None if row.seeds.baseline_seeds else row.baseline_value
        values = [value / base * 100 for value in values] if base else []
        ends = [number_format.fixed(end, 1, sign=True) + "%" for end in (min(values), max(values))] if values else []
    else:
        factor = 100.0 if number_format.is_fraction(row.unit) else 1.0
        ends = [
            number_format.difference(end, row.unit, row.delta.low, row.delta.high) for end in (min(values), max(values))
        ]
        values = [value * factor for value in values]
    return (values, f"{len(row.seeds.seeds)} seeds: {'…'.join(ends)}") if values else ([], "")


def _margins(row: ComparisonResult, relative: bool, gates: list[GateResult]) -> tuple[float, ...]:
    """Where gates draw their lines, in the panel's unit; margins that are no plain number are left out."""
    lines: list[float] = []
    for gate in gates:
        match = _MARGIN.fullmatch((gate.margin or "").strip())
        if match is None or gate.kind not in ("superiority", "non_inferiority", "equivalence"):
            continue
        value = float(match.group(2))
        if bool(match.group(1)) != relative:
            continue
        size = abs(value - 1) * 100 if relative else value * (100.0 if number_format.is_fraction(row.unit) else 1.0)
        lines += {"superiority": [size], "non_inferiority": [-size]}.get(gate.kind, [-size, size])
    return tuple(line for line in lines if line)


def _panel(unit: str, rows: list[_Row]) -> Panel:
    values = [value for row in rows for value in (*row.points, *row.margins, *row.seeds) if value is not None]
    axis: Scale = scale(values, 2, 98, zero=True)
    bars = [
        Bar(
            row.source.id,
            None if row.points[1] is None else axis(row.points[1]),
            axis(row.points[0]),
            None if row.points[2] is None else axis(row.points[2]),
            tuple(axis(line) for line in row.margins),
            row.text,
            row.span,
            classify_change(row.source),
            row.source.n,
            tuple(axis(value) for value in row.seeds),
            row.seed_range,
        )
        for row in rows
    ]
    return Panel(unit, axis(0.0), axis.ticks(), bars)
