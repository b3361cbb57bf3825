"""The table of a training from checkpoint to checkpoint in summary.md."""

from __future__ import annotations

from harness.report.sections.series_tables import series_tables
from harness.report.view.run_view import RunView
from harness.report.wording.safe_text import markdown as md
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult

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
