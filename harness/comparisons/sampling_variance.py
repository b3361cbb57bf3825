"""Sampled answers: how much of a figure's variance other items bring, and how much other answers to the same items.

With x̄_i the mean over r answers to item i and s_i² their variance,

    Var(mean of x̄) = (Var(true means) + mean of s_i²/r)/n.

The second term is known from the answers themselves; what is left of the error over clusters is the items' own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.comparisons.join import Rows
from harness.core.interval import Interval, number_or_nan
from harness.core.metric import Metric
from harness.core.records import SCATTER, Records
from harness.metrics.metric_shapes import MeanMetric
from harness.schema.results.metrics import SamplingResult


def sampling_variance(
    metric: Metric, sides: Sequence[Records], positions: Rows, interval: Interval
) -> SamplingResult | None:
    """The parts of an interval's variance; None unless all sides are means over several answers.

    The answers of two models are taken to be independent, given the items.

    Args:
        sides: records of the same items in the same rows.
        positions: the rows behind the figure.
        interval: the figure with its error over clusters.
    """
    error = number_or_nan(interval.standard_error)
    if not isinstance(metric, MeanMetric) or not np.isfinite(error):
        return None
    name, variance, samples = SCATTER + metric.column, 0.0, 0
    for side in sides:
        if name not in side.stat_names:
            return None
        known = ~np.isnan(side.stat(metric.column)[positions])
        variance += float(np.nansum(side.stat(name)[positions][known])) / max(1, int(known.sum())) ** 2
        samples = max(samples, int(np.nanmax(side.stat("samples_total")[positions], initial=0.0)))
    sampling = min(variance, error**2)
    return SamplingResult(samples=samples, items=error**2 - sampling, sampling=sampling)
