"""Do the bounds hold on these very records? Worlds drawn from them, in which the truth is known.

The records' clusters are taken for the population: what the metric is on all of them is the truth there. Samples of as
many clusters are drawn with replacement, each gets its bounds by the gate's own method, and those beyond the truth are
counted (the double bootstrap's inner question; Hall 1986, Beran 1987). A population that breaks a method in a way that
the records do not show cannot be found so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparisons.anytime_bounds import anytime_interval
from harness.comparisons.comparability import refusal
from harness.comparisons.join import Rows, join
from harness.comparisons.slices import slice_rows
from harness.core.interval import Interval, number_or_nan
from harness.core.metric import Metric
from harness.core.metric_structure import MetricStructure
from harness.core.records import FloatArray, Records
from harness.statistics.clusters import Groups
from harness.statistics.estimate import estimate
from harness.statistics.paired_difference import difference
from harness.statistics.proportions import exact_interval

DRAWS = 200
RESAMPLES = 400
CONFIDENCE = 0.99


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
class BoundCoverage:
    """How often a bound lies beyond the truth.

    Attributes:
        draws: samples with a bound; `missed` of them on the side that is missed most.
        undefined: samples without a bound; a gate stays open on them.
        rate, low, high: missed / draws with its exact 99% interval.
        reason: why nothing was counted, or None.
    """

    draws: int = 0
    missed: int = 0
    undefined: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def bound_coverage(
    sides: Sequence[Records], metric: Metric, question: BoundQuestion, *, samples: int = DRAWS, seed: int = 0
) -> BoundCoverage:
    """Counts misses of a bound of a level (one side) or of a difference (two, the baseline's first)."""
    if metric.kind == "recompute":
        return BoundCoverage(reason="recomputed metrics are too slow for so many samples.")
    try:
        tables, clusters, structure = _statistics(sides, metric, question.slice)
    except (KeyError, ValueError) as error:
        return BoundCoverage(reason=str(error.args[0]))
    groups = Groups.of(clusters, len(clusters))
    if groups.count < 2:
        return BoundCoverage(reason="fewer than two clusters.")
    world = _World(metric, question, tables, structure)
    whole = world.interval(np.arange(len(clusters)), clusters)
    truth = number_or_nan(whole.value)
    if not np.isfinite(truth):
        return BoundCoverage(reason="the metric is undefined on these records.")
    if len(tables) == 2 and np.array_equal(tables[0], tables[1], equal_nan=True):
        return BoundCoverage(reason="the two sides are identical.")
    beyond, undefined = dict.fromkeys(question.sides, 0), 0
    for rows, names in _samples(groups, samples, seed):
        bound = world.interval(rows, names).at(question.alpha)
        if bound.low is None or bound.high is None:
            undefined += 1
            continue
        slack = 1e-9 * max(1.0, abs(truth))
        for side in question.sides:
            beyond[side] += bound.low > truth + slack if side == "low" else bound.high < truth - slack
    counted, missed = samples - undefined, max(beyond.values())
    if not counted:
        return BoundCoverage(undefined=undefined, reason="no sample has a bound.")
    low, high = exact_interval(missed, counted, CONFIDENCE)
    return BoundCoverage(counted, missed, undefined, missed / counted, low, high)


def _samples(groups: Groups, samples: int, seed: int) -> Iterator[tuple[Rows, list[str]]]:
    """Rows of as many clusters as there are, drawn with replacement, and the draw that each row belongs to."""
    codes = np.arange(groups.n) if groups.codes is None else groups.codes
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(codes, minlength=groups.count))[:-1])
    rng = np.random.default_rng([seed, 5])
    for _ in range(samples):
        picks = rng.integers(0, groups.count, groups.count).tolist()
        names = [str(draw) for draw, pick in enumerate(picks) for _ in range(len(members[pick]))]
        yield np.concatenate([members[pick] for pick in picks]), names


class _World:
    """The gate's own method on samples of the records."""

    def __init__(
        self, metric: Metric, question: BoundQuestion, tables: Sequence[FloatArray], structure: MetricStructure
    ) -> None:
        self._metric, self._question, self._tables, self._structure = metric, question, tables, structure

    def interval(self, rows: Rows, clusters: Sequence[str]) -> Interval:
        tables, question = [table[rows] for table in self._tables], self._question
        structure, alphas = self._structure.take(rows), (question.alpha,)
        if len(tables) == 1:
            level = estimate(
                tables[0], kind=self._metric.kind, value=self._metric.value, clusters=clusters, structure=structure,
                alphas=alphas, resamples=RESAMPLES,
            )  # fmt: skip
            interval, size = level.interval, level.clusters
        else:
            change = difference(
                tables[0], tables[1], kind=self._metric.kind, value=self._metric.value, clusters=clusters,
                structure=structure, alphas=alphas, resamples=RESAMPLES,
            )  # fmt: skip
            interval, size = change.delta, change.clusters
            if question.ratio:
                return change.ratio if change.ratio is not None else Interval.undefined(0.95, alphas)
        return (
            anytime_interval(self._metric, tables, clusters, interval, size, alphas) if question.anytime else interval
        )


def _statistics(
    sides: Sequence[Records], metric: Metric, name: str | None
) -> tuple[list[FloatArray], list[str], MetricStructure]:
    """Statistics of the same readable items of all sides, their clusters, and what the figure is made of.

    Raises:
        ValueError: when they cannot be compared, or the slice has no item.
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
    return [metric.stats(side) for side in taken], taken[0].clusters(metric.cluster_unit), metric.structure(taken[0])
