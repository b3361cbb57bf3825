"""Records taken for a population: samples of their clusters, and what the methods say of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.comparisons.comparability import refusal
from harness.comparisons.join import Rows, join
from harness.comparisons.row_additions import anytime_interval
from harness.comparisons.slices import slice_rows
from harness.core.interval import Interval
from harness.core.metric import Metric
from harness.core.metric_structure import MetricStructure
from harness.core.records import BoolArray, FloatArray, Records
from harness.statistics.clusters import Groups
from harness.statistics.estimate import estimate
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference


@dataclass(frozen=True, slots=True)
class BoundQuestion:
    """Which bound is asked about.

    Attributes:
        alpha: its level.
        sides: the ends that can pass a gate: `low`, `high`, or both.
        slice: None for all items.
        ratio: the bound of candidate / baseline, not of the difference.
        anytime: the bound that holds at every number of items.
        worst_case: the bound over everything that missing answers could be.
    """

    alpha: float
    sides: tuple[str, ...]
    slice: str | None = None
    ratio: bool = False
    anytime: bool = False
    worst_case: bool = False


@dataclass(frozen=True, slots=True)
class SampledFigure:
    """What a method says of one sample.

    Attributes:
        interval: of the figure that is asked about; a ratio's is undefined where there is none.
        n_eff: independent items behind it.
        met: whether the method's preconditions are.
        identical: the sides are equal on every item.
    """

    interval: Interval
    n_eff: float
    met: bool
    identical: bool = False


@dataclass(frozen=True, slots=True)
class Draw:
    """Rows of a sample.

    Attributes:
        codes: int[rows], which of the drawn clusters each of them belongs to.
        clusters: the same as names.
    """

    rows: Rows
    codes: Rows
    clusters: list[str]


class RecordWorld:
    """The statistics of one side or of two (the baseline's first) on the same items.

    Attributes:
        tables: [n, k] statistics of every side; NaN where an answer is missing.
        absent: bool[n] of every side, where answers are missing; none without them.
        groups: the clusters.
    """

    def __init__(
        self,
        metric: Metric,
        tables: list[FloatArray],
        clusters: list[str],
        structure: MetricStructure,
        absent: Sequence[BoolArray] = (),
    ):
        self.metric, self.tables, self.structure, self.absent = metric, tables, structure, list(absent)
        self.groups = Groups.of(clusters, len(clusters))
        codes = np.arange(self.groups.n) if self.groups.codes is None else self.groups.codes
        order = np.argsort(codes, kind="stable")
        self._sizes = np.bincount(codes, minlength=self.groups.count)
        self._members = np.split(order, np.cumsum(self._sizes)[:-1])
        self._whole = Draw(np.arange(self.groups.n), codes, clusters)

    @classmethod
    def of(cls, sides: Sequence[Records], metric: Metric, name: str | None) -> RecordWorld:
        """The items of a slice, or all of them.

        Raises:
            ValueError: when the sides cannot be compared, or the slice has no item.
            KeyError: when a statistic is missing.
        """
        if len(sides) == 2:
            joined = join(sides[0], sides[1], metric.cluster_unit)
            reason = joined.fault or refusal(sides[0].head, sides[1].head, metric)
            if reason is not None:
                raise ValueError(reason)
            chosen = [joined.base_rows, joined.candidate_rows]
        else:
            chosen = [np.flatnonzero(sides[0].ok)]
        if name is not None:
            places = slice_rows(sides[0], chosen[0]).get(name)
            if places is None:
                raise ValueError(f"no item of {name} has an answer.")
            chosen = [rows[places] for rows in chosen]
        taken = [side.take(rows) for side, rows in zip(sides, chosen, strict=True)]
        return cls(
            metric,
            [metric.stats(side) for side in taken],
            taken[0].clusters(metric.cluster_unit),
            metric.structure(taken[0]),
        )

    @classmethod
    def with_missing(cls, sides: Sequence[Records], metric: Metric, name: str | None) -> RecordWorld:
        """All items or those of a slice, with the answers that are missing; only means of bounded values have a worst.

        Raises:
            ValueError, KeyError: as `of`, and where the worst that answers could be is not known.
        """
        complete = cls.of(sides, metric, name)
        usable = metric.kind == "mean" and all(map(math.isfinite, metric.range()))
        if not usable or complete.structure.area or complete.structure.spread is not None:
            raise ValueError("answers are missing, and the worst that they could be is not known for this figure")
        shared = sorted(set[str].intersection(*({*side.item_ids} for side in sides)))
        places = [{item: row for row, item in enumerate(side.item_ids)} for side in sides]
        taken = [side.take([place[item] for item in shared]) for side, place in zip(sides, places, strict=True)]
        if name is not None:
            inside = taken[0].in_slice(name)
            taken = [side.take(inside) for side in taken]
        absent, tables = [~side.ok for side in taken], []
        for side, gone in zip(taken, absent, strict=True):
            table = np.full((len(side), 1), np.nan)
            table[~gone] = metric.stats(side.readable)
            tables.append(table)
        # Where a side that answered has no value, the metric does not apply to the item.
        applies = ~np.logical_or.reduce(
            [np.isnan(table[:, 0]) & ~gone for table, gone in zip(tables, absent, strict=True)]
        )
        clusters = taken[0].clusters(metric.cluster_unit)
        return cls(
            metric,
            [table[applies] for table in tables],
            [cluster for cluster, kept in zip(clusters, applies.tolist(), strict=True) if kept],
            MetricStructure(),
            [gone[applies] for gone in absent],
        )

    def truth(self, end: str, exchangeable: bool) -> float:
        """The mean that a bound over all that missing answers could be aims at, with its lower or its upper end.

        Args:
            exchangeable: either side is as likely to be the baseline's.
        """
        turns = (False, True) if exchangeable else (False,)
        worst = [self._filled(*self._turned(np.full(self.groups.n, turn), None), end == "low") for turn in turns]
        means = [[float(self.metric.value(side.sum(axis=0), self.groups.n)) for side in sides] for sides in worst]
        return float(np.mean([values[-1] - (values[0] if len(values) == 2 else 0.0) for values in means]))

    def _turned(self, swapped: BoolArray | None, rows: Rows | None) -> tuple[list[FloatArray], list[BoolArray]]:
        """The sides, or a sample of their rows, changed over where they are swapped."""
        tables = self.tables if rows is None else [table[rows] for table in self.tables]
        absent = self.absent if rows is None else [gone[rows] for gone in self.absent]
        if swapped is None or len(tables) < 2:
            return tables, absent
        turned = swapped[:, None]
        tables = [np.where(turned, tables[1], tables[0]), np.where(turned, tables[0], tables[1])]
        if absent:
            absent = [np.where(swapped, absent[1], absent[0]), np.where(swapped, absent[0], absent[1])]
        return tables, absent

    def _filled(self, tables: Sequence[FloatArray], absent: Sequence[BoolArray], lowest: bool) -> list[FloatArray]:
        """The tables where what is missing makes the figure the lowest, or the highest."""
        low, high = self.metric.range()
        fills = [low if lowest else high]
        if len(tables) == 2:
            fills = [high if lowest else low, *fills]
        return [np.where(gone[:, None], fill, table) for table, gone, fill in zip(tables, absent, fills, strict=True)]

    @property
    def identical(self) -> bool:
        return len(self.tables) == 2 and np.array_equal(self.tables[0], self.tables[1], equal_nan=True)

    def whole(self) -> Draw:
        """All items as they are."""
        return self._whole

    def draw(self, rng: np.random.Generator, count: int) -> Draw:
        """So many clusters, drawn with replacement."""
        picks, names = rng.integers(0, self.groups.count, count), [str(place) for place in range(count)]
        if not self.groups.clustered:
            return Draw(picks, np.arange(count), names)
        codes = np.repeat(np.arange(count), self._sizes[picks])
        rows = np.concatenate([self._members[pick] for pick in picks.tolist()])
        return Draw(rows, codes, [names[code] for code in codes.tolist()])

    def figure(
        self, draw: Draw, question: BoundQuestion, resamples: int, swapped: BoolArray | None = None
    ) -> SampledFigure:
        """The gate's own method on a sample.

        Args:
            swapped: for every row, whether the two sides change places, which makes them exchangeable.
        """
        tables, absent = self._turned(swapped, draw.rows)
        made = self._judged(tables, draw, question, resamples)
        if not question.worst_case or not any(gone.any() for gone in absent):
            return made
        ends = {
            end: self._judged(self._filled(tables, absent, end == "low"), draw, question, resamples).interval
            for end in question.sides
        }
        bounds = {end: getattr(interval.at(question.alpha), end) for end, interval in ends.items()}
        bound = made.interval.at(question.alpha).model_copy(update=bounds)
        return replace(made, interval=made.interval.model_copy(update={"bounds": (bound,)}))

    def _judged(
        self, tables: Sequence[FloatArray], draw: Draw, question: BoundQuestion, resamples: int
    ) -> SampledFigure:
        structure = self.structure.take(draw.rows)
        settings = InferenceSettings(alphas=(question.alpha,), resamples=resamples)
        if len(tables) == 1:
            level = estimate(
                tables[0], kind=self.metric.kind, value=self.metric.value, clusters=draw.clusters, structure=structure,
                settings=settings,
            )  # fmt: skip
            interval, size, met, n_eff, identical = level.interval, level.clusters, not level.unmet, level.n_eff, False
        else:
            change = difference(
                tables[0], tables[1], kind=self.metric.kind, value=self.metric.value, clusters=draw.clusters,
                structure=structure, settings=settings,
            )  # fmt: skip
            interval, size, met, n_eff = change.delta, change.clusters, not change.unmet, change.n_eff
            identical = change.identical
            if question.ratio:
                ratio = change.ratio if change.ratio is not None else settings.undefined()
                return SampledFigure(ratio, n_eff, met, identical)
        if question.anytime:
            interval = anytime_interval(self.metric, tables, draw.clusters, interval, size, settings.alphas)
        return SampledFigure(interval, n_eff, met, identical)
