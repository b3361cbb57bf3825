"""Records taken for a population: samples of their clusters, and what the methods say of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparisons.anytime_bounds import anytime_interval
from harness.comparisons.comparability import refusal
from harness.comparisons.join import Rows, join
from harness.comparisons.slices import slice_rows
from harness.core.interval import Interval
from harness.core.metric import Metric
from harness.core.metric_structure import MetricStructure
from harness.core.records import BoolArray, FloatArray, Records
from harness.statistics.clusters import Groups
from harness.statistics.estimate import estimate
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
    """

    alpha: float
    sides: tuple[str, ...]
    slice: str | None = None
    ratio: bool = False
    anytime: bool = False


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
    """The statistics of one side or of two (the baseline's first) on the same readable items.

    Attributes:
        tables: [n, k] statistics of every side.
        groups: the clusters.
    """

    def __init__(self, metric: Metric, tables: list[FloatArray], clusters: list[str], structure: MetricStructure):
        self.metric, self.tables, self.structure = metric, tables, structure
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
        tables = [table[draw.rows] for table in self.tables]
        if swapped is not None:
            turned = swapped[:, None]
            tables = [np.where(turned, tables[1], tables[0]), np.where(turned, tables[0], tables[1])]
        structure, alphas = self.structure.take(draw.rows), (question.alpha,)
        if len(tables) == 1:
            level = estimate(
                tables[0], kind=self.metric.kind, value=self.metric.value, clusters=draw.clusters, structure=structure,
                alphas=alphas, resamples=resamples,
            )  # fmt: skip
            interval, size, met, n_eff, identical = level.interval, level.clusters, not level.unmet, level.n_eff, False
        else:
            change = difference(
                tables[0], tables[1], kind=self.metric.kind, value=self.metric.value, clusters=draw.clusters,
                structure=structure, alphas=alphas, resamples=resamples,
            )  # fmt: skip
            interval, size, met, n_eff = change.delta, change.clusters, not change.unmet, change.n_eff
            identical = change.identical
            if question.ratio:
                ratio = change.ratio if change.ratio is not None else Interval.undefined(0.95, alphas)
                return SampledFigure(ratio, n_eff, met, identical)
        if question.anytime:
            interval = anytime_interval(self.metric, tables, draw.clusters, interval, size, alphas)
        return SampledFigure(interval, n_eff, met, identical)
