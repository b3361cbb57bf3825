"""Charts of a few labeled points with their intervals: Pareto, learning curve, dose-response, trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.report.charts.axis_scale import Scale, scale
from harness.report.charts.line_charts import BOTTOM, LEFT, RIGHT, TOP

_STROKES = (("bold", "dot"), ("other", "ring"), ("warm", "diamond"), ("thin", "ring"))


@dataclass(frozen=True, slots=True)
class Point:
    """A point in the data's units; ends that are None are not drawn.

    Attributes:
        shape: `dot`, `ring` or `diamond`.
        text: what a reader is told who points at it.
        link: a relative address, or empty.
        line: the name of the line that it belongs to, where points are joined.
    """

    name: str
    x: float
    y: float
    x_low: float | None = None
    x_high: float | None = None
    y_low: float | None = None
    y_high: float | None = None
    shape: str = "dot"
    text: str = ""
    link: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A value that is drawn across the whole chart."""

    name: str
    y: float


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line in the drawing's units; `style` is one of the style sheet's, `shape` that of its points."""

    name: str
    path: str
    style: str
    shape: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in the drawing's units."""

    name: str
    x: float
    y: float
    across: tuple[float, float] | None
    along: tuple[float, float] | None
    shape: str
    text: str
    link: str
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class PointChart:
    """Positions of a drawing of 320 × 200, and the table behind it."""

    title: str
    summary: str
    x_label: str
    y_label: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    zero_x: float | None
    zero_y: float | None
    marks: list[Mark]
    lines: list[Stroke]
    levels: list[Stroke]
    header: list[str]
    rows: list[list[str]]


def point_chart(
    points: Sequence[Point],
    *,
    title: str,
    summary: str,
    x_label: str,
    y_label: str,
    header: list[str],
    rows: list[list[str]],
    joined: bool = False,
    labels: bool = True,
    zero: tuple[bool, bool] = (False, False),
    x_ticks: list[tuple[float, str]] | None = None,
    levels: Sequence[Level] = (),
) -> PointChart:
    """Lays points out; `joined` draws lines through them in order, `zero` keeps the axes' origins in sight."""
    xs = [value for one in points for value in (one.x, one.x_low, one.x_high) if value is not None]
    ys = [value for one in points for value in (one.y, one.y_low, one.y_high) if value is not None]
    ys += [level.y for level in levels]
    x, y = scale(xs, LEFT, RIGHT, zero=zero[0]), scale(ys, BOTTOM, TOP, zero=zero[1])
    names = list(dict.fromkeys(one.line for one in points))
    if len(names) > 1:
        points = [replace(one, shape=_STROKES[names.index(one.line) % len(_STROKES)][1]) for one in points]
    marks = _spread([_mark(one, x, y, labels) for one in points])
    lines = []
    for place, name in enumerate(names if joined else []):
        style, shape = _STROKES[place % len(_STROKES)]
        own = [mark for mark, one in zip(marks, points, strict=True) if one.line == name]
        if len(own) > 1:
            lines.append(Stroke(name, "M" + "L".join(f"{mark.x:g} {mark.y:g}" for mark in own), style, shape))
    return PointChart(
        title,
        summary,
        x_label,
        y_label,
        x.ticks() if x_ticks is None else [(x(value), text) for value, text in x_ticks],
        y.ticks(),
        x(0.0) if zero[0] else None,
        y(0.0) if zero[1] else None,
        marks,
        lines,
        [Stroke(level.name, f"M{LEFT} {y(level.y):g}L{RIGHT} {y(level.y):g}", "level", "") for level in levels],
        header,
        rows,
    )


def _mark(one: Point, x: Scale, y: Scale, labels: bool) -> Mark:
    across = None if one.x_low is None or one.x_high is None else (x(one.x_low), x(one.x_high))
    along = None if one.y_low is None or one.y_high is None else (y(one.y_low), y(one.y_high))
    at, right = x(one.x), x(one.x) > (LEFT + RIGHT) * 0.62
    return Mark(
        one.name if labels else "",
        at,
        y(one.y),
        across,
        along,
        one.shape,
        one.text,
        one.link,
        at + (-7 if right else 7),
        y(one.y) - 5,
        "end" if right else "start",
    )


def _spread(marks: list[Mark]) -> list[Mark]:
    """Moves labels apart that would stand on each other, from top to bottom."""
    placed: list[Mark] = []
    for mark in sorted(marks, key=lambda one: one.label_y):
        top = mark.label_y
        for other in placed:
            if mark.name and other.name and abs(other.label_x - mark.label_x) < 70 and top - other.label_y < 11:
                top = max(top, other.label_y + 11)
        placed.append(
            Mark(
                mark.name, mark.x, mark.y, mark.across, mark.along, mark.shape, mark.text, mark.link, mark.label_x,
                min(top, BOTTOM - 2), mark.anchor,
            )
        )  # fmt: skip
    order = [(one.x, one.y, one.name) for one in marks]
    return sorted(placed, key=lambda one: order.index((one.x, one.y, one.name)))
