"""The forest plot of the summary: at most ten leading metrics of a candidate, every baseline of it on one axis.

Better is to the right. Figures of one axis are points: shares ×100, everything else as percent of its ratio, or of the
baseline's level where no ratio is estimated; metrics that have neither, those with an ideal and no better side, and
figures of very few items are left to the tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.charts.axis_scale import scale
from harness.report.view.comparison_reading import Reading, classify_change
from harness.report.view.run_view import ModelPair, RunView
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe

MOST_ROWS, MOST_BASELINES = 10, 4
_FEWEST = 5
"""A figure of fewer items than this says nothing, and its interval would flatten all others on the shared axis."""
_LEFT, _RIGHT = 2.0, 98.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One baseline's interval in a row, in percent of the row's width and height; `series` colors it."""

    series: int
    y: float
    low: float
    point: float
    high: float
    text: str


@dataclass(frozen=True, slots=True)
class ForestRow:
    label: str
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Forest:
    """Places are in percent of the width; `table`: (metric, baseline, difference, interval, reading)."""

    candidate: str
    series: list[str]
    rows: list[ForestRow]
    zero: float
    ticks: list[tuple[float, str]]
    table: list[tuple[str, str, str, str, Reading]]
    left_out: int


def leading_forest(view: RunView, pair: ModelPair) -> Forest | None:
    """None where no metric of the pair can be drawn."""
    pairs = [other for other in view.contests if other.candidate == pair.candidate]
    pairs.sort(key=lambda other: (other != pair, not other.main))
    chosen = _leads(view, pairs)
    shown = list(chosen)[:MOST_ROWS]
    names = list(dict.fromkeys(row.baseline for id_ in shown for row in chosen[id_]))[:MOST_BASELINES]
    rows = {id_: [row for row in chosen[id_] if row.baseline in names] for id_ in shown}
    ends = {id_: [(row, *_points(row)) for row in own] for id_, own in rows.items() if own}
    values = [value for own in ends.values() for _, *three in own for value in three if value is not None]
    if not values:
        return None
    axis = scale(values, _LEFT, _RIGHT, zero=True, ticks=5)
    drawn = []
    for id_, own in ends.items():
        bars = [
            Bar(
                names.index(row.baseline),
                round(100 * (place + 1) / (len(own) + 1), 1),
                axis(point if low is None else low),
                axis(point),
                axis(point if high is None else high),
                f"{id_} against {row.baseline}: {_text(row)}",
            )
            for place, (row, low, point, high) in enumerate(own)
        ]
        label = view.short(own[0][0].evaluation, own[0][0].metric)
        named = label if len(label) <= 40 else own[0][0].metric.split("[")[0].replace("_", " ")
        drawn.append(ForestRow(f"{named} · {own[0][0].evaluation}", bars))
    table = [
        (id_, row.baseline, _text(row), _span(row), classify_change(row)) for id_, own in rows.items() for row in own
    ]
    return Forest(pair.candidate, names, drawn, axis(0.0), axis.ticks(), table, max(0, len(chosen) - MOST_ROWS))


def _leads(view: RunView, pairs: list[ModelPair]) -> dict[str, list[ComparisonResult]]:
    """Metric id → its comparisons with every baseline: the first two of tasks, the first of all else."""
    out: dict[str, dict[str, ComparisonResult]] = {}
    for name, evaluation in view.evaluations.items():
        if evaluation.role == "cost":
            continue
        most = 3 if evaluation.labels and evaluation.role == "task" else 1
        ids: list[str] = []
        for pair in pairs:
            for row in view.comparisons(pair, evaluation=name):
                drawable = number_format.is_fraction(row.unit) or row.ratio is not None
                drawable = drawable or (not evaluation.labels and _relative(row) is not None)
                fits = row.improvement is not None and drawable
                harmless = evaluation.role == "probe" and not view.harms(name, row.metric)
                part = "[" in row.metric and row.metric not in evaluation.metrics  # one label's figure, say
                if (
                    row.status != "ok"
                    or row.n < _FEWEST
                    or not fits
                    or harmless
                    or (part and evaluation.role == "task")
                ):
                    continue
                if row.id not in ids and len(ids) >= most:
                    continue
                ids += [row.id] if row.id not in ids else []
                out.setdefault(row.id, {}).setdefault(row.baseline, row)
    return {id_: list(rows.values()) for id_, rows in out.items()}


def _points(row: ComparisonResult) -> tuple[float | None, float, float | None]:
    row = of_recipe(row)
    side = -1.0 if row.direction == "lower" else 1.0
    ends = _ends(row) if number_format.is_fraction(row.unit) else _relative(row) or _ends(row)
    low, point, high = (None if end is None else end * 100 * side for end in ends)
    return (low, point or 0.0, high) if side > 0 else (high, point or 0.0, low)


def _relative(row: ComparisonResult) -> tuple[float | None, float | None, float | None] | None:
    """A change as a share of the baseline's level: by its ratio, else (errors, of which none is zero) by the level."""
    ratio, level = row.ratio, row.baseline_value
    if ratio is not None and ratio.value is not None:
        low, point, high = (None if end is None else end - 1 for end in (ratio.low, ratio.value, ratio.high))
        return low, point, high
    if row.direction != "lower" or level is None or level <= 0:
        return None
    low, point, high = (None if end is None else end / level for end in _ends(row))
    return low, point, high


def _ends(row: ComparisonResult) -> tuple[float | None, float | None, float | None]:
    return row.delta.low, row.delta.value, row.delta.high


def _text(row: ComparisonResult) -> str:
    row = of_recipe(row)
    if number_format.is_fraction(row.unit) or row.ratio is None:
        unit = number_format.shown_unit(row.unit)
        return f"{number_format.difference(row.delta.value, row.unit, row.delta.low, row.delta.high)} {unit}"
    return f"×{number_format.ratio(row.ratio.value)}"


def _span(row: ComparisonResult) -> str:
    row = of_recipe(row)
    if number_format.is_fraction(row.unit) or row.ratio is None:
        return number_format.interval(row.delta.low, row.delta.high, row.unit)
    return f"{number_format.ratio(row.ratio.low)}…{number_format.ratio(row.ratio.high)}"
