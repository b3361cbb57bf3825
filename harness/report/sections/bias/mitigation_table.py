"""What each mitigation bought and what it cost: a model against the same one without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.view.comparison_reading import WORDS, classify_change
from harness.report.view.run_view import LANGUAGE_MODELLING, RunView
from harness.schema.results import number_format
from harness.schema.results.inputs import ModelResult
from harness.schema.results.metrics import ComparisonResult, MetricResult

STANDING = frozenset({"project", "self_debias", "selfdebias"})
"""Made from a finished model, without training it again: that model is the one to compare with.
0.1.0 wrote `selfdebias`."""
CARE = ("mitigate", "dropout")
"""Keys of a stage that make it a mitigation; without them it is the stage to compare with."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a mitigated model beside that of its plain twin.

    Attributes:
        text: the two levels; a dash where the model was not asked.
        change: the difference; empty where the two were not compared.
        span: its interval.
        kind, word: how to mark it and what to say: of bias, nearer to the ideal or farther from it.
    """

    text: str
    change: str = ""
    span: str = ""
    kind: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One mitigated model: `cells` in the order of the table's columns."""

    model: str
    twin: str
    cells: tuple[Cell, ...]
    tokens: str


@dataclass(frozen=True, slots=True)
class Table:
    """Columns are (what it says: Bias, Can do or Forgotten; evaluation; metric id; metric name)."""

    columns: tuple[tuple[str, str, str, str], ...]
    rows: tuple[Row, ...]

    @property
    def uncompared(self) -> bool:
        """Whether some pair was not compared, so that only levels stand there."""
        return any(cell.text != _NONE and not cell.change for row in self.rows for cell in row.cells)


_NONE = "–"


def mitigations(view: RunView) -> Table | None:
    """Every mitigated model that has a plain twin; None where there is none."""
    pairs = [(model, twin) for model in view.results.models if (twin := twin_of(view, model)) is not None]
    columns = tuple(_columns(view))
    if not pairs or not columns:
        return None
    rows = []
    for model, twin in pairs:
        cells = tuple(_cell(view, twin.name, model.name, id_, says) for says, _, id_, _ in columns)
        rows.append(Row(model.name, twin.name, cells, _tokens(view, model, twin)))
    asked = [any(row.cells[place].text != _NONE for row in rows) for place in range(len(columns))]
    kept = tuple(column for column, any_row in zip(columns, asked, strict=True) if any_row)
    rows = [
        Row(
            row.model,
            row.twin,
            tuple(cell for cell, any_row in zip(row.cells, asked, strict=True) if any_row),
            row.tokens,
        )
        for row in rows
    ]
    return Table(kept, tuple(rows)) if kept else None


def twin_of(view: RunView, model: ModelResult) -> ModelResult | None:
    """The same model without its mitigation: its parent where nothing was trained, else the stage that is equal
    but for `mitigate` and `dropout`; None for what mitigates nothing, and where the suite has no twin."""
    if model.made_by in STANDING:
        return view.models.get(model.parent or "")
    stage = _stage(model)
    if not any(stage.get(key) is not None for key in CARE):
        return None
    plain = _without(stage)
    for other in view.results.models:
        theirs = _stage(other)
        alike = other.made_by == model.made_by and other.parent == model.parent and _without(theirs) == plain
        if alike and not any(theirs.get(key) is not None for key in CARE):
            return other
    return None


def _stage(model: ModelResult) -> Mapping[str, Any]:
    stage = model.training.get("stage")
    return stage if isinstance(stage, Mapping) else {}


def _without(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in stage.items() if key not in CARE}


def _columns(view: RunView) -> list[tuple[str, str, str, str]]:
    """The leading metric of every probe, then of every task, then of running text."""
    by_kind: dict[str, list[tuple[str, str, str, str]]] = {"Bias": [], "Capability": [], "Forgotten": []}
    for name, evaluation in view.evaluations.items():
        kind = "Bias" if evaluation.role == "probe" else "Capability"
        kind = "Forgotten" if evaluation.kind == LANGUAGE_MODELLING else kind
        ids = dict.fromkeys(row.id for row in view.results.metrics if row.evaluation == name and row.slice is None)
        lead = evaluation.metrics[0].split("[")[0] if evaluation.metrics else ""
        ranked = sorted(ids, key=lambda id_: id_.partition(".")[2].split("[")[0] != lead)
        by_kind[kind] += [(kind, name, id_, id_.removeprefix(f"{name}.")) for id_ in ranked[:1]]
    return [column for columns in by_kind.values() for column in columns]


def _cell(view: RunView, twin: str, model: str, id_: str, says: str) -> Cell:
    before, after = view.metric(id_, twin), view.metric(id_, model)
    if after is None or after.interval.value is None:
        return Cell(_NONE)
    text = f"{_level(before)} → {_level(after)}"
    compared = view.overall.get((id_, twin, model))
    if compared is None or compared.status != "ok":
        return Cell(text)
    change = number_format.difference(compared.delta.value, compared.unit, compared.delta.low, compared.delta.high)
    span = number_format.interval(compared.delta.low, compared.delta.high, compared.unit)
    kind = classify_change(compared)
    if compared.direction == "target" and kind == "drifted":
        kind, word = (
            ("better", "closer to the ideal")
            if _nearer(compared, before, after)
            else ("worse", "farther from the ideal")
        )
        return Cell(text, change, span, kind, word)
    word = WORDS[kind]
    if says == "Forgotten" and compared.ratio is not None and kind in ("better", "worse"):
        word = f"{word}, ×{number_format.ratio(compared.ratio.value)}"
    return Cell(text, change, span, kind, word)


def _nearer(compared: ComparisonResult, before: MetricResult | None, after: MetricResult) -> bool:
    ideal = after.ideal
    if before is None or before.interval.value is None or after.interval.value is None or ideal is None:
        return (compared.distance_change or 0.0) < 0
    return abs(after.interval.value - ideal) < abs(before.interval.value - ideal)


def _level(row: MetricResult | None) -> str:
    return (
        _NONE if row is None else number_format.level(row.interval.value, row.unit, row.interval.low, row.interval.high)
    )


def _tokens(view: RunView, model: ModelResult, twin: ModelResult) -> str:
    if model.made_by in STANDING:
        return "not retrained"
    own, plain = view.cost(model.name).tokens, view.cost(twin.name).tokens
    if not own or not plain:
        return _NONE
    return f"×{own / plain:.2f} tokens"
