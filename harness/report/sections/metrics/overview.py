"""One table of all models on all evaluations: a column per contender, a row per leading metric."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote

from harness.report.view.comparison_reading import Reading, classify_change
from harness.report.view.run_view import COMPLETIONS, RunView
from harness.schema.results import number_format
from harness.schema.results.absences import behind_metric
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.seed_aggregation import of_recipe, reads_recipe


@dataclass(frozen=True, slots=True)
class Cell:
    """A model's value; `kind` reads its difference from the row's baseline, None for the baseline itself.

    Attributes:
        best: no other model's point is better (metrics with a better side only).
        seeds: `mean of 3 seeds` or `first of 2 seeds`, of models trained with several.
        missing: what the model did not answer.
        shade: 0 to 5, the nearer to the best of the row the deeper.
        link: to the items of this model and its baseline; empty without a comparison.
    """

    text: str
    span: str
    n: int
    delta: str
    kind: Reading | None
    best: bool
    protocol: str
    seeds: str = ""
    missing: str = ""
    shade: int = 0
    link: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A metric; `heuristics` are the levels of the baselines that nobody declared, which have no column.

    Attributes:
        missing: what every model did not answer alike; the cells then do not repeat it.
    """

    evaluation: str
    metric: str
    unit: str
    direction: str
    ideal: str
    baseline: str
    cells: list[Cell | str]
    heuristics: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """`groups`: (title, rows); `models`: (name, role) by column."""

    models: list[tuple[str, str]]
    groups: list[tuple[str, list[Row]]]


_TITLES = {
    "gained": "Tasks",
    "forgotten": "Language modeling",
    "bias": "Bias and robustness",
    "calibration": "Calibration",
    "cost": "Cost",
}


def overview(view: RunView) -> Overview | None:
    """None when nothing was measured."""
    names = list(dict.fromkeys([view.results.baseline, *view.results.release, *view.results.candidates, *view.models]))
    implied = {model.name: model.implied_for for model in view.results.models if model.implied_for is not None}
    names = [name for name in names if any(row.model == name for row in view.results.metrics) and name not in implied]
    groups: dict[str, list[Row]] = {title: [] for title in _TITLES.values()}
    for name, evaluation in view.evaluations.items():
        if evaluation.kind == COMPLETIONS and evaluation.role == "task":
            continue
        for metric in _leads(view, name):
            id_ = f"{name}.{metric}"
            rows = [view.metric(id_, model) for model in names]
            known = [row for row in rows if row is not None]
            if known:
                cells = _cells(view, name, names, rows)
                first = known[0]
                ideal = "" if first.ideal is None else number_format.ideal(first.ideal, first.unit)
                beside = _heuristics(view, id_, [model for model, task in implied.items() if task == name])
                cells, alike = _once(cells)
                row = Row(
                    name, metric, first.unit, first.direction, ideal, view.baseline_of(name), cells, beside, alike
                )
                groups[_TITLES[view.group(evaluation.name, metric)]].append(row)
    kept = [(title, rows) for title, rows in groups.items() if rows]
    roles = {model.name: model.role for model in view.results.models}
    return Overview([(name, roles.get(name, "")) for name in names], kept) if kept and names else None


def _once(cells: list[Cell | str]) -> tuple[list[Cell | str], str]:
    """Takes out of the cells what all of them miss."""
    texts = {cell.missing for cell in cells if isinstance(cell, Cell)}
    if len(texts) != 1 or texts == {""}:
        return cells, ""
    return [replace(cell, missing="") if isinstance(cell, Cell) else cell for cell in cells], texts.pop()


def _heuristics(view: RunView, metric: str, models: list[str]) -> str:
    rows = [(model, view.metric(metric, model)) for model in models]
    return ", ".join(
        f"{model} {number_format.level(row.interval.value, row.unit, row.interval.low, row.interval.high)}"
        for model, row in rows
        if row is not None and row.interval.value is not None
    )


def _beside(view: RunView, name: str, own: list[str]) -> list[str]:
    """The second metric of the answers and the first one of their probabilities that is a share."""
    meanings = {metric: view.meaning(name, metric) for metric in own[1:]}
    shares = {metric: known for metric, known in meanings.items() if known.fraction}
    answers = [metric for metric, known in shares.items() if known.aspect == "quality"]
    return answers[:1] + [metric for metric, known in shares.items() if known.aspect == "calibration"][:1]


def _leads(view: RunView, name: str) -> list[str]:
    """The metrics that stand for an evaluation: the first one, and for tasks with labels two beside it.

    Models that have no value by the first one, such as causal models beside masked ones, add their own first one.
    """
    own = list(
        dict.fromkeys(row.metric for row in view.results.metrics if row.evaluation == name and row.slice is None)
    )
    if view.evaluations[name].role == "probe":
        own = [metric for metric in own if view.harms(name, metric)]
    extra = _beside(view, name, own) if view.evaluations[name].labels else []
    leads = own[:1]
    for metric in own[1:]:
        if _measured(view, name, metric) - set().union(*(_measured(view, name, lead) for lead in leads)):
            leads.append(metric)
    return leads + [metric for metric in extra if metric not in leads]


def _measured(view: RunView, name: str, metric: str) -> set[str]:
    """The models that have a value of a metric."""
    rows = (view.metric(f"{name}.{metric}", model) for model in view.models)
    return {row.model for row in rows if row is not None and row.interval.value is not None}


def _cells(view: RunView, name: str, models: list[str], rows: list[MetricResult | None]) -> list[Cell | str]:
    rows = [None if row is None else of_recipe(row) for row in rows]
    known = [row for row in rows if row is not None and row.status == "ok" and row.interval.value is not None]
    direction = known[0].direction if known else "target"
    values = [row.interval.value for row in known if row.interval.value is not None]
    best = None if direction == "target" or len(values) < 2 else (max if direction == "higher" else min)(values)
    widest = max(known, key=lambda row: (row.interval.high or 0.0) - (row.interval.low or 0.0), default=None)
    low, high = (widest.interval.low, widest.interval.high) if widest else (None, None)
    changes = [view.overall.get((row.id, view.baseline_of(name), row.model)) for row in known]
    wide = max(
        (row for row in changes if row),
        key=lambda row: (row.delta.high or 0.0) - (row.delta.low or 0.0),
        default=None,
    )
    spread = _Spread.of(values, direction, known[0].ideal if known else None)
    cells: list[Cell | str] = []
    for model, row in zip(models, rows, strict=True):
        if row is None or row.interval.value is None:
            skipped = view.evaluations[name].skipped.get(model)
            cells.append(skipped or (row.reason if row and row.reason else _otherwise(view, name, model)))
            continue
        compared = _comparison(view, row, model)
        cells.append(
            Cell(
                number_format.level(row.interval.value, row.unit, low, high),
                number_format.interval(row.interval.low, row.interval.high, row.unit, sign=False),
                row.n,
                ""
                if compared is None or wide is None
                else number_format.difference(compared.delta.value, compared.unit, wide.delta.low, wide.delta.high),
                None if compared is None else classify_change(compared),
                best is not None and row.interval.value == best,
                row.protocol,
                _seeds(row),
                behind_metric(row, view.evaluations),
                spread.shade(row.interval.value),
                "" if compared is None else _link(view, name, model),
            )
        )
    return cells


@dataclass(frozen=True, slots=True)
class _Spread:
    """The worst and the best distance of a row's values: below zero is better, as is nearer to an ideal."""

    best: float
    worst: float
    direction: str
    ideal: float | None

    @classmethod
    def of(cls, values: list[float], direction: str, ideal: float | None) -> _Spread:
        empty = cls(0.0, 0.0, direction, ideal)
        distances = [empty.distance(value) for value in values]
        return cls(min(distances, default=0.0), max(distances, default=0.0), direction, ideal)

    def distance(self, value: float) -> float:
        if self.direction == "target":
            return abs(value - (self.ideal or 0.0))
        return -value if self.direction == "higher" else value

    def shade(self, value: float) -> int:
        if self.worst <= self.best:
            return 0
        return round(5 * (self.worst - self.distance(value)) / (self.worst - self.best))


def _link(view: RunView, evaluation: str, model: str) -> str:
    pair = view.contest_of(evaluation, view.baseline_of(evaluation), model)
    return f"#items&eval={quote(evaluation, safe='')}&pair={pair.address}"


def _otherwise(view: RunView, name: str, model: str) -> str:
    """Why a model has no value by a metric: another one measures it, or it was not asked."""
    other = next((row.metric for row in view.results.metrics if (row.evaluation, row.model) == (name, model)), None)
    return "not evaluated" if other is None else f"measured by {other}"


def _comparison(view: RunView, row: MetricResult, model: str) -> ComparisonResult | None:
    base = view.baseline_of(row.evaluation)
    compared = view.overall.get((row.id, base, model))
    return None if compared is None or compared.status != "ok" else of_recipe(compared)


def _seeds(row: MetricResult) -> str:
    if row.seeds is None:
        return ""
    return f"{'mean' if reads_recipe(row) or row.seeds.seeds_identical else 'first'} of {len(row.seeds.seeds)} seeds"
