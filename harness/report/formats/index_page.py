"""reports/index.html: every run of every suite, with the trend of each gate's figure and its interval."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from harness.report.charts.point_charts import Point, PointChart
from harness.report.formats.inline_parts import digest, embed
from harness.report.formats.page_environment import environment, source
from harness.report.formats.run_history import GatePoint, History, RunRow, history
from harness.report.wording.safe_text import one_line
from harness.schema.results import number_format
from harness.storage import atomic

SHOWN = 60
"""At most this many runs of a suite stand in the page, the newest ones."""


@dataclass(frozen=True, slots=True)
class Run:
    row: RunRow
    link: str
    number: int


@dataclass(frozen=True, slots=True)
class Suite:
    """The shown runs of a suite, newest first, and a trend per gate."""

    name: str
    title: str
    runs: list[Run]
    left_out: int
    trends: list[PointChart]


def write_index(folder: Path) -> Path:
    """Writes index.html over all runs below `folder` and returns its path.

    Raises:
        IncompleteError: when the folder cannot be written.
    """
    path = folder / "index.html"
    atomic.write_bytes(path, index_html(folder).encode("utf-8"))
    return path


def index_html(folder: Path) -> str:
    """The page as text: a table of runs per suite, two runs side by side, and the trends of its gates."""
    known = history(folder)
    shown = suites(folder, known)
    style, script = source("report.css"), source("script_index.js")
    return (
        environment()
        .get_template("index.html.j2")
        .render(
            suites=shown,
            refused={name: one_line(why, 400) for name, why in known.refused.items()},
            style=Markup(style),
            script=Markup(script),
            data=embed([_side_by_side(suite) for suite in shown]),
            policy=f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(style)}'; "
            "base-uri 'none'; form-action 'none'",
        )
    )


def _side_by_side(suite: Suite) -> dict[str, dict[str, list[str]]]:
    """Run's number → gate → figure, interval, n and verdict."""
    return {
        str(run.number): {
            _named(gate): [
                _text(gate, gate.value), _span(gate), f"{gate.n:,}" if gate.n is not None else "–", gate.verdict
            ]
            for gate in run.row.gates
        }
        for run in suite.runs
    }  # fmt: skip


def _named(gate: GatePoint) -> str:
    where = f" on {gate.slice}" if gate.slice else ""
    return one_line(f"{gate.id}: {gate.metric}{where}" + (f", {gate.model}" if gate.model else ""), 160)


def suites(folder: Path, known: History) -> list[Suite]:
    """The suites with runs below a folder, by name."""
    by_suite: dict[str, list[tuple[Path, RunRow]]] = {}
    for path, row in known.runs:
        by_suite.setdefault(row.suite, []).append((path, row))
    out = []
    for name, rows in by_suite.items():
        kept = rows[-SHOWN:]
        first = len(rows) - len(kept) + 1
        runs = [
            Run(row, quote((path / "report.html").relative_to(folder).as_posix()), first + place)
            for place, (path, row) in enumerate(kept)
        ]
        out.append(Suite(name, runs[-1].row.title, runs[::-1], len(rows) - len(kept), _trends(runs)))
    return out


def _trends(runs: list[Run]) -> list[PointChart]:
    """One chart per gate of the newest run that two runs or more have judged."""
    charts = []
    for gate in runs[-1].row.gates:
        points = [(run, same) for run in runs if (same := _same(run.row, gate)) is not None and same.value is not None]
        if len(points) >= 2:
            charts.append(_trend(gate, points))
    return charts


def _same(row: RunRow, gate: GatePoint) -> GatePoint | None:
    key = (gate.id, gate.model, gate.slice, gate.metric, gate.scale)
    return next((gate for gate in row.gates if (gate.id, gate.model, gate.slice, gate.metric, gate.scale) == key), None)


def _trend(gate: GatePoint, points: list[tuple[Run, GatePoint]]) -> PointChart:
    fraction = number_format.is_fraction(gate.unit) and gate.scale != "ratio"
    factor = 100.0 if fraction else 1.0
    unit = "ratio" if gate.scale == "ratio" else ("%" if gate.scale == "level" else "points") if fraction else gate.unit
    first, last = points[0][1], points[-1][1]
    bars = "bounds of the gate, each at its own confidence" if gate.joint else "95% intervals of the individual runs"
    shapes = {"pass": "dot", "fail": "diamond", "error": "diamond"}
    return PointChart(
        [
            Point(
                f"run {run.number}",
                float(run.number),
                (point.value or 0.0) * factor,
                y_low=None if point.low is None else point.low * factor,
                y_high=None if point.high is None else point.high * factor,
                shape=shapes.get(point.verdict, "ring"),
                text=f"run {run.number}, {run.row.started[:10]}: "
                f"{_text(point, point.value)} ({_span(point)}), {point.verdict}",
                link=run.link,
            )
            for run, point in points
        ],
        title=_named(gate),
        summary=f"From {_text(first, first.value)} to {_text(last, last.value)} over {len(points)} runs; bars are "
        f"the {bars}.",
        x_label="run",
        y_label=unit,
        header=["run", "started", "figure", "interval", "n", "verdict"],
        rows=[
            [
                str(run.number),
                run.row.started[:16].replace("T", " "),
                _text(point, point.value),
                _span(point),
                f"{point.n:,}" if point.n is not None else "–",
                point.verdict,
            ]
            for run, point in points
        ],
        joined=True,
        labels=False,
        x_labels=[(float(run.number), str(run.number)) for run, _ in _thin(points)],
    )


def _thin(points: list[tuple[Run, GatePoint]]) -> list[tuple[Run, GatePoint]]:
    step = max(1, (len(points) + 9) // 10)
    return points[::step]


def _text(point: GatePoint, value: float | None) -> str:
    if point.scale == "ratio":
        return "×" + number_format.ratio(value)
    if point.scale == "level":
        return number_format.level(value, point.unit)
    return number_format.difference(value, point.unit, point.low, point.high)


def _span(point: GatePoint) -> str:
    if point.low is None or point.high is None:
        return "–"
    if point.scale == "ratio":
        return f"{number_format.ratio(point.low)}…{number_format.ratio(point.high)}"
    return number_format.interval(point.low, point.high, point.unit, sign=point.scale == "difference")
