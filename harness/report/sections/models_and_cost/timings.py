"""What asking the models took, timed in turn: a table for each such evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.view.run_view import RunView
from harness.schema.results import number_format
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import MetricResult


@dataclass(frozen=True, slots=True)
class TimedCell:
    """A figure of a model: `text` with its interval, and `ratio` to the baseline with its own; texts may be empty."""

    text: str
    span: str
    ratio: str


@dataclass(frozen=True, slots=True)
class Timings:
    """The figures of one evaluation.

    Attributes:
        columns: (metric, what it means, unit).
        rows: model → a cell for each column.
        note: on which machine, and how often.
    """

    name: str
    baseline: str
    columns: list[tuple[str, str, str]]
    rows: list[tuple[str, list[TimedCell]]]
    note: str


def timings(view: RunView) -> list[Timings]:
    return [_timings(view, known) for known in view.results.evaluations if known.role == "cost"]


def _timings(view: RunView, known: EvaluationResult) -> Timings:
    own = [row for row in view.results.metrics if row.evaluation == known.name]
    columns = {row.metric: (row.metric, view.label(known.name, row.metric), row.unit) for row in own}
    models = dict.fromkeys(row.model for row in own)
    rows = [
        (model, [_cell(view, known, view.metric(f"{known.name}.{metric}", model)) for metric in columns])
        for model in models
    ]
    note = f"{number_format.plural(known.n, 'block')}, all models in turn. " + " ".join(known.caveats)
    return Timings(known.name, known.baseline, list(columns.values()), rows, note.strip())


def _cell(view: RunView, known: EvaluationResult, row: MetricResult | None) -> TimedCell:
    if row is None or row.interval.value is None:
        return TimedCell("–", "" if row is None or row.reason is None else row.reason, "")
    low, high = row.interval.low, row.interval.high
    exact = low == high
    text = number_format.level(row.interval.value, row.unit, low, high)
    span = "" if exact else number_format.interval(low, high, row.unit, sign=False)
    change = view.overall.get((row.id, known.baseline, row.model))
    ratio = None if change is None else change.ratio
    if ratio is None or ratio.value is None:
        return TimedCell(text, span, "")
    ends = "" if ratio.low == ratio.high else f" ({number_format.ratio(ratio.low)}…{number_format.ratio(ratio.high)})"
    return TimedCell(text, span, f"×{number_format.ratio(ratio.value)}{ends}")
