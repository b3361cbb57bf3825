"""Gain against forgetting, with bias as a third reading: one point per candidate."""

from __future__ import annotations

from harness.core.interval import Interval
from harness.report.charts.point_charts import Point, PointChart
from harness.report.view.run_view import LANGUAGE_MODELLING, WORDS, ModelPair, RunView, classify_change
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult

_SHAPES = {"worse": "diamond", "drifted": "diamond", "better": "dot", "unclear": "ring", "identical": "ring"}


def tradeoffs(view: RunView) -> list[PointChart]:
    """A chart per pair of a task and a language-modeling evaluation that two candidates or more share."""
    texts = [name for name, evaluation in view.evaluations.items() if evaluation.kind == LANGUAGE_MODELLING]
    tasks = [name for name, evaluation in view.evaluations.items() if evaluation.role == "task" and name not in texts]
    charts = [_chart(view, task, text) for task in tasks for text in texts]
    return [chart for chart in charts if chart is not None]


def bias_of(view: RunView, contest: ModelPair) -> ComparisonResult | None:
    """The comparison that stands for bias: the worst reading among the leading metrics of the probes."""
    rows = []
    for name, evaluation in view.evaluations.items():
        if evaluation.role == "probe":
            own = [
                row
                for row in view.comparisons(contest, evaluation=name)
                if row.status == "ok" and view.harms(row.evaluation, row.metric)
            ]
            rows += own[:1]
    order = ["worse", "drifted", "unclear", "better", "identical", "undefined"]
    return min(rows, key=lambda row: order.index(classify_change(row)), default=None)


def _chart(view: RunView, task: str, text: str) -> PointChart | None:
    points, rows, unit = [], [], ""
    for contest in view.contests:
        if not contest.main:
            continue
        gain, lost = view.headline(contest, task), view.headline(contest, text)
        if gain is None or lost is None or gain.improvement is None or lost.ratio is None or lost.direction != "lower":
            continue
        unit = number_format.shown_unit(gain.unit)
        bias = bias_of(view, contest)
        kind = classify_change(bias) if bias is not None else "undefined"
        points.append(_point(contest.candidate, gain, lost, kind))
        rows.append(
            [
                contest.candidate,
                number_format.difference(gain.improvement, gain.unit, gain.delta.low, gain.delta.high),
                _gain_span(gain),
                _percent(lost.ratio.value),
                f"{_percent(lost.ratio.low)}…{_percent(lost.ratio.high)}",
                f"{bias.id}: {WORDS[kind]}" if bias is not None else "not measured",
            ]
        )
    if len(points) < 2:
        return None
    best = [points[k].name for k in range(len(points)) if not any(_beats(other, points[k]) for other in points)]
    return PointChart(
        points,
        title=f"Gain on {task} vs. forgetting on {text}",
        summary=f"Up is better at the task; right is more forgetting. Bars are 95% intervals. "
        f"No other candidate has better point estimates on both axes: {', '.join(best)}.",
        x_label=f"forgetting on {text}, % change in loss",
        y_label=f"gain, {unit}",
        header=["candidate", f"gain ({unit})", "interval", "forgetting (%)", "interval", "bias"],
        rows=rows,
        zero=(True, True),
    )


def _beats(other: Point, point: Point) -> bool:
    return other.y >= point.y and other.x <= point.x and (other.y, other.x) != (point.y, point.x)


def _point(name: str, gain: ComparisonResult, lost: ComparisonResult, bias: str) -> Point:
    factor = 100.0 if number_format.is_fraction(gain.unit) else 1.0
    low, high = _oriented(gain)
    ratio = lost.ratio or Interval(value=1.0)
    return Point(
        name,
        ((ratio.value or 1.0) - 1) * 100,
        (gain.improvement or 0.0) * factor,
        None if ratio.low is None else (ratio.low - 1) * 100,
        None if ratio.high is None else (ratio.high - 1) * 100,
        None if low is None else low * factor,
        None if high is None else high * factor,
        shape=_SHAPES.get(bias, "ring"),
        text=f"{name}: gain {number_format.difference(gain.improvement, gain.unit, gain.delta.low, gain.delta.high)}, "
        f"forgetting {_percent(ratio.value)}%",
    )


def _oriented(row: ComparisonResult) -> tuple[float | None, float | None]:
    if row.direction == "lower" and row.delta.low is not None and row.delta.high is not None:
        return -row.delta.high, -row.delta.low
    return row.delta.low, row.delta.high


def _gain_span(row: ComparisonResult) -> str:
    return number_format.interval(*_oriented(row), row.unit)


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else number_format.fixed((ratio - 1) * 100, 1, sign=True)
