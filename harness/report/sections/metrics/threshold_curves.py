"""ROC and precision–recall curves of tasks with two labels, from each item's margin.

The margin of the right answer over the other one, with its sign turned for items of the first label, orders the items
by how much a model prefers the second label; no probability is needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.core.arrow_columns import holds_text, is_missing
from harness.core.records import FloatArray, Records
from harness.report.charts.axis_scale import scale
from harness.report.charts.line_charts import BOTTOM, LEFT, RIGHT, TOP, Chart, Line
from harness.report.view.run_view import ModelPair, RunView
from harness.schema.results.inputs import EvaluationResult

_POINTS = 100


def threshold_curves(view: RunView, pair: ModelPair) -> list[Chart]:
    """Two charts per task with exactly two labels of which both models gave margins."""
    charts = []
    for evaluation in view.results.evaluations:
        if evaluation.role == "task" and len(evaluation.labels) == 2:
            charts += _charts(view, pair, evaluation)
    return charts


def _charts(view: RunView, pair: ModelPair, evaluation: EvaluationResult) -> list[Chart]:
    sides = []
    for model, style in ((view.against(pair, evaluation.name), "other"), (pair.candidate, "bold")):
        records = view.records(evaluation.name, model)
        ranked = _ranked(records, evaluation.labels[1]) if records is not None else None
        if ranked is None:
            return []
        sides.append((model, style, ranked))
    roc = [(model, style, roc_points(ranked)) for model, style, ranked in sides]
    recall = [(model, style, precision_points(ranked)) for model, style, ranked in sides]
    positive = evaluation.labels[1]
    areas = [(model, float(np.trapezoid(points[:, 1], points[:, 0]))) for model, _, points in roc]
    share = float(sides[0][2].mean())
    return [
        _chart(
            f"ROC on {evaluation.name}",
            f"Label {positive!r} against the other; area "
            + ", ".join(f"{area:.3f} ({model})" for model, area in areas) + ".",
            ("false positives", "true positives"),
            roc,
            ((0.0, 0.0), (1.0, 1.0)),
        ),
        _chart(
            f"Precision and recall on {evaluation.name}",
            f"Label {positive!r}, which {share:.1%} of the items have (the lower line).",
            ("recall", "precision"),
            recall,
            ((0.0, share), (1.0, share)),
        ),
    ]  # fmt: skip


def _ranked(records: Records, positive: str) -> FloatArray | None:
    """1 where the gold label is the positive one, 0 elsewhere, by falling preference for it; None without margins."""
    margin = records.numbers("margin")
    targets = records.column("target")
    known = np.isfinite(margin) & ~(is_missing(targets) | holds_text(targets, ""))
    if not known.any():
        return None
    right = holds_text(targets, positive)[known].astype(np.float64)
    if right.min() == right.max():
        return None
    preference = np.where(right == 1.0, margin[known], -margin[known])
    order: Any = np.argsort(-preference, kind="stable")
    return np.asarray(right[order], dtype=np.float64)


def roc_points(ranked: FloatArray) -> FloatArray:
    """(false-positive rate, true-positive rate), float64[n + 1, 2], from the strictest threshold on."""
    hits, misses = np.cumsum(ranked), np.cumsum(1 - ranked)
    points = np.stack([misses / misses[-1], hits / hits[-1]], axis=1)
    return np.concatenate([np.zeros((1, 2)), points])


def precision_points(ranked: FloatArray) -> FloatArray:
    """(recall, precision), float64[n, 2], from the strictest threshold on."""
    hits = np.cumsum(ranked)
    return np.stack([hits / hits[-1], hits / np.arange(1, len(ranked) + 1)], axis=1)


def _chart(
    title: str,
    summary: str,
    axes: tuple[str, str],
    curves: list[tuple[str, str, FloatArray]],
    ideal: tuple[tuple[float, float], tuple[float, float]],
) -> Chart:
    x, y = scale([0.0, 1.0], LEFT, RIGHT), scale([0.0, 1.0], BOTTOM, TOP)

    def path(points: Any) -> str:
        return "M" + "L".join(f"{x(float(a)):g} {y(float(b)):g}" for a, b in points)

    lines = [Line("chance", path(ideal), "ideal")]
    rows = []
    for model, style, points in curves:
        lines.append(Line(model, path(_thin(points, _POINTS)), style))
        rows += [[model, f"{a:.1%}", f"{b:.1%}"] for a, b in _thin(points, 11)]
    return Chart(title, summary, *axes, x.ticks(), y.ticks(), lines, ["model", *axes], rows)


def _thin(points: FloatArray, most: int) -> FloatArray:
    if len(points) <= most:
        return points
    kept: FloatArray = points[np.linspace(0, len(points) - 1, most).round().astype(int)]
    return kept
