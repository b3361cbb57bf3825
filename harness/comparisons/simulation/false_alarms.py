"""Does the testing itself hold on these very records? Sides swapped by coin, alarms counted.

Under a swap of whole clusters by fair coins nothing differs between the two sides, so a test at
level alpha may claim a difference in a share alpha of the swaps, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.comparisons.comparability import refusal
from harness.comparisons.join import join
from harness.core.metric import Metric
from harness.core.records import FloatArray, Records
from harness.statistics.clusters import Groups
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference
from harness.statistics.proportions import exact_interval

SWAPS = 1_000
RESAMPLES = 999
# Of the Monte Carlo interval: with twenty metrics on a page a 95% one would cry wolf.
CONFIDENCE = 0.99


@dataclass(frozen=True, slots=True)
class SwapTrial:
    """How alarms are counted.

    Attributes:
        swaps: how many times the sides are swapped.
        alpha: the level at which a difference is claimed.
        resamples: of each randomization test; (resamples + 1)·alpha whole makes it exact.
        seed: of the coins.
    """

    swaps: int = SWAPS
    alpha: float = 0.05
    resamples: int = RESAMPLES
    seed: int = 0


DEFAULT_TRIAL = SwapTrial()


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How often a two-sided test claims a difference where there is none.

    Attributes:
        test: what was tested with; None when nothing could be.
        swaps: random swaps of the sides; `alarms` of them gave p ≤ alpha.
        undefined: swaps without a p-value; they count as no alarm.
        rate, low, high: alarms / swaps with its exact (Clopper–Pearson) 99% interval.
        n, clusters: items and clusters; `differing` of the clusters differ between the sides.
        reason: why there is nothing to count, or None.
    """

    metric: str
    test: str | None
    alpha: float
    swaps: int = 0
    alarms: int = 0
    undefined: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    clusters: int = 0
    differing: int = 0
    reason: str | None = None

    @property
    def nominal(self) -> bool | None:
        """Whether the rate is compatible with alpha or below it; None when nothing was counted.

        A rate far below alpha is no fault: exact tests of few differing items are conservative.
        """
        return None if self.low is None else self.low <= self.alpha


@dataclass(frozen=True, slots=True)
class Noise:
    """What differs between two records of one model that was asked twice.

    Attributes:
        identical: every statistic is equal to the last bit.
        largest: the largest change of any statistic of the metric on any item.
        changed: items with a changed statistic; `answers` of them with another prediction.
        delta: change of the metric itself.
    """

    metric: str
    n: int
    identical: bool
    largest: float
    changed: int
    answers: int
    delta: float | None
    reason: str | None = None


def false_alarms(
    base: Records,
    candidate: Records,
    metric: Metric,
    trial: SwapTrial = DEFAULT_TRIAL,
    *,
    level: str | None = None,
) -> FalseAlarms:
    """Swaps the two sides of whole clusters at random and counts how often p ≤ alpha.

    Args:
        base, candidate: records of two models on one evaluation, joined by item id.
        level: whose clusters are swapped whole; the metric's own when left out. Another one shows
            what it costs to test as if its clusters were not there.
    """
    level = metric.cluster_unit if level is None else level
    joined = join(base, candidate, level)
    reason = joined.fault or refusal(base.head, candidate.head, metric)
    if reason is None and metric.kind == "recompute":
        reason = "recomputed metrics are too slow for a thousand tests."
    if reason is not None:
        return FalseAlarms(metric.id, None, trial.alpha, reason=reason)
    ours, theirs = base.take(joined.base_rows), candidate.take(joined.candidate_rows)
    names, swapped = (ours.clusters(unit) for unit in (metric.cluster_unit, level))
    try:
        sides = (metric.stats(ours), metric.stats(theirs))
    except KeyError as error:
        return FalseAlarms(metric.id, None, trial.alpha, reason=str(error.args[0]) if error.args else "missing")
    return _counted(metric, sides, names, Groups.of(swapped, len(ours)), trial)


def _counted(
    metric: Metric,
    sides: tuple[FloatArray, FloatArray],
    names: list[str],
    groups: Groups,
    trial: SwapTrial,
) -> FalseAlarms:
    swaps, alpha = trial.swaps, trial.alpha
    n = len(sides[0])
    codes = np.arange(n) if groups.codes is None else groups.codes
    differs = np.any((sides[0] != sides[1]) & ~(np.isnan(sides[0]) & np.isnan(sides[1])), axis=1)
    differing = len(np.unique(codes[differs]))
    if not differing:
        return FalseAlarms(
            metric.id, None, alpha, n=n, clusters=groups.count, reason="the two sides are identical: nothing to swap."
        )
    rng = np.random.default_rng([trial.seed, 2])
    tested = InferenceSettings(alphas=(), resamples=trial.resamples, only_test=True)
    alarms = undefined = 0
    test: str | None = None
    for draw in range(swaps):
        coins = rng.random(groups.count) < 0.5
        swapped = coins[codes][:, None]
        compared = difference(
            np.where(swapped, sides[1], sides[0]),
            np.where(swapped, sides[0], sides[1]),
            kind=metric.kind,
            value=metric.value,
            clusters=names,
            settings=replace(tested, seed=draw),
        )
        test = compared.test if test is None else test
        undefined += bool(np.isnan(compared.p))
        alarms += bool(compared.p <= alpha)
    if undefined == swaps:
        return FalseAlarms(
            metric.id, None, alpha, swaps, n=n, clusters=groups.count, differing=differing, reason="no p-value at all."
        )
    low, high = exact_interval(alarms, swaps, CONFIDENCE)
    rate = alarms / swaps
    return FalseAlarms(metric.id, test, alpha, swaps, alarms, undefined, rate, low, high, n, groups.count, differing)


def noise(first: Records, second: Records, metrics: Sequence[Metric]) -> list[Noise]:
    """What changes when one model is asked the same twice (another batch size, another order).

    Identical work must give zero; where it does not, the figures are the noise floor below which
    no difference between two models means anything.
    """
    joined = join(first, second)
    if joined.fault is not None:
        return [Noise(metric.id, 0, False, float("nan"), 0, 0, None, joined.fault) for metric in metrics]
    ours, theirs = first.take(joined.base_rows), second.take(joined.candidate_rows)
    other = np.array([x != y for x, y in zip(ours.texts("prediction"), theirs.texts("prediction"), strict=True)], bool)
    rows = []
    for metric in metrics:
        try:
            before, after = metric.stats(ours), metric.stats(theirs)
        except (KeyError, NotImplementedError) as error:
            rows.append(Noise(metric.id, len(ours), False, float("nan"), 0, 0, None, str(error)))
            continue
        same = (before == after) | (np.isnan(before) & np.isnan(after))
        moved = ~same.all(axis=1)
        change = np.abs(after - before)[moved]
        known = ~(np.isnan(before) | np.isnan(after)).any(axis=1)
        levels = [metric.value(side[known].sum(axis=0), float(known.sum())) for side in (before, after)]
        delta = float(levels[1] - levels[0]) if known.any() else float("nan")
        rows.append(
            Noise(
                metric.id,
                len(ours),
                bool(same.all()),
                float(np.nanmax(change)) if change.size and not np.isnan(change).all() else 0.0,
                int(moved.sum()),
                int(np.count_nonzero(moved & other)),
                delta if np.isfinite(delta) else None,
            )
        )
    return rows
