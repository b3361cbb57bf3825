"""What the page's sections show, worked out before any markup."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.core.results import ComparisonResult, EvaluationResult, TableResult
from harness.report import figures
from harness.report.charts import Chart, loss_curve, rate_curve, reliability, throughput_curve
from harness.report.scale import Scale, scale
from harness.report.view import FEW, LANGUAGE_MODELLING, Contest, RunView, reading, span

SLICE_ROWS = 60


@dataclass(frozen=True, slots=True)
class SliceTable:
    """The slice rows of one evaluation in one contest, and how many more there are.

    Attributes:
        sizes: metric → its slices, with those that are left out: all slices at once are these.
    """

    evaluation: str
    metrics: list[str]
    rows: list[ComparisonResult]
    left_out: int
    sizes: dict[str, int]

    @property
    def drawn(self) -> list[tuple[str, list[_Ends], float, list[tuple[float, str]], list[ComparisonResult]]]:
        """Per metric: name, (low, point, high) of each row and zero in percent of the width, ticks, rows.

        Better is to the right; metrics with an ideal value keep their sign.
        """
        out = []
        for metric in self.metrics:
            rows = [row for row in self.rows if row.metric == metric]
            if rows:
                ends = [_ends(row) for row in rows]
                axis = scale([end for three in ends for end in three if end is not None], 2, 98, zero=True)
                placed: list[_Ends] = [
                    (_place(axis, low), _place(axis, point), _place(axis, high)) for low, point, high in ends
                ]
                out.append((metric, placed, axis(0.0), axis.ticks(), rows))
        return out


_Ends = tuple[float | None, float | None, float | None]


def _place(axis: Scale, value: float | None) -> float | None:
    return None if value is None else axis(value)


def _ends(row: ComparisonResult) -> _Ends:
    low, high = span(row)
    if row.direction == "lower" and row.status == "ok":
        return _negative(high), _negative(row.delta), _negative(low)
    return low, row.delta, high


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def slice_tables(view: RunView, contest: Contest, role: str) -> list[SliceTable]:
    """Slice comparisons of tasks or of probes, largest evaluations cut to `SLICE_ROWS`."""
    tables = []
    for name, evaluation in view.evaluations.items():
        rows = view.comparisons(contest, evaluation=name, slices=True) if evaluation.role == role else []
        if rows:
            metrics = list(dict.fromkeys(row.metric for row in rows))
            sizes = Counter(row.metric for row in rows)
            rows.sort(key=lambda row: (metrics.index(row.metric), row.slice or ""))
            tables.append(SliceTable(name, metrics, rows[:SLICE_ROWS], max(0, len(rows) - SLICE_ROWS), sizes))
    return tables


@dataclass(frozen=True, slots=True)
class Confusion:
    """Two matrices and their signed difference; the last number of a cell shades it, −8 to 8."""

    evaluation: str
    rows: list[str]
    columns: list[str]
    matrices: list[tuple[str, list[list[tuple[str, str, int]]]]]


def confusions(view: RunView, contest: Contest) -> list[Confusion]:
    """Row-normalised confusion of both models and the difference in points of the gold label's items."""
    out = []
    for table in _tables(view, "confusion", contest.candidate):
        name = view.against(contest, table.evaluation)
        base = next((one for one in _tables(view, "confusion", name) if one.evaluation == table.evaluation), None)
        if base is None or base.rows != table.rows:
            continue
        columns = list(dict.fromkeys([*table.columns, *base.columns]))
        counts = [_aligned(one, columns) for one in (base, table)]
        shares = [[_share(line) for line in lines] for lines in counts]
        delta = [
            [
                (figures.fixed((b - a) * 100, 1, sign=True), "", _signed_shade(b - a))
                for a, b in zip(*lines, strict=True)
            ]
            for lines in zip(*shares, strict=True)
        ]
        matrices = [
            (one, _cells(*both))
            for one, both in zip((name, contest.candidate), zip(counts, shares, strict=True), strict=True)
        ]
        matrices.append((f"{contest.candidate} − {name} (points)", delta))
        out.append(Confusion(table.evaluation, table.rows, columns, matrices))
    return out


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


def _signed_shade(value: float) -> int:
    return max(-8, min(8, round(value * 16)))


def calibration(view: RunView, contest: Contest) -> list[tuple[Chart, list[ComparisonResult]]]:
    """Reliability charts with the calibration comparisons that belong to them."""
    out = []
    for table in _tables(view, "reliability", contest.candidate):
        name = view.against(contest, table.evaluation)
        base = next((one for one in _tables(view, "reliability", name) if one.evaluation == table.evaluation), None)
        chart = reliability(base, table)
        rows = view.comparisons(contest, evaluation=table.evaluation)
        if chart is not None:
            out.append((chart, [row for row in rows if view.group(row.evaluation, row.metric) == "calibration"]))
    return out


def forgetting(view: RunView) -> list[tuple[EvaluationResult, list[ComparisonResult]]]:
    """Language-modelling evaluations with their comparisons of every contest."""
    found = [one for one in view.evaluations.values() if one.kind == LANGUAGE_MODELLING]
    rows = {
        one.name: [row for contest in view.contests for row in view.comparisons(contest, evaluation=one.name)]
        for one in found
    }
    return [(one, rows[one.name]) for one in found if rows[one.name]]


def training(view: RunView) -> list[tuple[str, list[Chart]]]:
    """(model, its curves of loss, learning rate and throughput) of the models with a training log."""
    found = []
    for name, steps in view.training.items():
        charts = [curve(name, steps) for curve in (loss_curve, rate_curve, throughput_curve)]
        drawn = [chart for chart in charts if chart is not None]
        if drawn:
            found.append((name, drawn))
    return found


def files(view: RunView) -> list[tuple[str, str, str]]:
    """(relative path, link, what it is) of the files that the run directory holds."""
    if view.run is None:
        return []
    root = view.run.path
    fixed = [
        ("results.json", "metrics, comparisons, verdicts"),
        ("run.json", "command, versions, hardware, times"),
        ("summary.md", "this report in sixty lines"),
        ("junit.xml", "one test case per gate"),
        ("model-card.md", "figures for a model card"),
        ("comment.md", "body of a comment on a pull request"),
        ("metrics.csv", "every figure, for spreadsheets"),
        ("comparisons.csv", "every difference, for spreadsheets"),
    ]
    made = {"summary.md", "junit.xml", "model-card.md", "comment.md", "metrics.csv", "comparisons.csv"}
    listed = [(name, what) for name, what in fixed if name in made or _own(root / name, root)]
    for folder, what in (
        ("records", "what a model did on each item"),
        ("items", "texts"),
        ("training", "training log"),
    ):
        paths = sorted(path.relative_to(root).as_posix() for path in (root / folder).rglob("*") if _own(path, root))
        listed += [(path, what) for path in paths if not path.rsplit("/", 1)[-1].startswith(".")]
    return [(path, quote(path.encode("utf-8", "replace")), what) for path, what in listed]


def _own(path: Path, root: Path) -> bool:
    """Whether a file stands in the run directory, and is no link to elsewhere."""
    return path.is_file() and path.resolve().is_relative_to(root.resolve())


def facts(value: Any) -> str:
    """A value of run.json or of a model's facts as one short text."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {facts(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(facts(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) >= 10_000:
        return f"{value:,}"
    return "–" if value is None else str(value)


def clear(row: ComparisonResult) -> bool:
    """Whether a comparison shows a change at all."""
    return reading(row) in ("better", "worse", "drifted")


def children(view: RunView, name: str) -> int:
    """How many models of the suite start from a checkpoint."""
    return sum(model.parent == name for model in view.results.models)


def shown_clear(row: ComparisonResult) -> bool:
    """A clear change on a slice that is large enough to be read."""
    return row.n >= FEW and clear(row)
