"""Geometry of the line charts: curves over training steps and reliability curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.report.charts.axis_scale import scale
from harness.schema.results import number_format
from harness.schema.results.metrics import TableResult

WIDTH, HEIGHT = 320, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 312, 10, 172
_POINTS = 120
_HISTOGRAM = 46.0
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_THOUSANDS = ((1e6, "million"), (1e3, "thousand"))


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    path: str
    style: str
    dots: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    summary: str
    x_label: str
    y_label: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[Line]
    header: list[str]
    rows: list[list[str]]
    bars: list[tuple[float, float, float, float, str]] = field(default_factory=list)
    """Bars behind the lines: x, y, width, height and style."""


def loss_curve(name: str, steps: Sequence[dict[str, Any]]) -> Chart | None:
    """The training loss of one model: every logged value thin, its running mean bold."""
    points = _logged(steps, "loss")
    if len(points) < 2:
        return None
    went = "fell" if points[-1][1] < points[0][1] else "went"
    return _over_steps(
        f"{name}: loss",
        f"Loss {went} from {points[0][1]:.3f} to {points[-1][1]:.3f} over {points[-1][0]:,.0f} steps.",
        points,
        "loss (nats)",
        lambda value: f"{value:.4f}",
        smooth=True,
    )


def rate_curve(name: str, steps: Sequence[dict[str, Any]]) -> Chart | None:
    """The learning rate of one model, in the power of ten of its highest value."""
    points = _logged(steps, "learning_rate")
    highest = max((rate for _, rate in points), default=0.0)
    if len(points) < 2 or highest <= 0:
        return None
    power = math.floor(math.log10(highest))
    place = next(step for step, rate in points if rate == highest)
    return _over_steps(
        f"{name}: learning rate",
        f"At most {highest:.2g}, at step {place:,.0f}; {points[-1][1]:.2g} at the end.",
        [(step, rate / 10.0**power) for step, rate in points],
        f"learning rate, in 10{str(power).translate(_RAISED)}",
        lambda value: f"{value * 10.0**power:.3g}",
    )


def throughput_curve(name: str, steps: Sequence[dict[str, Any]]) -> Chart | None:
    """Tokens a second of one model, from the start of its training to each logged step."""
    points = _logged(steps, "tokens_per_second")
    if len(points) < 2:
        return None
    slowest, fastest = min(speed for _, speed in points), max(speed for _, speed in points)
    size, word = next((entry for entry in _THOUSANDS if fastest >= entry[0]), (1.0, ""))
    return _over_steps(
        f"{name}: throughput",
        f"{number_format.count(slowest)} to {number_format.count(fastest)} tokens per second, "
        f"{number_format.count(points[-1][1])} at the end.",
        [(step, speed / size) for step, speed in points],
        f"{word} tokens per second".strip(),
        lambda value: f"{value * size:,.0f}",
    )


def _logged(steps: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    """(step, value) of the lines that hold both."""
    return [
        (float(step["step"]), float(step[key]))
        for step in steps
        if _finite(step.get("step")) and _finite(step.get(key))
    ]


def _over_steps(
    title: str,
    summary: str,
    points: list[tuple[float, float]],
    y_label: str,
    written: Callable[[float], str],
    *,
    smooth: bool = False,
) -> Chart:
    points = _thin(points)
    x = scale([p[0] for p in points], LEFT, RIGHT)
    y = scale([p[1] for p in points], BOTTOM, TOP)
    line = _path([(x(a), y(b)) for a, b in points])
    mean = _path([(x(a), y(b)) for a, b in _running_mean(points)]) if smooth else ""
    lines = [Line("logged", line, "thin"), Line("running mean", mean, "bold")] if smooth else [Line("", line, "bold")]
    shown = [points[k * (len(points) - 1) // 9] for k in range(10)] if len(points) > 10 else points
    header = ["step", title.rpartition(": ")[2]]
    return Chart(
        title,
        summary,
        "step",
        y_label,
        x.ticks(),
        y.ticks(),
        lines,
        header,
        [[f"{a:,.0f}", written(b)] for a, b in shown],
    )


def reliability(base: TableResult | None, candidate: TableResult) -> Chart | None:
    """Accuracy against confidence by bin for a baseline and a candidate, with the diagonal."""
    series = [(table.model, _bins(table), style) for table, style in ((base, "other"), (candidate, "bold")) if table]
    series = [entry for entry in series if entry[1]]
    if not series:
        return None
    x, y = scale([0.0, 1.0], LEFT, RIGHT), scale([0.0, 1.0], BOTTOM, TOP)
    lines = [Line("perfect", _path([(x(0), y(0)), (x(1), y(1))]), "ideal")]
    rows = []
    most = max((count for _, bins, _ in series for count, *_ in bins), default=0.0)
    bars = [
        (round(x(confidence) + (-5.5 if style == "other" else 0.5), 1), round(BOTTOM - height, 1), 5.0, height, style)
        for _, bins, style in series
        for count, confidence, _ in bins
        if (height := round(_HISTOGRAM * count / most, 1) if most else 0.0)
    ]
    for name, bins, style in series:
        dots = [(x(confidence), y(accuracy)) for _, confidence, accuracy in bins]
        lines.append(Line(name, _path(dots), style, dots))
        rows += [
            [name, f"{count:,.0f}", f"{confidence:.1%}", f"{accuracy:.1%}", _points(accuracy - confidence)]
            for count, confidence, accuracy in bins
        ]
    return Chart(
        candidate.evaluation,
        "Below the diagonal, the model is overconfident. Bars: how many answers have this confidence.",
        "confidence",
        "accuracy",
        x.ticks(),
        y.ticks(),
        lines,
        ["model", "n", "mean confidence", "accuracy", "gap (points)"],
        rows,
        bars,
    )


def _bins(table: TableResult) -> list[tuple[float, float, float]]:
    """(n, confidence, accuracy) of the bins that hold items; column names may vary a little."""
    names = [column.lower() for column in table.columns]
    places = [
        next((k for k, name in enumerate(names) if any(word in name for word in words)), None)
        for words in (("confidence", "predicted"), ("accuracy", "correct", "observed", "right"))
    ]
    n = next((k for k, name in enumerate(names) if name in ("n", "count", "items")), None)
    if places[0] is None or places[1] is None:
        return []
    rows = []
    for values in table.values:
        confidence, accuracy = values[places[0]], values[places[1]]
        count = values[n] if n is not None else 0.0
        if confidence is not None and accuracy is not None and (n is None or count):
            rows.append((count or 0.0, confidence, accuracy))
    return rows


def _points(value: float) -> str:
    return number_format.fixed(value * 100, 1, sign=True)


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= _POINTS:
        return points
    return [points[round(k * (len(points) - 1) / (_POINTS - 1))] for k in range(_POINTS)]


def _running_mean(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    half = max(1, len(points) // 24)
    out = []
    for k, (place, _) in enumerate(points):
        near = [value for _, value in points[max(0, k - half) : k + half + 1]]
        out.append((place, sum(near) / len(near)))
    return out


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}".replace(".0", "") for x, y in points) if points else ""
