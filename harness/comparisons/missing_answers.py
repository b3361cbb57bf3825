"""What answers that are missing could change at most: bounds without any assumption about them (Manski 1990).

A missing answer has the worst value that its metric can have for the lower bound, and the best one for the upper. The
interval then holds whatever kept the answers away; the complete-case figure holds only where that was chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.interval import Interval
from harness.core.metric import Metric
from harness.core.metric_structure import MetricStructure
from harness.core.records import BoolArray, FloatArray, Records
from harness.statistics.estimate import estimate
from harness.statistics.paired_difference import difference


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Bounds over everything that missing answers could be.

    Attributes:
        interval: None where the metric has no worst value (it is no mean of bounded values).
        missing: items that lack an answer on a side.
    """

    interval: Interval | None
    missing: int


class MissingAnswers:
    """The items of one or two sides, those without an answer included.

    Args:
        sides: the records, the baseline's first.
    """

    def __init__(self, metric: Metric, sides: Sequence[Records]) -> None:
        self._metric = metric
        names = list(dict.fromkeys(item for side in sides for item in side.item_ids))
        place = {item: row for row, item in enumerate(names)}
        self._values = np.full((len(sides), len(names)), np.nan)
        self._absent: BoolArray = np.ones((len(sides), len(names)), dtype=np.bool_)
        self._clusters, self._members = [""] * len(names), dict[str, list[int]]()
        usable = metric.kind == "mean" and not metric.whole and all(map(math.isfinite, metric.range()))
        structure = MetricStructure()
        for number, side in enumerate(sides):
            rows = np.array([place[item] for item in side.item_ids], dtype=np.int64)
            self._absent[number, rows] = ~side.ok
            for row, cluster in zip(rows.tolist(), side.clusters(metric.cluster_unit), strict=True):
                self._clusters[row] = cluster
            for name, members in side.slice_members.items():
                self._members.setdefault(name, []).extend(rows[members].tolist())
            if usable:
                structure = metric.structure(side.readable)
                usable = not structure.area and structure.spread is None
        if usable and self._absent.any():
            for number, side in enumerate(sides):
                stats = metric.stats(side.readable)
                rows = np.array([place[item] for item in side.readable.item_ids], dtype=np.int64)
                self._values[number, rows] = stats[:, 0]
        self._usable = usable

    def of(self, name: str | None, confidence: float, alphas: Sequence[float]) -> WorstCase | None:
        """On all items or on a slice; None where no answer is missing."""
        rows = np.arange(self._values.shape[1]) if name is None else np.unique(self._members.get(name, []))
        if not len(rows):
            return None
        absent, values = self._absent[:, rows], self._values[:, rows]
        # Where a side that answered has no value, the metric does not apply to the item.
        applies = ~(np.isnan(values) & ~absent).any(axis=0)
        missing = int(np.count_nonzero(absent.any(axis=0)))
        if not missing:
            return None
        if not self._usable or not applies.any():
            return WorstCase(None, missing)
        values, absent = values[:, applies], absent[:, applies]
        clusters = [self._clusters[row] for row in rows[applies].tolist()]
        ends = [
            self._bounds(self._filled(values, absent, lowest), clusters, confidence, alphas) for lowest in (True, False)
        ]
        bounds = tuple(
            below.model_copy(update={"high": above.high})
            for below, above in zip(ends[0].bounds, ends[1].bounds, strict=True)
        )
        return WorstCase(ends[0].model_copy(update={"high": ends[1].high, "bounds": bounds, "value": None}), missing)

    def _filled(self, values: FloatArray, absent: BoolArray, lowest: bool) -> FloatArray:
        """The values where what is missing makes the figure (candidate minus baseline) the lowest, or the highest."""
        low, high = self._metric.range()
        fills = [low if lowest else high]
        if len(values) == 2:
            fills = [high if lowest else low, *fills]
        return np.where(absent, np.array(fills)[:, None], values)

    def _bounds(self, values: FloatArray, clusters: list[str], confidence: float, alphas: Sequence[float]) -> Interval:
        sides = [row[:, None] for row in values]
        if len(sides) == 1:
            made = estimate(
                sides[0], kind="mean", value=self._metric.value, clusters=clusters, confidence=confidence, alphas=alphas
            )
            return made.interval
        compared = difference(
            sides[0], sides[1], kind="mean", value=self._metric.value, clusters=clusters, confidence=confidence,
            alphas=alphas,
        )  # fmt: skip
        return compared.delta
