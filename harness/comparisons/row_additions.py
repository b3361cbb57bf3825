"""What stands beside a figure: anytime bounds, the worst case of missing answers, the variance of sampled answers.

With x̄_i the mean over r answers to item i and s_i² their variance,

    Var(mean of x̄) = (Var(true means) + mean of s_i²/r)/n.

The second term is known from the answers themselves; what is left of the error over clusters is the items' own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from harness.comparisons.join import Rows
from harness.comparisons.missing_answers import MissingAnswers
from harness.comparisons.slices import rows_at
from harness.core.interval import Interval, finite, number_or_nan
from harness.core.metric import Metric
from harness.core.records import SCATTER, FloatArray, Records
from harness.metrics.metric_shapes import MeanMetric
from harness.schema.results.metrics import ComparisonResult, MetricResult, OverlapResult, SamplingResult
from harness.statistics.anytime import asymptotic, bounded_mean
from harness.statistics.clusters import Groups
from harness.statistics.inference_settings import InferenceSettings

Row = TypeVar("Row", MetricResult, ComparisonResult)


@dataclass(frozen=True, slots=True)
class RowAdditions:
    """Adds to the rows of one metric what stands beside their figures: those of a model, or of two.

    Attributes:
        sides, stats: records and statistics of the same items, the baseline's first.
        clusters: of the items.
    """

    metric: Metric
    sides: Sequence[Records]
    stats: Sequence[FloatArray]
    clusters: Sequence[str]
    missing: MissingAnswers
    settings: InferenceSettings

    def to(self, row: Row, interval: Interval, positions: Rows) -> Row:
        """The row with them, where it has a figure.

        Args:
            interval: of the row's figure.
            positions: the items behind it.
        """
        if row.status != "ok":
            return row
        update: dict[str, object] = {}
        if self.settings.anytime:
            rows = [
                rows_at(self.metric, side, stats, positions) for side, stats in zip(self.sides, self.stats, strict=True)
            ]
            names = [self.clusters[place] for place in positions.tolist()]
            update["anytime"] = anytime_interval(self.metric, rows, names, interval, row.clusters, self.settings.alphas)
        worst = self.missing.of(row.slice, self.settings)
        if worst is not None:
            update |= {"missing": worst.missing, "worst_case": worst.interval}
        sampling = sampling_variance(self.metric, self.sides, positions, interval)
        if sampling is not None:
            update["sampling"] = sampling
        return row.model_copy(update=update) if update else row


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


_YES, _NO = "overlap=yes", "overlap=no"


def without_overlap(whole: ComparisonResult, slices: Sequence[ComparisonResult], is_mean: bool) -> OverlapResult | None:
    """What contaminated items could explain of a difference; None where none overlap, or the rest has no figure.

    Of a mean, with a share s of contaminated items, δ − δ_clean = s·(δ_contaminated − δ_clean); of other figures it is
    the difference of two that depend on each other positively. Either gets the parts' own intervals, joined as squares
    (Zou & Donner 2008), so that few contaminated items explain much and one says nothing.
    """
    by_name = {row.slice: row for row in slices}
    dirty, clean = by_name.get(_YES), by_name.get(_NO)
    if dirty is None or clean is None or clean.delta.value is None or whole.delta.value is None or not dirty.n:
        return None
    explained = whole.delta.value - clean.delta.value
    first, share = (dirty, dirty.n / (dirty.n + clean.n)) if is_mean else (whole, 1.0)
    (below, above), (clean_below, clean_above) = _reach(first), _reach(clean)
    return OverlapResult(
        n=dirty.n,
        without=clean.delta,
        explained=explained,
        low=finite(explained - share * math.hypot(below, clean_above)),
        high=finite(explained + share * math.hypot(above, clean_below)),
    )


def _reach(row: ComparisonResult) -> tuple[float, float]:
    """How far the ends of a row's interval lie below and above it; nothing of sides that are identical."""
    if row.identical and not row.delta.known:
        return 0.0, 0.0
    value = number_or_nan(row.delta.value)
    return value - number_or_nan(row.delta.low), number_or_nan(row.delta.high) - value
