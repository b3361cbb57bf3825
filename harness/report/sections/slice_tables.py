"""Metrics by slice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.report.charts.axis_scale import Scale, scale
from harness.report.view.run_view import FEW, ModelPair, RunView, classify_change, display_interval
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
