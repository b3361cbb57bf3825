"""The table of a training from checkpoint to checkpoint in summary.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.view.run_view import RunView
from harness.report.wording.safe_text import markdown as md
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.results_file import Results
from harness.schema.results.series import SeriesResult

MOST_STEPS = 12


def series_lines(view: RunView) -> list[str]:
    """What each checkpoint of a training gained and lost, with intervals."""
    lines: list[str] = []
    for table in series_tables(view.results):
        heads = " | ".join(md(column, 60) for column in table.columns)
        lines += [
            f"| {md(table.name, 40)}: step | {heads} | failed gates |",
            "|--:" * (len(table.columns) + 1) + "|---|",
        ]
        for step, differences, failed in table.rows[:MOST_STEPS]:
            cells = [_interval_cell(row) for row in differences]
            lines.append(f"| {' | '.join([str(step), *cells, md(', '.join(failed), 200) or '–'])} |")
        rest = len(table.rows) - MOST_STEPS
        lines += [f"{plural(rest, 'further checkpoint')} in comparisons.csv." if rest > 0 else "", ""]
    said = [note for note in view.results.notes if note.partition(":")[0] in {s.name for s in view.results.series}]
    return [*lines, *(f"{md(note, 400)}  " for note in said), ""] if lines else []


def _interval_cell(row: ComparisonResult | None) -> str:
    """A difference with its interval."""
    if row is None:
        return "–"
    change = number_format.difference(row.delta.value, row.unit, row.delta.low, row.delta.high)
    return f"{change} {number_format.interval(row.delta.low, row.delta.high, row.unit)}"


MOST_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class SeriesTable:
    """The steps of one series.

    Attributes:
        columns: ids of the metrics, one for each evaluation, in the suite's order.
        rows: step, its difference to the baseline by column (None where there is none), its failed gates.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[ComparisonResult | None, ...], tuple[str, ...]], ...]


def series_tables(results: Results) -> list[SeriesTable]:
    """One table for each series of a run."""
    return [_table(results, series) for series in results.series]


def _table(results: Results, series: SeriesResult) -> SeriesTable:
    models = {step.model for step in series.steps}
    pairs: dict[tuple[str, str], ComparisonResult] = {}
    for row in results.comparisons:
        if row.slice is None and row.candidate in models and row.delta.value is not None:
            pairs.setdefault((row.id, row.candidate), row)
    columns = _leading(results, {metric for metric, _ in pairs})[:MOST_COLUMNS]
    rows = [
        (
            step.step,
            tuple(pairs.get((column, step.model)) for column in columns),
            tuple(gate for gate, verdict in step.gates.items() if verdict == "fail"),
        )
        for step in series.steps
    ]
    return SeriesTable(series.name, tuple(columns), tuple(rows))


def _leading(results: Results, known: set[str]) -> Sequence[str]:
    """The first metric of each evaluation that has differences."""
    columns = []
    for evaluation in results.evaluations:
        own = [f"{evaluation.name}.{metric}" for metric in evaluation.metrics]
        first = next((name for metric in own for name in known if name.partition("[")[0] == metric), None)
        if first is not None:
            columns.append(first)
    return columns
