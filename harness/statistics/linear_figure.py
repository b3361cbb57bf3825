"""The interval of a linear figure (a mean, a ratio of sums), with what it takes for granted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.core.interval import Interval
from harness.statistics import caveats
from harness.statistics.bootstrap import Bootstrap, evaluate, leave_one_out
from harness.statistics.clusters import Groups
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.result import FloatArray, IntArray, Value
from harness.statistics.t_intervals import NOISE, ClusterError, cluster_error, t_interval

SETTLED = "counted"
"""The method of a figure that is known exactly; see `MetricStructure.settled`."""


@dataclass(frozen=True, slots=True)
class LinearFigure:
    """A t interval, its error, and what to say about them."""

    interval: Interval
    error: ClusterError
    warnings: tuple[str | None, ...]
    unmet: tuple[str | None, ...]


def linear_figure(
    center: float,
    influence: FloatArray,
    groups: Groups,
    scale: float,
    settings: InferenceSettings,
    weights: FloatArray | None = None,
    df: float | None = None,
) -> LinearFigure:
    """center ± t·SE over clusters; the interval is undefined without spread.

    Args:
        influence, groups, scale, weights, df: as in `cluster_error`.
    """
    made = error_figure(center, cluster_error(influence, groups, scale, weights, df), groups, settings)
    if not made.error.standard_error > 0:
        return made
    # Resampled intervals know of skew; Student's does not.
    return replace(made, warnings=(*made.warnings, caveats.skewed(made.error.skew, groups.clustered)))


def error_figure(center: float, error: ClusterError, groups: Groups, settings: InferenceSettings) -> LinearFigure:
    """center ± t·SE from an error that is known; `jackknife_error` gives that of any figure of sums."""
    interval = t_interval(center, error.standard_error, error.df, settings.confidence, settings.alphas)
    return LinearFigure(interval, error, error_notes(error, groups), (_carried_by_few(error, groups),))


def jackknife_error(
    rows: FloatArray,
    value: Value,
    groups: Groups,
    scale: float,
    weights: FloatArray | None = None,
    drawn: Bootstrap | None = None,
) -> ClusterError:
    """The error of any figure of sums by the jackknife over clusters (Efron & Stein 1981).

    Its degrees of freedom and its evidence are those of the items' own influences.

    Args:
        drawn: a bootstrap of the same, which left every cluster out already.
    """
    if drawn is not None and drawn.left_out.size and weights is None and not groups.clustered:
        of_cells = _of_cells(drawn.left_out, drawn.counts, scale)
        if of_cells is not None:
            return of_cells
    error = cluster_error(jackknife_influence(rows, value), groups, scale, weights)
    if not groups.clustered or not error.standard_error > 0:
        return error
    sums, sizes = groups.sums(rows), groups.sizes()
    left = evaluate(value, rows.sum(axis=0) - sums, float(groups.n) - sizes)
    among = float(np.sqrt((groups.count - 1) / groups.count * np.sum((left.mean() - left) ** 2)))
    return replace(error, standard_error=among) if among > 0 else error


def _of_cells(left_out: FloatArray, counts: IntArray, scale: float) -> ClusterError | None:
    """The jackknife's error of items that weigh alike, from the figures without one of each kind."""
    n = int(counts.sum())
    moves = np.average(left_out, weights=counts) - left_out
    square = float(counts @ moves**2)
    error = float(np.sqrt((n - 1) / n * square))
    if not error > NOISE * scale:
        return None
    return ClusterError(error, n - 1.0, float(n), abs(float(counts @ moves**3)) / square**1.5)


def jackknife_influence(rows: FloatArray, value: Value) -> FloatArray:
    """float[n]: how far leaving each row out moves a figure of sums, less the mean; NaN where that is undefined."""
    n = float(len(rows))
    left = leave_one_out(lambda sums: evaluate(value, sums, np.full(len(sums), n - 1)), rows.sum(axis=0), rows)
    return np.asarray((left.mean() - left) * (n - 1) / n)


def error_notes(error: ClusterError, groups: Groups) -> tuple[str | None, ...]:
    """What to say of a standard error over clusters and of its degrees of freedom."""
    if groups.count < 2 or not error.standard_error > 0:
        return ()
    return (
        caveats.few_clusters(groups.count, groups.clustered),
        caveats.unequal_clusters(error.df, groups.count) if groups.clustered else None,
    )


def _carried_by_few(error: ClusterError, groups: Groups) -> str | None:
    """A precondition: the variance does not rest on one or two clusters."""
    if not error.standard_error > 0 or error.skew <= caveats.DOMINATED:
        return None
    return caveats.CARRIED_BY_FEW.format("clusters" if groups.clustered else "items")
