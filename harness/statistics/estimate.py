"""The level of a metric for one model, with the interval that fits its kind."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from harness.core.interval import NAN, Interval
from harness.statistics import caveats
from harness.statistics.bootstrap import bca, evaluate
from harness.statistics.clean_rows import check_kind, linear_scale, prepare
from harness.statistics.clusters import Groups
from harness.statistics.proportions import wilson
from harness.statistics.result import Estimate, FloatArray, Kind, Value
from harness.statistics.t_intervals import clustered_standard_error, mean_influence, ratio_influence, t_interval
from harness.statistics.wild_bootstrap import WILD_BELOW, WildBootstrap

_Method = tuple[Interval, str, tuple[str, ...]]
"""An interval, how it was made, and what to say about it."""


@np.errstate(over="ignore", invalid="ignore")  # what leaves the range of floats is undefined, and said to be
def estimate(
    stats: FloatArray,
    *,
    kind: Kind,
    value: Value,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
    alphas: Sequence[float] = (0.05,),
    resamples: int = 10_000,
    seed: int = 0,
) -> Estimate:
    """Estimates a metric with its interval.

    Binary means: Wilson (with an effective number of items under clusters). Other means and
    ratios of sums: cluster-robust t interval. Everything else: BCa bootstrap of clusters.

    Args:
        stats: [n, k] sufficient statistics; rows that are NaN throughout are left out.
        kind, value: as in `core.metric.Metric`.
        clusters: cluster id of each row; None when every row stands for itself.
        alphas: levels of the one-sided bounds.

    Returns:
        Undefined figures are NaN, and `weaknesses` say why.

    Raises:
        HarnessError: when shapes do not fit, or for kind `recompute`.
    """
    levels = tuple(alphas)
    scale = linear_scale(kind)
    ready = prepare([stats], clusters)
    rows, groups = ready.sides[0], ready.groups
    check_kind(kind, rows, value)

    def estimated(number: float, interval: Interval, method: str, warnings: tuple[str, ...]) -> Estimate:
        weaknesses = caveats.kept(*ready.notes, *warnings)
        return Estimate(interval.with_value(number), groups.n, groups.count, method, weaknesses)

    undefined = Interval.undefined(confidence, levels)
    if ready.fault is not None:
        return estimated(NAN, undefined, "none", ())
    number = float(evaluate(value, rows.sum(axis=0), float(groups.n)))
    if not np.isfinite(number):
        return estimated(NAN, undefined, "none", (caveats.UNDEFINED_VALUE,))
    if scale is None:
        interval, method, warnings = _bootstrapped(rows, value, groups, confidence, levels, resamples, seed)
    elif kind == "mean" and scale == 1 and is_binary(rows):
        interval, method, warnings = _proportion(rows[:, 0], groups, confidence, levels)
    else:
        if kind == "ratio" and not rows[:, 1].sum() > 0:
            return estimated(NAN, undefined, "none", (caveats.NO_DENOMINATOR,))
        influence = scale * (mean_influence(rows[:, 0]) if kind == "mean" else ratio_influence(rows[:, 0], rows[:, 1]))
        shares = np.full(groups.n, 1 / groups.n) if kind == "mean" else rows[:, 1] / rows[:, 1].sum()
        interval, method, warnings = _linear(number, influence, shares, groups, confidence, levels, kind, seed)
    return estimated(number, interval, method, warnings)


def is_binary(rows: FloatArray) -> bool:
    return bool(np.all((rows == 0) | (rows == 1)))


def _proportion(values: FloatArray, groups: Groups, confidence: float, alphas: tuple[float, ...]) -> _Method:
    n, share = groups.n, float(values.mean())
    if not groups.clustered:
        limits = partial(_wilson, share, n, None)
        error = clustered_standard_error(mean_influence(values), groups, 1.0)
        return Interval.of(limits, confidence, alphas, error), "Wilson score interval", ()
    if groups.count < 2:
        return Interval.undefined(confidence, alphas), "none", (caveats.ONE_CLUSTER,)
    warnings = [caveats.few_clusters(groups.count, True)]
    error = clustered_standard_error(mean_influence(values), groups, 1.0)
    if error > 0:
        effective = min(float(n), share * (1 - share) / error**2)
    else:
        # No spread between clusters (all right, all wrong, or perfectly balanced clusters) is
        # no evidence of certainty.
        effective = float(groups.count)
        warnings.append(caveats.CLUSTERS_AS_ITEMS)
    limits = partial(_wilson, share, effective, groups.count - 1)
    method = "Wilson score interval with the effective number of items, t with clusters − 1 degrees of freedom"
    return Interval.of(limits, confidence, alphas, error), method, caveats.kept(*warnings)


def _wilson(share: float, n: float, freedom: int | None, alpha: float) -> tuple[float, float]:
    return wilson(n if share == 1 else share * n, n, alpha, freedom=freedom)


def _linear(
    number: float,
    influence: FloatArray,
    shares: FloatArray,
    groups: Groups,
    confidence: float,
    alphas: tuple[float, ...],
    kind: Kind,
    seed: int,
) -> _Method:
    method = "t interval" if kind == "mean" else "linearized ratio of sums, t interval"
    if groups.clustered:
        method = f"cluster-robust {method}"
    if groups.count < 2:
        return (
            Interval.undefined(confidence, alphas),
            method,
            (caveats.ONE_CLUSTER if groups.clustered else caveats.ONE_ITEM,),
        )
    error = clustered_standard_error(influence, groups, abs(number))
    if not error > 0:
        return Interval.undefined(confidence, alphas), method, (caveats.CONSTANT,)
    if groups.clustered and groups.count < WILD_BELOW:
        wild = WildBootstrap.of(influence, shares, groups, number, seed)
        warnings = (caveats.few_clusters_wild(groups.count), None if wild.bounded(alphas) else caveats.UNBOUNDED)
        method = f"{method.removesuffix(' interval')}, wild cluster bootstrap"
        return wild.interval(confidence, alphas), method, caveats.kept(*warnings)
    interval = t_interval(number, error, groups.count - 1, confidence, alphas)
    return interval, method, caveats.kept(caveats.few_clusters(groups.count, groups.clustered))


def _bootstrapped(
    rows: FloatArray,
    value: Value,
    groups: Groups,
    confidence: float,
    alphas: tuple[float, ...],
    resamples: int,
    seed: int,
) -> _Method:
    drawn = bca(rows, value, groups, resamples, seed)
    method = f"BCa bootstrap of {'clusters' if groups.clustered else 'items'}, {resamples:,} resamples"
    few = caveats.few_for_bootstrap(groups.count, groups.clustered)
    return drawn.interval(confidence, alphas), method, caveats.kept(*drawn.weaknesses, few)
