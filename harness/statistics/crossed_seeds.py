"""Training seeds crossed with items: what holds for a recipe, not only for one checkpoint.

Every seed's checkpoint answers the same items, so a figure of seed k on item i is
μ + seed_k + item_i + interaction_ki: seeds and items are crossed, not nested. The variance of the mean over
K seeds is then V_seed + V_item − V_interaction, because the interaction is in each of the first two once
(analysis of variance of a two-way layout with random effects: Scheffé 1959, The Analysis of Variance, ch. 7).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.interval import NAN, Interval, finite
from harness.statistics import caveats
from harness.statistics.bootstrap import evaluate
from harness.statistics.clean_rows import check_kind, linear_scale, prepare
from harness.statistics.clusters import Groups
from harness.statistics.result import FloatArray, Kind, Value
from harness.statistics.t_intervals import log_ratio_influence, mean_influence, ratio_influence, t_interval, t_test

RECIPE = 3
"""Seeds from which a figure may be called one of the recipe."""

_NOISE = 1e-13


@dataclass(frozen=True, slots=True)
class Crossed:
    """A figure over K training seeds: a difference of two models, or the level of one.

    Attributes:
        interval: mean over the seeds (candidate − baseline, or the level), with the standard error √`variance` and
            a t interval with `df` = K − 1 degrees of freedom; the latter undefined with fewer than three seeds.
        ratio: mean candidate / baseline on the log scale with its interval; None unless it is a ratio of sums that
            are positive.
        values: the candidate's figure by seed (the difference to the baseline's mean, or the level).
        p: two-sided p-value of "no difference".
        seed, items, interaction: the three variances; `variance` is their V_seed + V_item − V_interaction, and at
            least the larger one of the first two.
        seeds_identical: the seeds do not differ on any item.
    """

    interval: Interval
    ratio: Interval | None
    values: tuple[float, ...]
    p: float
    variance: float
    seed: float
    items: float
    interaction: float
    df: int
    n: int
    clusters: int
    seeds_identical: bool
    warnings: tuple[str, ...]


_Parts = tuple[float, float, float, float]
"""V and its parts: V_seed, V_item, V_interaction."""


@dataclass(frozen=True, slots=True)
class _Side:
    """values float[K] and influences float[K, C] of one model's replicates."""

    values: FloatArray
    influence: FloatArray


def crossed(
    base: Sequence[FloatArray],
    candidate: Sequence[FloatArray],
    *,
    kind: Kind,
    value: Value,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
    alphas: Sequence[float] = (0.05,),
) -> Crossed:
    """Compares replicates of the candidate with one or several of the baseline.

    Means and ratios of sums enter by their linear influence, other figures by the leave-one-cluster-out
    jackknife. A side of one replicate is a fixed checkpoint and adds no variance of seeds.

    Args:
        base: [n, k] statistics of each replicate of the baseline, the same items in the same rows
            throughout; empty for the level of the candidate alone.
        candidate: the same of the candidate, one array a seed.
        kind, value: as in `core.metric.Metric`.
        clusters: cluster id of each row.

    Raises:
        HarnessError: when shapes do not fit, or for kind `recompute`.
    """
    levels = tuple(alphas)
    scale = linear_scale(kind)
    ready = prepare([*base, *candidate], clusters)
    check_kind(kind, ready.sides[0], value)
    before, after = ready.sides[: len(base)], ready.sides[len(base) :]
    seeds_identical = ready.fault is None and all(
        np.array_equal(side[0], other) for side in (before, after) if side for other in side[1:]
    )
    counts = [len(side) for side in (before, after) if len(side) > 1]
    df = min(counts, default=1) - 1
    warnings: list[str] = list(ready.notes)
    undefined = Interval.undefined(confidence, levels)

    def result(first: _Side | None, second: _Side | None, interval: Interval, p: float, parts: _Parts) -> Crossed:
        middle = float(first.values.mean()) if first is not None else 0.0
        values = tuple(float(one) - middle for one in second.values) if second is not None else ()
        ratio = None
        if kind == "ratio" and scale is not None and before and first is not None and second is not None:
            ratio = _log_ratio(before, after, ready.groups, df, confidence, levels)
        delta = float(np.mean(values)) if values else NAN
        error = math.sqrt(parts[0]) if parts[0] >= 0 else NAN
        interval = interval.model_copy(update={"value": finite(delta), "standard_error": finite(error)})
        return Crossed(
            interval, ratio, values, p, *parts, df, ready.groups.n, ready.groups.count, seeds_identical,
            caveats.kept(*warnings),
        )  # fmt: skip

    unknown: _Parts = (NAN, NAN, NAN, NAN)
    if ready.fault is not None:
        return result(None, None, undefined, NAN, unknown)
    first = _side(before, kind, value, scale, ready.groups) if before else None
    second = _side(after, kind, value, scale, ready.groups)
    sides = [side for side in (first, second) if side is not None]
    if not all(np.isfinite(side.values).all() for side in sides):
        warnings.append(caveats.UNDEFINED_VALUE)
        return result(None, None, undefined, NAN, unknown)
    if not all(np.isfinite(side.influence).all() for side in sides) or ready.groups.count < 2:
        warnings.append(caveats.ONE_CLUSTER if ready.groups.count < 2 else caveats.NO_INFLUENCE)
        return result(first, second, undefined, NAN, unknown)
    parts = _variances(first, second, ready.groups.count)
    sizes = sum(float(np.abs(side.values).max()) for side in sides)
    error = math.sqrt(parts[0])
    if not error > _NOISE * sizes:
        warnings.append(caveats.CONSTANT)
        return result(first, second, undefined, NAN, parts)
    if min((len(side.values) for side in sides if len(side.values) > 1), default=1) < RECIPE:
        warnings.append(caveats.FEW_SEEDS)
        return result(first, second, undefined, NAN, parts)
    center = float(second.values.mean()) - (float(first.values.mean()) if first is not None else 0.0)
    interval = t_interval(center, error, df, confidence, levels)
    return result(first, second, interval, t_test(center, error, df) if first is not None else NAN, parts)


def _variances(first: _Side | None, second: _Side, count: int) -> _Parts:
    sides = [side for side in (first, second) if side is not None]
    per_cluster = second.influence.mean(axis=0)
    if first is not None:
        per_cluster = per_cluster - first.influence.mean(axis=0)
    correction = count / (count - 1)
    items = correction * float(np.sum(per_cluster**2))
    seed = interaction = 0.0
    for side in sides:
        k = len(side.values)
        if k > 1:
            seed += float(np.var(side.values, ddof=1)) / k
            apart = side.influence - side.influence.mean(axis=0)
            interaction += correction * float(np.sum(apart**2)) / (k * (k - 1))
    # An estimated variance component below zero counts as zero, never as a shorter interval.
    return max(seed + items - interaction, items, seed), seed, items, interaction


def _side(replicates: Sequence[FloatArray], kind: Kind, value: Value, scale: float | None, groups: Groups) -> _Side:
    n = float(groups.n)
    values = evaluate(value, np.stack([rows.sum(axis=0) for rows in replicates]), np.full(len(replicates), n))
    if scale is None:
        return _Side(values, np.stack([_jackknife(rows, value, groups) for rows in replicates]))
    influence = [
        mean_influence(rows[:, 0]) if kind == "mean" else ratio_influence(rows[:, 0], rows[:, 1]) for rows in replicates
    ]
    return _Side(values, np.stack([groups.sums(scale * one[:, None])[:, 0] for one in influence]))


def _jackknife(rows: FloatArray, value: Value, groups: Groups) -> FloatArray:
    """float[C]: (C−1)/C·(θ̄ − θ₍c₎), whose squares times C/(C−1) add up to the jackknife variance."""
    sums, sizes = groups.sums(rows), groups.sizes()
    left = evaluate(value, sums.sum(axis=0) - sums, float(groups.n) - sizes)
    return np.asarray((groups.count - 1) / groups.count * (left.mean() - left))


def _log_ratio(
    before: Sequence[FloatArray],
    after: Sequence[FloatArray],
    groups: Groups,
    df: int,
    confidence: float,
    alphas: tuple[float, ...],
) -> Interval | None:
    """exp of the mean difference of logarithms, with its crossed interval; None unless all is positive."""
    sides = []
    for replicates in (before, after):
        sums = np.stack([rows.sum(axis=0) for rows in replicates])
        if not (sums > 0).all():
            return None
        influence = [groups.sums(log_ratio_influence(rows[:, 0], rows[:, 1])[:, None])[:, 0] for rows in replicates]
        sides.append(_Side(np.log(sums[:, 0] / sums[:, 1]), np.stack(influence)))
    if groups.count < 2 or min((len(side.values) for side in sides if len(side.values) > 1), default=1) < RECIPE:
        return None
    center = float(sides[1].values.mean() - sides[0].values.mean())
    error = math.sqrt(_variances(sides[0], sides[1], groups.count)[0])
    interval = t_interval(center, error, df, confidence, alphas)
    return interval.mapped(lambda x: float(np.exp(x))).with_value(math.exp(center))
