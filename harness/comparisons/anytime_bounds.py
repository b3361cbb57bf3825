"""Bounds of rows that hold at every number of items at once, for gates with `sequential: true`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.core.interval import Interval
from harness.core.metric import Metric
from harness.core.records import FloatArray
from harness.statistics.anytime import asymptotic, bounded_mean
from harness.statistics.clusters import Groups


def anytime_interval(
    metric: Metric,
    sides: Sequence[FloatArray],
    clusters: Sequence[str],
    fixed: Interval,
    size: int,
    alphas: Sequence[float],
) -> Interval:
    """The anytime-valid bounds of a level (one side) or of a difference (two).

    A mean of bounded values gets the betting sequence, which holds at any number of items; anything else the asymptotic
    one about the figure's own standard error.

    Args:
        sides: [n, k] statistics of the same items, the baseline's first.
        fixed: the interval for a number of items that was fixed beforehand.
        size: independent clusters behind it.
    """
    levels = tuple(alphas)
    low, high = metric.range()
    bounded = metric.kind == "mean" and math.isfinite(low) and math.isfinite(high)
    if bounded and fixed.value is not None:
        known = ~np.logical_or.reduce([np.isnan(side).any(axis=1) for side in sides])
        values = [side[known, 0] for side in sides]
        # An area under a curve is a mean of figures that depend on each other, and may leave its range.
        if all(bool(((side >= low) & (side <= high)).all()) for side in values) and len(values[0]):
            groups = Groups.of(
                [cluster for cluster, kept in zip(clusters, known.tolist(), strict=True) if kept], int(known.sum())
            )
            limits = (low, high) if len(values) == 1 else (low - high, high - low)
            change = values[0] if len(values) == 1 else values[1] - values[0]
            return bounded_mean(change, groups, limits, fixed.confidence, levels, fixed.value)
    return asymptotic(fixed, size, levels)
