"""Do the bounds hold on these very records? Worlds drawn from them, in which the truth is known.

The records' clusters are taken for the population: what the metric is on all of them is the truth there. Samples of as
many clusters are drawn with replacement, each gets its bounds by the gate's own method, and those beyond the truth are
counted (the double bootstrap's inner question; Hall 1986, Beran 1987). A population that breaks a method in a way that
the records do not show cannot be found so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparisons.simulation.record_world import BoundQuestion, RecordWorld
from harness.core.interval import number_or_nan
from harness.core.metric import Metric
from harness.core.records import Records
from harness.statistics.proportions import exact_interval

DRAWS = 200
RESAMPLES = 400
CONFIDENCE = 0.99


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
        world = RecordWorld.of(sides, metric, question.slice)
    except (KeyError, ValueError) as error:
        return BoundCoverage(reason=str(error.args[0]))
    if world.groups.count < 2:
        return BoundCoverage(reason="fewer than two clusters.")
    truth = number_or_nan(world.figure(world.whole(), question, RESAMPLES).interval.value)
    if not np.isfinite(truth):
        return BoundCoverage(reason="the metric is undefined on these records.")
    if world.identical:
        return BoundCoverage(reason="the two sides are identical.")
    beyond, undefined = dict.fromkeys(question.sides, 0), 0
    rng = np.random.default_rng([seed, 5])
    for _ in range(samples):
        draw = world.draw(rng, world.groups.count)
        bound = world.figure(draw, question, RESAMPLES).interval.at(question.alpha)
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
