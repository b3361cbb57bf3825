"""The level of a metric for one model, with the interval that fits its kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from harness.core.interval import NAN, Interval
from harness.core.metric_structure import PLAIN, MetricStructure
from harness.statistics import caveats
from harness.statistics.clean_rows import check_kind, linear_scale, prepare
from harness.statistics.clusters import Clusters, Groups
from harness.statistics.group_spread import METHOD, GroupFigures
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.proportions import area_bounds, wilson
from harness.statistics.resampling.bootstrap import bca, evaluate
from harness.statistics.result import Estimate, FloatArray, Kind, Value
from harness.statistics.t_intervals import (
    SETTLED,
    ClusterError,
    cluster_error,
    error_figure,
    error_notes,
    jackknife_error,
    linear_figure,
    mean_influence,
    ratio_influence,
)


@dataclass(frozen=True, slots=True)
class _Level:
    """What one method needs, and how sure to be."""

    number: float
    rows: FloatArray
    value: Value
    groups: Groups
    structure: MetricStructure
    settings: InferenceSettings

    def undefined(self, method: str, why: str) -> _Method:
        return _Method(self.settings.undefined(), method, ClusterError(NAN, NAN, 0.0), (why,))


@dataclass(frozen=True, slots=True)
class _Method:
    """An interval, how it was made, its error, and what to say about it."""

    interval: Interval
    method: str
    error: ClusterError
    warnings: tuple[str | None, ...] = ()
    unmet: tuple[str | None, ...] = ()


@np.errstate(over="ignore", invalid="ignore")  # what leaves the range of floats is undefined, and said to be
def estimate(
    stats: FloatArray,
    *,
    kind: Kind,
    value: Value,
    clusters: Clusters = None,
    structure: MetricStructure = PLAIN,
    settings: InferenceSettings = DEFAULT_INFERENCE,
) -> Estimate:
    """Estimates a metric with its interval.

    Binary means: Wilson (with an effective number of items under clusters). Other means and ratios of sums:
    cluster-robust t interval. Areas under a curve: score interval. Largest minus smallest: simultaneous pairwise
    differences. Everything else: BCa bootstrap of clusters, never shorter than the jackknife's t.

    Args:
        stats: [n, k] sufficient statistics; rows that are NaN throughout are left out.
        kind, value: as in `core.metric.Metric`.
        clusters: cluster id of each row; None when every row stands for itself.
        structure: what the figure is made of, as `Metric.structure` says it.

    Returns:
        Undefined figures are NaN, and `weaknesses` say why.

    Raises:
        HarnessError: when shapes do not fit, or for kind `recompute`.
    """
    scale = linear_scale(kind)
    ready = prepare([stats], clusters, structure)
    rows, groups = ready.sides[0], ready.groups
    check_kind(kind, rows, value)

    def estimated(number: float, made: _Method) -> Estimate:
        return Estimate(
            made.interval.with_value(number),
            groups.n,
            groups.count,
            made.error.n_eff,
            made.method,
            caveats.kept(*ready.notes, *made.warnings, *made.unmet),
            caveats.kept(*made.unmet),
        )

    number = float(evaluate(value, rows.sum(axis=0), float(groups.n))) if ready.fault is None else NAN
    level = _Level(number, rows, value, groups, ready.structure, settings)
    if ready.fault is not None:
        return estimated(NAN, _Method(level.undefined("none", "").interval, "none", ClusterError(NAN, NAN, 0.0)))
    if not np.isfinite(number):
        return estimated(NAN, level.undefined("none", caveats.UNDEFINED_VALUE))
    if kind == "ratio" and not rows[:, 1].sum() > 0:
        return estimated(NAN, level.undefined("none", caveats.NO_DENOMINATOR))
    return estimated(number, _method(level, kind, scale))


def _method(level: _Level, kind: Kind, scale: float | None) -> _Method:
    if level.structure.area:
        return _area(level)
    if level.structure.spread is not None:
        return _spread(level)
    if scale is None:
        return _bootstrapped(level)
    if kind == "mean" and is_binary(level.rows):
        return _proportion(level)
    return _linear(level, kind)


def is_binary(rows: FloatArray) -> bool:
    return bool(np.all((rows == 0) | (rows == 1)))


def _proportion(level: _Level) -> _Method:
    n, share, groups = level.groups.n, level.number, level.groups
    error = cluster_error(mean_influence(level.rows[:, 0]), groups, 1.0)
    if not groups.clustered:
        limits = partial(_wilson, share, n, None)
        interval = level.settings.interval(limits, error.standard_error)
        return _Method(interval, "Wilson score interval", ClusterError(error.standard_error, NAN, float(n)))
    if groups.count < 2:
        return level.undefined("none", caveats.ONE_CLUSTER)
    warnings = error_notes(error, groups)
    if error.standard_error > 0:
        effective = min(float(n), share * (1 - share) / error.standard_error**2)
    else:
        # No spread between clusters (all right, all wrong, or perfectly balanced clusters) is
        # no evidence of certainty.
        effective = error.n_eff
        warnings = (caveats.few_clusters(groups.count, True), caveats.CLUSTERS_AS_ITEMS)
    limits = partial(_wilson, share, effective, error.df)
    method = "Wilson score interval with the effective number of items, t with Satterthwaite's degrees of freedom"
    return _Method(level.settings.interval(limits, error.standard_error), method, error, warnings)


def _wilson(share: float, n: float, df: float | None, alpha: float) -> tuple[float, float]:
    return wilson(n if share == 1 else share * n, n, alpha, df=df)


def _linear(level: _Level, kind: Kind) -> _Method:
    rows, groups = level.rows, level.groups
    influence = mean_influence(rows[:, 0]) if kind == "mean" else ratio_influence(rows[:, 0], rows[:, 1])
    weights = rows[:, 1] if kind == "ratio" else level.structure.weights
    method = "t interval" if kind == "mean" else "linearized ratio of sums, t interval"
    if groups.clustered:
        method = f"cluster-robust {method}"
    if groups.count < 2:
        return level.undefined(method, caveats.ONE_CLUSTER if groups.clustered else caveats.ONE_ITEM)
    made = linear_figure(level.number, influence, groups, abs(level.number), level.settings, weights)
    if level.structure.settled and not made.error.standard_error > 0:
        return _Method(level.settings.exactly(level.number), SETTLED, made.error)
    warnings = made.warnings if made.error.standard_error > 0 else (caveats.CONSTANT,)
    return _Method(made.interval, method, made.error, warnings, (caveats.rare_parts(level.structure), *made.unmet))


def _area(level: _Level) -> _Method:
    """Hanley and McNeil's score interval, its variance multiplied by the clusters' design effect."""
    groups, parts = level.groups, [float(np.count_nonzero(part)) for part in level.structure.parts.values()]
    influence = mean_influence(level.rows[:, 0])
    error = cluster_error(influence, groups, 1.0)
    if groups.count < 2:
        return level.undefined("none", caveats.ONE_CLUSTER if groups.clustered else caveats.ONE_ITEM)
    effect = groups.n / error.n_eff if groups.clustered else 1.0
    df = error.df if groups.clustered else None

    def limits(alpha: float) -> tuple[float, float]:
        return area_bounds(level.number, parts[0], parts[1], alpha, effect, df)

    interval = level.settings.interval(limits, error.standard_error)
    method = "score interval of the area under the curve (Hanley & McNeil, Newcombe)"
    warnings = error_notes(error, groups) if groups.clustered else ()
    return _Method(interval, method, error, warnings, (caveats.rare_parts(level.structure),))


def _spread(level: _Level) -> _Method:
    figures = GroupFigures.of((level.rows,), level.structure, level.groups)
    if figures is None:
        return level.undefined(METHOD, caveats.NO_INFLUENCE)
    error = jackknife_error(level.rows, level.value, level.groups, abs(level.number))
    interval = figures.interval(level.settings)
    return _Method(interval, METHOD, error, figures.notes(level.settings.seed), figures.unmet())


def _bootstrapped(level: _Level) -> _Method:
    groups, settings = level.groups, level.settings
    drawn = bca(level.rows, level.value, groups, settings.resamples, settings.seed)
    interval = drawn.interval(settings.confidence, settings.alphas)
    error = jackknife_error(level.rows, level.value, groups, abs(level.number), level.structure.weights, drawn)
    made = error_figure(level.number, error, groups, settings)
    method = f"BCa bootstrap of {'clusters' if groups.clustered else 'items'}, {settings.resamples:,} resamples"
    few = caveats.few_for_bootstrap(groups.count, groups.clustered)
    warnings = (*drawn.weaknesses, few, *(made.warnings if groups.clustered else ()))
    unmet = (caveats.rare_parts(level.structure), *made.unmet)
    return _Method(interval.covering(made.interval), method, made.error, warnings, unmet)
