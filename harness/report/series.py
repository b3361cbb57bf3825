"""Models that differ in one number only: learning curves (amount of data) and dose-response curves (anything else)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.core.results import MetricResult, ModelResult
from harness.report import figures
from harness.report.marks import Point, PointChart, point_chart
from harness.report.view import RunView
from harness.report.words import named

_DATA = {"labels": "labelled rows", "items": "items", "tokens": "tokens", "rows": "rows", "budget": "tokens"}
_IGNORED = {"seed"}
Path = tuple[str, ...]


def series(view: RunView) -> list[PointChart]:
    """One chart per group of models that differ in one number, and per task, by its leading metric."""
    charts = []
    for path, models in _groups(view):
        for name, evaluation in view.evaluations.items():
            if evaluation.role != "task":
                continue
            lead = next((row.id for row in view.results.metrics if row.evaluation == name and row.slice is None), None)
            id_ = f"{name}.{evaluation.metrics[0]}" if evaluation.metrics else lead
            rows = [(dose, view.metric(id_ or "", model.name)) for dose, model in models]
            known = [(dose, row) for dose, row in rows if row is not None and row.value is not None]
            if len(known) >= 2:
                charts.append(_chart(path[-1], known))
    return charts


def _chart(setting: str, rows: list[tuple[float, MetricResult]]) -> PointChart:
    what = _DATA.get(setting, setting.replace("_", " "))
    unit = rows[0][1].unit
    factor = 100.0 if figures.is_fraction(unit) else 1.0
    points = [
        Point(
            row.model,
            dose,
            (row.value or 0.0) * factor,
            y_low=None if row.low is None else row.low * factor,
            y_high=None if row.high is None else row.high * factor,
            text=f"{row.model}: {what} {figures.count(dose)}, {figures.level(row.value, unit, row.low, row.high)}",
        )
        for dose, row in rows
    ]
    first = rows[0][1]
    return point_chart(
        points,
        title=f"{'Learning curve' if setting in _DATA else 'Dose-response'}: {named(first.evaluation, first.metric)}",
        summary=f"From {_end(*rows[0])} to {_end(*rows[-1])} {what}; bars are 95% intervals of each level.",
        x_label=what,
        y_label="%" if figures.is_fraction(unit) else unit,
        header=["model", what, "value", "interval", "n"],
        rows=[
            [
                row.model,
                f"{dose:g}" if dose < 10 else f"{dose:,.0f}",
                figures.level(row.value, unit, row.low, row.high),
                figures.interval(row.low, row.high, unit, sign=False),
                f"{row.n:,}",
            ]
            for dose, row in rows
        ],
        joined=True,
        labels=False,
        x_ticks=[(dose, figures.count(dose)) for dose, _ in rows],
    )


def _end(dose: float, row: MetricResult) -> str:
    return f"{figures.level(row.value, row.unit, row.low, row.high)} by {row.model} with {figures.count(dose)}"


def _groups(view: RunView) -> list[tuple[Path, list[tuple[float, ModelResult]]]]:
    """(setting, [(value, model)…] by value) for every setting in which alone some models differ."""
    found: dict[tuple[Path, str], list[tuple[float, ModelResult]]] = {}
    for model in view.results.models:
        stage = model.training.get("stage")
        if not isinstance(stage, dict):
            continue
        flat = {path: value for path, value in _flat(stage).items() if path[-1] not in _IGNORED}
        if ("labels",) in flat and flat["labels",] is None:
            flat["labels",] = _rows(view, model)
        for path, value in flat.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                rest = {"/".join(key): other for key, other in flat.items() if key != path}
                key = (path, json.dumps([model.made_by, rest], sort_keys=True, default=str))
                found.setdefault(key, []).append((float(value), model))
    groups = []
    for (path, _), models in sorted(found.items(), key=lambda entry: entry[0]):
        if len({dose for dose, _ in models}) >= 2:
            groups.append((path, sorted(models, key=lambda pair: (pair[0], pair[1].name))))
    return groups


def _rows(view: RunView, model: ModelResult) -> int | None:
    """All training rows of the data that a model learned from, where that is one data set."""
    data = model.training.get("data")
    names = list(data) if isinstance(data, dict | list) else []
    rows = {one.name: one.rows for one in view.results.data}
    return rows.get(names[0], {}).get("train") if len(names) == 1 else None


def _flat(value: Mapping[str, Any], at: Path = ()) -> dict[Path, Any]:
    out: dict[Path, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            out |= _flat(item, (*at, str(key)))
        else:
            out[*at, str(key)] = item if not isinstance(item, list) else json.dumps(item)
    return out
