"""Models that differ in one number only: learning curves (amount of data) and dose-response curves (anything else).

Several such groups that differ in the same number, as the pretrained and the untrained ones of a learning curve,
share a chart, one line each. What has no such number (a prompted base, a trivial rival) is drawn across as a level.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from harness.report.charts.point_charts import Level, Point, PointChart
from harness.report.view.run_view import RunView
from harness.schema.results import number_format
from harness.schema.results.inputs import ModelResult
from harness.schema.results.metrics import MetricResult

_DATA = {
    "labels": "labeled rows",
    "items": "items",
    "tokens": "pretraining tokens",
    "rows": "rows",
    "budget": "tokens",
}
_START = "from"
_IGNORED = {"seed"}
_JOINTS = ("_", "-")
_WITHOUT_DOSE = ("prompt", "heuristic", "baseline")
"""`made_by` of models without a dose; 0.1.0 wrote the last one."""
_LOGARITHMIC_FROM = 20
"""Doses further apart than this factor stand on a logarithmic axis; on a linear one the small ones would be one dot."""
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """Models that differ in nothing but the dose, by dose."""

    name: str
    rows: list[tuple[float, MetricResult]]


def series(view: RunView) -> list[PointChart]:
    """One chart per setting in which alone some models differ, and per task, by its leading metric."""
    charts = []
    for path, groups in _groups(view).items():
        for name, evaluation in view.evaluations.items():
            if evaluation.role != "task":
                continue
            lead = next((row.id for row in view.results.metrics if row.evaluation == name and row.slice is None), None)
            id_ = (f"{name}.{evaluation.metrics[0]}" if evaluation.metrics else lead) or ""
            lines = [line for models in groups if len((line := _line(view, id_, models)).rows) >= 2]
            if lines:
                level = path == ("labels",) or path[0] == _START
                charts.append(_chart(view, path, lines, _levels(view, id_) if level else []))
    return charts


def _line(view: RunView, id_: str, models: Sequence[tuple[float, ModelResult]]) -> _Line:
    rows = [(dose, row) for dose, model in models if (row := _known(view, id_, model)) is not None]
    return _Line(_shared([model.name for _, model in models]), rows)


def _shared(names: Sequence[str]) -> str:
    """What the names of a line's models begin with, in whole words: `base` for base_100 and base_1k."""
    shared = "".join(letters[0] for letters in takewhile(lambda some: len(set(some)) == 1, zip(*names, strict=False)))
    if shared not in names and not shared.endswith(_JOINTS):
        shared = shared[: max(shared.rfind(joint) for joint in _JOINTS) + 1]
    return shared.strip("".join(_JOINTS)) or f"{names[0]} to {names[-1]}"


def _levels(view: RunView, id_: str) -> list[MetricResult]:
    """What models reach that learned from no labels: the base, the prompted one, trivial rivals."""
    base = view.results.baseline
    plain = [model for model in view.results.models if model.made_by in _WITHOUT_DOSE or model.name == base]
    return [row for model in plain if (row := _known(view, id_, model)) is not None]


def _known(view: RunView, id_: str, model: ModelResult) -> MetricResult | None:
    row = view.metric(id_, model.name)
    return row if row is not None and row.interval.value is not None else None


def _chart(view: RunView, path: Path, lines: list[_Line], levels: list[MetricResult]) -> PointChart:
    setting = path[-1]
    what = _DATA.get(setting, setting.replace("_", " "))
    if path[0] == _START and setting != "tokens":
        what = f"{what} of the parent model"
    kind = "Learning curve" if setting in _DATA else "Dose-response"
    several = len(lines) > 1
    rows = sorted(((dose, row, line) for line in lines for dose, row in line.rows), key=lambda entry: entry[0])
    first = lines[0].rows[0][1]
    unit = first.unit
    factor = 100.0 if number_format.is_fraction(unit) else 1.0
    doses = sorted({dose for dose, _, _ in rows})
    logarithmic = doses[0] > 0 and doses[-1] / doses[0] >= _LOGARITHMIC_FROM

    def place(dose: float) -> float:
        return math.log10(dose) if logarithmic else dose

    points = [
        Point(
            row.model,
            place(dose),
            (row.interval.value or 0.0) * factor,
            y_low=None if row.interval.low is None else row.interval.low * factor,
            y_high=None if row.interval.high is None else row.interval.high * factor,
            text=f"{row.model}: {what} {number_format.count(dose)}, "
            f"{number_format.level(row.interval.value, unit, row.interval.low, row.interval.high)}",
            line=line.name,
        )
        for dose, row, line in rows
    ]
    across = [Level(row.model, (row.interval.value or 0.0) * factor) for row in levels if row.unit == unit]
    return PointChart(
        points,
        title=f"{kind}: {view.named(first.evaluation, first.metric)}",
        summary=" ".join(
            [
                *(f"{f'{line.name}: from' if several else 'From'} {_ends(line, what)}." for line in lines),
                *(["Dotted: " + ", ".join(_level(row) for row in levels) + "."] if across else []),
                "Bars are 95% intervals of each level.",
            ]
        ),
        x_label=f"{what} (log scale)" if logarithmic else what,
        y_label="%" if number_format.is_fraction(unit) else unit,
        header=["model", what, "value", "interval", "n"],
        rows=[_row(row, f"{dose:g}" if dose < 10 else f"{dose:,.0f}") for dose, row, _ in rows]
        + [_row(row, "–") for row in levels if across],
        joined=True,
        labels=False,
        x_labels=[(place(dose), number_format.count(dose)) for dose in doses],
        levels=across,
    )


def _row(row: MetricResult, dose: str) -> list[str]:
    return [
        row.model,
        dose,
        number_format.level(row.interval.value, row.unit, row.interval.low, row.interval.high),
        number_format.interval(row.interval.low, row.interval.high, row.unit, sign=False),
        f"{row.n:,}",
    ]


def _level(row: MetricResult) -> str:
    return f"{row.model} {number_format.level(row.interval.value, row.unit, row.interval.low, row.interval.high)}"


def _ends(line: _Line, what: str) -> str:
    (low, first), (high, last) = line.rows[0], line.rows[-1]
    start, end = (
        number_format.level(row.interval.value, row.unit, row.interval.low, row.interval.high) for row in (first, last)
    )
    return f"{start} with {number_format.count(low)} to {end} with {number_format.count(high)} {what}"


def _groups(view: RunView) -> dict[Path, list[list[tuple[float, ModelResult]]]]:
    """For every setting, the groups of models that differ in it alone: [(value, model)…] by value."""
    alike: dict[tuple[Path, str], list[tuple[float, ModelResult]]] = {}
    for model in view.results.models:
        flat = _settings(view, model)
        for path, value in flat.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                rest = {"/".join(key): other for key, other in flat.items() if key != path}
                key = (path, json.dumps([model.made_by, rest], sort_keys=True, default=str))
                alike.setdefault(key, []).append((float(value), model))
    groups: dict[Path, list[list[tuple[float, ModelResult]]]] = {}
    for (path, _), models in alike.items():
        if len({dose for dose, _ in models}) >= 2:
            groups.setdefault(path, []).append(sorted(models, key=lambda pair: (pair[0], pair[1].name)))
    return dict(sorted(groups.items()))


def _settings(view: RunView, model: ModelResult) -> dict[Path, Any]:
    """What made a model: its stage's settings, and below `from` those of the model that it starts from."""
    stage = model.training.get("stage")
    if not isinstance(stage, dict):
        return {}
    flat = {path: value for path, value in _flat(stage).items() if path[-1] not in _IGNORED}
    if ("labels",) in flat and flat["labels",] is None:
        flat["labels",] = _rows(view, model)
    parent = view.models.get(model.parent or "")
    before = {} if parent is None or parent is model else _settings(view, parent)
    if before:
        flat.pop((_START,), None)
        flat |= {(_START, *path): value for path, value in before.items()}
    return flat


def _rows(view: RunView, model: ModelResult) -> int | None:
    """All training rows of the data that a model learned from, where that is one data set."""
    data = model.training.get("data")
    names = list(data) if isinstance(data, dict | list) else []
    rows = {data_set.name: data_set.rows for data_set in view.results.data}
    return rows.get(names[0], {}).get("train") if len(names) == 1 else None


def _flat(value: Mapping[str, Any], at: Path = ()) -> dict[Path, Any]:
    out: dict[Path, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            out |= _flat(item, (*at, str(key)))
        else:
            out[*at, str(key)] = item if not isinstance(item, list) else json.dumps(item)
    return out
