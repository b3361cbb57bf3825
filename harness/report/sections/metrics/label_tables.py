"""Confusion matrices and reliability per model."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.charts.line_charts import Chart, reliability
from harness.report.view.run_view import ModelPair, RunView
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult, TableResult

MOST_LABELS = 25
"""More labels than these are too many cells to read, and a page of megabytes."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Two matrices and their signed difference; the last number of a cell shades it, −8 to 8.

    Attributes:
        sizes: items of each gold label.
        hidden: labels that are not shown, where there are many; those shown are confused most.
    """

    evaluation: str
    rows: list[str]
    columns: list[str]
    matrices: list[tuple[str, list[list[tuple[str, str, int]]]]]
    sizes: list[int]
    hidden: int = 0


def confusions(view: RunView, contest: ModelPair) -> list[Confusion]:
    """Row-normalized confusion of both models and the difference in points of the gold label's items."""
    out = []
    for table in _tables(view, "confusion", contest.candidate):
        name = view.against(contest, table.evaluation)
        base = _of(view, table, name)
        if base is None or base.rows != table.rows:
            continue
        every = list(dict.fromkeys([*table.columns, *base.columns]))
        whole = [_aligned(model_table, every) for model_table in (base, table)]
        kept = _most_confused(table.rows, every, whole)
        rows = [place for place, label in enumerate(table.rows) if label in kept]
        places = [place for place, label in enumerate(every) if label in kept]
        columns = [every[place] for place in places]
        counts = [[[lines[row][place] for place in places] for row in rows] for lines in whole]
        shares = [
            [[value for place, value in enumerate(_share(lines[row])) if every[place] in kept] for row in rows]
            for lines in whole
        ]
        delta = [
            [
                (number_format.fixed((b - a) * 100, 1, sign=True), "", _signed_shade(b - a))
                for a, b in zip(*lines, strict=True)
            ]
            for lines in zip(*shares, strict=True)
        ]
        matrices = [
            (model, _cells(*both))
            for model, both in zip((name, contest.candidate), zip(counts, shares, strict=True), strict=True)
        ]
        matrices.append((f"{contest.candidate} − {name} (points)", delta))
        hidden = len({*table.rows, *every} - kept)
        sizes = [round(sum(whole[1][row])) for row in rows]
        out.append(Confusion(table.evaluation, [table.rows[row] for row in rows], columns, matrices, sizes, hidden))
    return out


def _most_confused(rows: list[str], columns: list[str], counts: list[list[list[float]]]) -> set[str]:
    """The labels to show: all, or where there are many those with the most wrong answers as gold label or answer."""
    labels = list(dict.fromkeys([*rows, *columns]))
    if len(labels) <= MOST_LABELS:
        return set(labels)
    wrong = dict.fromkeys(labels, 0.0)
    for lines in counts:
        for gold, line in zip(rows, lines, strict=True):
            for answer, count in zip(columns, line, strict=True):
                if answer != gold:
                    wrong[gold] += count
                    wrong[answer] += count
    return set(sorted(labels, key=lambda label: (-wrong[label], label))[:MOST_LABELS])


def _aligned(table: TableResult, columns: list[str]) -> list[list[float]]:
    """Counts in the order of `columns`; a column that a model never used is zero."""
    place = {name: k for k, name in enumerate(table.columns)}
    return [
        [(values[place[name]] or 0.0) if place.get(name, len(values)) < len(values) else 0.0 for name in columns]
        for values in table.values
    ]


def _share(line: list[float]) -> list[float]:
    total = sum(line)
    return [count / total if total else 0.0 for count in line]


def _cells(counts: list[list[float]], shares: list[list[float]]) -> list[list[tuple[str, str, int]]]:
    return [
        [(f"{count:,.0f}", f"{share:.0%}", round(share * 8)) for count, share in zip(*lines, strict=True)]
        for lines in zip(counts, shares, strict=True)
    ]


def _tables(view: RunView, kind: str, model: str) -> list[TableResult]:
    return [table for table in view.results.tables if (table.kind, table.model) == (kind, model)]


def _of(view: RunView, table: TableResult, model: str) -> TableResult | None:
    """The same table of another model."""
    return next((other for other in _tables(view, table.kind, model) if other.evaluation == table.evaluation), None)


def _signed_shade(value: float) -> int:
    return max(-8, min(8, round(value * 16)))


def calibration(view: RunView, contest: ModelPair) -> list[tuple[Chart, list[ComparisonResult]]]:
    """Reliability charts with the calibration comparisons that belong to them."""
    out = []
    for table in _tables(view, "reliability", contest.candidate):
        name = view.against(contest, table.evaluation)
        base = _of(view, table, name)
        chart = reliability(base, table)
        rows = view.comparisons(contest, evaluation=table.evaluation)
        if chart is not None:
            out.append((chart, [row for row in rows if view.group(row.evaluation, row.metric) == "calibration"]))
    return out
