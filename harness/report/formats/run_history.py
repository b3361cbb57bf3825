"""What the index says of one run: verdict and the figure of every gate, small enough to be kept in a cache file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.core.errors import DataError
from harness.core.interval import Interval
from harness.report.sections.summary.gate_table import gate_unit, is_on
from harness.report.view.run_view import RunView
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import earlier_mark
from harness.storage import plain_files
from harness.storage.run_dir import RunDir

CACHE = ".index.json"
_FORMAT = 3
_LEVELS = frozenset({"absolute", "target"})


class GatePoint(BaseModel):
    """A gate in one run: the figure that it judged, with the two-sided interval where the results hold one.

    Attributes:
        scale: `level`, `difference` or `ratio`.
        joint: several figures together, of which no result holds an interval: `low` and `high` are the gate's bounds.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    model: str | None
    slice: str | None
    metric: str
    verdict: str
    blocking: bool
    unit: str
    scale: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    joint: bool = False


class RunRow(BaseModel):
    """A run in the index.

    Attributes:
        mark: the earlier version that made it, unsealed; None for runs of this version.
    """

    model_config = ConfigDict(extra="forbid")

    suite: str
    title: str
    run_id: str
    started: str
    state: str
    verdict: str
    sentence: str
    seed: int
    limit: int | None
    suite_digest: str
    release: list[str]
    gates: list[GatePoint]
    mark: str | None = None


@dataclass(frozen=True)
class History:
    """The runs of a folder.

    Attributes:
        runs: those that can be believed, by suite and start.
        refused: path below the folder → why a run is not among them.
    """

    runs: list[tuple[Path, RunRow]]
    refused: dict[str, str]


def history(folder: Path) -> History:
    """The finished runs below `<folder>/<suite>/<run id>`; what was changed or cannot be read is refused, and said.

    What was read is kept in `.index.json`, by the sizes and times of the files that a seal covers.
    """
    known = _cache(folder / CACHE)
    fresh: dict[str, Any] = {}
    runs: list[tuple[Path, RunRow]] = []
    refused: dict[str, str] = {}
    for path in sorted(folder.glob("*/*/results.json")):
        name = path.parent.relative_to(folder).as_posix()
        run = RunDir(path.parent)
        stamp = run.stamp()
        row = _stored(known.get(name), stamp)
        if row is None:
            try:
                row = _row(RunView.open(run))
            except DataError as error:
                refused[name] = " ".join([error.message, *error.notes])
                continue
        fresh[name] = {"stamp": stamp, "row": row.model_dump(mode="json")}
        runs.append((path.parent, row))
    if fresh != known and runs:
        _keep(folder / CACHE, fresh)
    return History(sorted(runs, key=lambda pair: (pair[1].suite, pair[1].started, pair[1].run_id)), refused)


def _cache(path: Path) -> dict[str, Any]:
    try:
        value = plain_files.read_json(path)
    except (OSError, ValueError):
        return {}
    runs = value.get("runs") if isinstance(value, dict) and value.get("format") == _FORMAT else None
    return runs if isinstance(runs, dict) else {}


def _keep(path: Path, runs: dict[str, Any]) -> None:
    from harness.storage import atomic

    atomic.write_text(path, json.dumps({"format": _FORMAT, "runs": runs}, sort_keys=True) + "\n")


def _stored(entry: Any, stamp: str) -> RunRow | None:
    if not isinstance(entry, dict) or entry.get("stamp") != stamp:
        return None
    try:
        return RunRow.model_validate(entry.get("row"))
    except ValidationError:
        return None


def _row(view: RunView) -> RunRow:
    results, info = view.results, view.info
    return RunRow(
        suite=results.suite,
        title=results.title,
        run_id=info.run_id if info else "",
        started=info.started if info else "",
        state=info.state if info else "",
        verdict=results.verdict.overall,
        sentence=results.verdict.sentence,
        seed=results.seed,
        limit=results.limit,
        suite_digest=results.suite_digest,
        release=results.release,
        gates=[_point(view, gate, results) for gate in results.gates],
        mark=earlier_mark(info) if info else None,
    )


def _point(view: RunView, gate: GateResult, results: Results) -> GatePoint:
    source = _source(gate, results)
    low, high, scale = None, None, "level" if gate.kind in _LEVELS else "difference"
    if isinstance(source, ComparisonResult):
        if gate.margin is not None and "ratio" in gate.margin:
            ratio, scale = source.ratio or Interval(), "ratio"
            low, high = ratio.low, ratio.high
        else:
            low, high = source.delta.low, source.delta.high
            if (
                source.direction == "lower"
                and gate.kind in ("superiority", "non_inferiority")
                and _turned(gate, source)
            ):
                low, high = (None if end is None else -end for end in (high, low))
    elif source is not None:
        low, high = source.interval.low, source.interval.high
    joint = source is None and len(gate.metrics) > 1
    if joint:
        low, high = gate.low, gate.high
    return GatePoint(
        id=gate.id, model=gate.model, slice=gate.slice, metric=gate.metric, verdict=gate.verdict,
        blocking=gate.blocking, unit=gate_unit(view, gate), scale=scale, value=gate.observed, low=low, high=high,
        n=gate.n, joint=joint,
    )  # fmt: skip


def _turned(gate: GateResult, row: ComparisonResult) -> bool:
    """Whether the gate's figure is the improvement, which has the other sign than the difference."""
    return gate.observed is not None and row.delta.value is not None and gate.observed * row.delta.value < 0


def _source(gate: GateResult, results: Results) -> MetricResult | ComparisonResult | None:
    if gate.kind in _LEVELS:
        levels = (row for row in results.metrics if is_on(gate, row.id) and row.model == gate.model)
        return next((row for row in levels if row.slice == gate.slice), None)
    rows = (row for row in results.comparisons if is_on(gate, row.id) and row.candidate == gate.model)
    return next((row for row in rows if row.slice == gate.slice and row.baseline == gate.baseline), None)
