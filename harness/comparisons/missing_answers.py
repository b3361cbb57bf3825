"""What answers that are missing could change at most: bounds without any assumption about them (Manski 1990).

A missing answer has the worst value that its metric can have for the lower bound, and the best one for the upper. The
interval then holds whatever kept the answers away; the complete-case figure holds only where that was chance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from harness.core.interval import Interval
from harness.core.metric import Metric
from harness.core.records import BoolArray, FloatArray, Records
from harness.statistics.clusters import Clusters, Groups, clusters_at
from harness.statistics.estimate import estimate
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference
from harness.statistics.result import IntArray


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Bounds over everything that missing answers could be.

    Attributes:
        interval: None where the metric has no worst value (it is no mean of bounded values).
        missing: items that lack an answer on a side.
    """

    interval: Interval | None
    missing: int


class Answers:
    """The items of one or two sides, those without an answer included.

    Args:
        sides: the records, the baseline's first.
    """

    def __init__(self, sides: Sequence[Records]) -> None:
        self.sides = sides
        self.complete = all(bool(side.ok.all()) for side in sides) and sides[0].item_ids == sides[-1].item_ids

    @cached_property
    def places(self) -> tuple[IntArray, ...]:
        """For each side the place of each of its rows among the items of all sides."""
        place = {item: row for row, item in enumerate(dict.fromkeys(chain(*(side.item_ids for side in self.sides))))}
        return tuple(np.array([place[item] for item in side.item_ids], dtype=np.int64) for side in self.sides)

    @cached_property
    def absent(self) -> BoolArray:
        """bool[sides, items]: who lacks an answer to what."""
        count = max((int(rows.max(initial=-1)) for rows in self.places), default=-1) + 1
        absent = np.ones((len(self.sides), count), dtype=np.bool_)
        for number, (side, rows) in enumerate(zip(self.sides, self.places, strict=True)):
            absent[number, rows] = ~side.ok
        return absent

    @cached_property
    def members(self) -> dict[str, IntArray]:
        """Slice name → its items."""
        members = defaultdict[str, list[IntArray]](list)
        for side, rows in zip(self.sides, self.places, strict=True):
            for name, inside in side.slice_members.items():
                members[name].append(rows[inside])
        return {name: np.unique(np.concatenate(parts)) for name, parts in members.items()}

    def clusters(self, unit: str) -> list[str]:
        """The cluster of every item."""
        names = [""] * self.absent.shape[1]
        for side, rows in zip(self.sides, self.places, strict=True):
            for row, cluster in zip(rows.tolist(), side.clusters(unit), strict=True):
                names[row] = cluster
        return names


class MissingAnswers:
    """What missing answers could change of one metric.

    Args:
        answers: the items of one or two sides.
    """

    def __init__(self, metric: Metric, answers: Answers) -> None:
        self._metric, self._answers = metric, answers
        usable = metric.kind == "mean" and not metric.whole and all(map(math.isfinite, metric.range()))
        if answers.complete or not usable:
            self._usable = False
            return
        structures = [metric.structure(side.readable) for side in answers.sides]
        self._usable = not any(structure.area or structure.spread is not None for structure in structures)

    @cached_property
    def _values(self) -> FloatArray:
        """float[sides, items]: NaN where an answer is missing or the metric does not apply."""
        answers = self._answers
        values = np.full(answers.absent.shape, np.nan)
        if self._usable:
            for number, (side, rows) in enumerate(zip(answers.sides, answers.places, strict=True)):
                values[number, rows[side.ok]] = self._metric.stats(side.readable)[:, 0]
        return values

    @cached_property
    def _clusters(self) -> IntArray | None:
        names = self._answers.clusters(self._metric.cluster_unit)
        return Groups.of(names, len(names)).codes

    def of(self, name: str | None, settings: InferenceSettings) -> WorstCase | None:
        """On all items or on a slice; None where no answer is missing."""
        answers = self._answers
        if answers.complete:
            return None
        everything = np.arange(answers.absent.shape[1])
        rows = everything if name is None else answers.members.get(name, everything[:0])
        absent = answers.absent[:, rows]
        missing = int(np.count_nonzero(absent.any(axis=0)))
        if not missing:
            return None
        if not self._usable:
            return WorstCase(None, missing)
        rows = rows[self._applies[rows]]
        if not len(rows):
            return WorstCase(None, missing)
        clusters = clusters_at(self._clusters, rows)
        ends = [self._bounds(self.filled(lowest)[:, rows], clusters, settings) for lowest in (True, False)]
        bounds = tuple(
            below.model_copy(update={"high": above.high})
            for below, above in zip(ends[0].bounds, ends[1].bounds, strict=True)
        )
        return WorstCase(ends[0].model_copy(update={"high": ends[1].high, "bounds": bounds, "value": None}), missing)

    @cached_property
    def _applies(self) -> BoolArray:
        """bool[items]: where a side that answered has no value, the metric does not apply to the item."""
        return np.asarray(~(np.isnan(self._values) & ~self._answers.absent).any(axis=0))

    def filled(self, lowest: bool) -> FloatArray:
        """The values where what is missing makes the figure (candidate minus baseline) the lowest, or the highest."""
        low, high = self._metric.range()
        fills = [low if lowest else high]
        if len(self._values) == 2:
            fills = [high if lowest else low, *fills]
        return np.where(self._answers.absent, np.array(fills)[:, None], self._values)

    def sides(self, lowest: bool) -> tuple[FloatArray, list[str]] | None:
        """`filled` on the items that the metric applies to, with their clusters; None where no worst value is known."""
        if not self._usable or not self._applies.any():
            return None
        names = self._answers.clusters(self._metric.cluster_unit)
        rows = np.flatnonzero(self._applies)
        return self.filled(lowest)[:, rows], [names[row] for row in rows.tolist()]

    def _bounds(self, values: FloatArray, clusters: Clusters, settings: InferenceSettings) -> Interval:
        sides, value = [row[:, None] for row in values], self._metric.value
        if len(sides) == 1:
            return estimate(sides[0], kind="mean", value=value, clusters=clusters, settings=settings).interval
        return difference(sides[0], sides[1], kind="mean", value=value, clusters=clusters, settings=settings).delta
