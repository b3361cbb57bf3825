"""Charts of a few labeled points with their intervals: Pareto, learning curve, dose-response, trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

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


@dataclass(frozen=True)
class PointChart:
    """A drawing of 320 × 200 and the table behind it; what is derived is in the drawing's units.

    Attributes:
        joined: whether lines go through the points, in their order.
        labels: whether points have their names beside them.
        zero: whether the origins of the x and the y axis are kept in sight.
        x_labels: the marks of the x axis in the data's units, where they are not round numbers.
    """

    points: Sequence[Point]
    title: str
    summary: str
    x_label: str
    y_label: str
    header: list[str]
    rows: list[list[str]]
    joined: bool = False
    labels: bool = True
    zero: tuple[bool, bool] = (False, False)
    x_labels: Sequence[tuple[float, str]] = ()
    levels: Sequence[Level] = ()

    @cached_property
    def _x(self) -> Scale:
        values = [value for point in self.points for value in (point.x, point.x_low, point.x_high) if value is not None]
        return scale(values, LEFT, RIGHT, zero=self.zero[0])

    @cached_property
    def _y(self) -> Scale:
        values = [value for point in self.points for value in (point.y, point.y_low, point.y_high) if value is not None]
        return scale(values + [level.y for level in self.levels], BOTTOM, TOP, zero=self.zero[1])

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        return [(self._x(value), text) for value, text in self.x_labels] or self._x.ticks()

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        return self._y.ticks()

    @property
    def zero_x(self) -> float | None:
        return self._x(0.0) if self.zero[0] else None

    @property
    def zero_y(self) -> float | None:
        return self._y(0.0) if self.zero[1] else None

    @cached_property
    def _line_names(self) -> list[str]:
        return list(dict.fromkeys(point.line for point in self.points))

    @cached_property
    def marks(self) -> list[Mark]:
        """The points; where there are several lines, each line's points have a shape of their own."""
        names = self._line_names
        shapes = [_STROKES[names.index(point.line) % len(_STROKES)][1] for point in self.points]
        points = [
            replace(point, shape=shape) if len(names) > 1 else point
            for point, shape in zip(self.points, shapes, strict=True)
        ]
        return _spread([_mark(point, self._x, self._y, self.labels) for point in points])

    @cached_property
    def lines(self) -> list[Stroke]:
        """The lines of two points or more."""
        strokes = []
        for place, name in enumerate(self._line_names if self.joined else []):
            style, shape = _STROKES[place % len(_STROKES)]
            marks = [mark for mark, point in zip(self.marks, self.points, strict=True) if point.line == name]
            if len(marks) > 1:
                path = "M" + "L".join(f"{mark.x:g} {mark.y:g}" for mark in marks)
                strokes.append(Stroke(name, path, style, shape))
        return strokes

    @property
    def level_lines(self) -> list[Stroke]:
        return [
            Stroke(level.name, f"M{LEFT} {self._y(level.y):g}L{RIGHT} {self._y(level.y):g}", "level", "")
            for level in self.levels
        ]


def _mark(point: Point, x: Scale, y: Scale, labels: bool) -> Mark:
    across = None if point.x_low is None or point.x_high is None else (x(point.x_low), x(point.x_high))
    along = None if point.y_low is None or point.y_high is None else (y(point.y_low), y(point.y_high))
    at, right = x(point.x), x(point.x) > (LEFT + RIGHT) * 0.62
    return Mark(
        point.name if labels else "",
        at,
        y(point.y),
        across,
        along,
        point.shape,
        point.text,
        point.link,
        at + (-7 if right else 7),
        y(point.y) - 5,
        "end" if right else "start",
    )


def _spread(marks: list[Mark]) -> list[Mark]:
    """Moves labels apart that would stand on each other, from top to bottom."""
    placed: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: mark.label_y):
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
    order = [(mark.x, mark.y, mark.name) for mark in marks]
    return sorted(placed, key=lambda mark: order.index((mark.x, mark.y, mark.name)))
