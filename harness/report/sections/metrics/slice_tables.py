"""Metrics by slice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.report.charts.axis_scale import Scale, scale
from harness.report.view.comparison_reading import FEW, classify_change, display_interval
from harness.report.view.run_view import LANGUAGE_MODELLING, ModelPair, RunView
from harness.schema.results.metrics import ComparisonResult

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
    def drawn(self) -> list[DrawnSlices]:
        """Per metric its rows by effect, the worst first; the rows of one unit share one axis.

        Better is to the right; metrics with an ideal value keep their sign. Slices that are too small are off the
        scale and come apart.
        """
        axes: dict[str, Scale] = {}
        for unit in {row.unit for row in self.rows}:
            ends = [end for row in self.rows if row.unit == unit and row.n >= FEW for end in _ends(row)]
            axes[unit] = scale([end for end in ends if end is not None], 2, 98, zero=True)
        out = []
        for metric in self.metrics:
            rows = [row for row in self.rows if row.metric == metric]
            read = sorted((row for row in rows if row.n >= FEW), key=_effect)
            few = [row for row in rows if row.n < FEW]
            if rows:
                axis = axes[rows[0].unit]
                bars: list[_Ends] = []
                for row in read:
                    low, point, high = _ends(row)
                    bars.append((_place(axis, low), _place(axis, point), _place(axis, high)))
                out.append(DrawnSlices(metric, read, bars, few, axis(0.0)))
        return out


@dataclass(frozen=True, slots=True)
class DrawnSlices:
    """The slices of one metric: `bars` are (low, point, high) of `rows` in percent of the width."""

    metric: str
    rows: list[ComparisonResult]
    bars: list[_Ends]
    few: list[ComparisonResult]
    zero: float


def _effect(row: ComparisonResult) -> float:
    point = _ends(row)[1]
    return point if point is not None else float("inf")


_Ends = tuple[float | None, float | None, float | None]


def _place(axis: Scale, value: float | None) -> float | None:
    return None if value is None else axis(value)


def _ends(row: ComparisonResult) -> _Ends:
    low, high = display_interval(row)
    if row.direction == "lower" and row.status == "ok":
        return _negative(high), _negative(row.delta.value), _negative(low)
    return low, row.delta.value, high


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def slice_tables(view: RunView, contest: ModelPair, role: str) -> list[SliceTable]:
    """Slice comparisons of tasks or of probes, largest evaluations cut to `SLICE_ROWS`."""
    tables = []
    for name, evaluation in view.evaluations.items():
        rows = view.comparisons(contest, evaluation=name, slices=True) if evaluation.role == role else []
        if rows and evaluation.kind == LANGUAGE_MODELLING:
            rows = [row for row in rows if row.metric == rows[0].metric]  # the others say the same in other units
        defined = {row.metric for row in rows if row.status == "ok"}
        rows = [row for row in rows if row.metric in defined]  # a correlation with a constant, say, has no value
        if rows:
            metrics = list(dict.fromkeys(row.metric for row in rows))
            sizes = Counter(row.metric for row in rows)
            rows.sort(key=lambda row: (metrics.index(row.metric), row.slice or ""))
            tables.append(SliceTable(name, metrics, rows[:SLICE_ROWS], max(0, len(rows) - SLICE_ROWS), sizes))
    return tables


def clear(row: ComparisonResult) -> bool:
    """Whether a comparison shows a change at all."""
    return classify_change(row) in ("better", "worse", "drifted")


def shown_clear(row: ComparisonResult) -> bool:
    """A clear change on a slice that is large enough to be read."""
    return row.n >= FEW and clear(row)
