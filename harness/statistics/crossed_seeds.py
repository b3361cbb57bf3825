"""Training seeds crossed with items: what holds for a recipe, not only for one checkpoint.

Every seed's checkpoint answers the same items, so a figure of seed k on item i is
μ + seed_k + item_i + interaction_ki: seeds and items are crossed, not nested. The variance of the mean over
K seeds is then V_seed + V_item − V_interaction, because the interaction is in each of the first two once
(analysis of variance of a two-way layout with random effects: Scheffé 1959, The Analysis of Variance, ch. 7).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.interval import NAN, Interval, finite, number_or_nan
from harness.core.metric_structure import PLAIN, MetricStructure
from harness.statistics import caveats
from harness.statistics.clean_rows import check_kind, linear_scale, prepare
from harness.statistics.clusters import Groups
from harness.statistics.distributions import student_isf
from harness.statistics.estimate import is_binary
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.paired_sample import NO_ERROR
from harness.statistics.proportions import design_effect, tango_clustered
from harness.statistics.resampling.bootstrap import evaluate
from harness.statistics.resampling.percentile_bootstrap import draws, evidence_of
from harness.statistics.result import FloatArray, IntArray, Kind, Value
from harness.statistics.t_intervals import (
    ClusterError,
    cluster_error,
    jackknife_influence,
    log_ratio_influence,
    mean_influence,
    ratio_influence,
    t_interval,
    t_test,
)

RECIPE = 3
"""Seeds from which a figure may be called one of the recipe."""

_NOISE = 1e-13
_RECOMPUTES = 200


@dataclass(frozen=True, slots=True)
class Crossed:
    """A figure over K training seeds: a difference of two models, or the level of one.

    Attributes:
        interval: mean over the seeds (candidate − baseline, or the level), with the standard error √`variance` and
            a t interval with `df` degrees of freedom, those of seeds or of items, whichever are fewer; for 0/1
            statistics never shorter than Tango's for the items. Undefined with fewer than three seeds.
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
    df: float
    n: int
    clusters: int
    n_eff: float
    seeds_identical: bool
    warnings: tuple[str, ...]
    unmet: tuple[str, ...]


_Parts = tuple[float, float, float, float]
"""V and its parts: V_seed, V_item, V_interaction."""


@dataclass(frozen=True, slots=True)
class _Side:
    """values float[K] of one model's replicates, how far leaving each cluster out moves them, float[K, C], and the
    items' own influences, their mean over replicates, float[n]."""

    values: FloatArray
    moves: FloatArray
    influence: FloatArray


def crossed(
    base: Sequence[FloatArray],
    candidate: Sequence[FloatArray],
    *,
    kind: Kind,
    value: Value,
    clusters: Sequence[str] | None = None,
    structure: MetricStructure = PLAIN,
    settings: InferenceSettings = DEFAULT_INFERENCE,
) -> Crossed:
    """Compares replicates of the candidate with one or several of the baseline.

    Every figure enters by the leave-one-cluster-out jackknife. A side of one replicate is a fixed checkpoint and
    adds no variance of seeds.

    Args:
        base: [n, k] statistics of each replicate of the baseline, the same items in the same rows
            throughout; empty for the level of the candidate alone.
        candidate: the same of the candidate, one array a seed.
        kind, value: as in `core.metric.Metric`.
        clusters: cluster id of each row.
        structure: what the figure is made of.

    Raises:
        HarnessError: when shapes do not fit, or for kind `recompute`.
    """
    scale = linear_scale(kind)
    ready = prepare([*base, *candidate], clusters, structure)
    groups = ready.groups
    check_kind(kind, ready.sides[0], value)
    before, after = ready.sides[: len(base)], ready.sides[len(base) :]
    seeds_identical = ready.fault is None and all(
        np.array_equal(side[0], other) for side in (before, after) if side for other in side[1:]
    )
    counts = [len(side) for side in (before, after) if len(side) > 1]
    seeds_df = min(counts, default=1) - 1
    unknown: _Parts = (NAN, NAN, NAN, NAN)

    def result(
        first: _Side | None,
        second: _Side | None,
        why: str | None,
        parts: _Parts = unknown,
        made: tuple[Interval, float, ClusterError] | None = None,
    ) -> Crossed:
        middle = float(first.values.mean()) if first is not None else 0.0
        values = tuple(float(value) - middle for value in second.values) if second is not None else ()
        interval, p, error = made or (settings.undefined(), NAN, NO_ERROR)
        df = max(1.0, min(seeds_df, error.df)) if made else float(seeds_df)
        ratio = None
        if kind == "ratio" and scale is not None and before and made:
            ratio = _log_ratio(before, after, groups, df, settings)
        delta = float(np.mean(values)) if values else NAN
        spread = math.sqrt(parts[0]) if parts[0] >= 0 else NAN
        unmet = [_spread_over_seeds(structure)]
        if made:
            unmet += [caveats.rare_parts(ready.structure) if scale is None or structure.area else None]
        return Crossed(
            interval.model_copy(update={"value": finite(delta), "standard_error": finite(spread)}),
            ratio, values, p, *parts, df, groups.n, groups.count, error.n_eff, seeds_identical,
            caveats.kept(*ready.notes, why, *unmet), caveats.kept(*unmet),
        )  # fmt: skip

    if ready.fault is not None:
        return result(None, None, None)
    first = _side(before, kind, value, scale, groups) if before else None
    second = _side(after, kind, value, scale, groups)
    sides = [side for side in (first, second) if side is not None]
    if not all(np.isfinite(side.values).all() for side in sides):
        return result(None, None, caveats.UNDEFINED_VALUE)
    if groups.count < 2 or not all(np.isfinite(side.moves).all() for side in sides):
        return result(first, second, caveats.ONE_CLUSTER if groups.count < 2 else caveats.NO_INFLUENCE)
    parts = _variances(first, second, groups.count)
    sizes = sum(float(np.abs(side.values).max()) for side in sides)
    spread = math.sqrt(parts[0])
    if not spread > _NOISE * sizes:
        return result(first, second, caveats.CONSTANT, parts)
    if min((len(side.values) for side in sides if len(side.values) > 1), default=1) < RECIPE:
        return result(first, second, caveats.FEW_SEEDS, parts)
    center = float(second.values.mean()) - (float(first.values.mean()) if first is not None else 0.0)
    influence = second.influence - (first.influence if first is not None else 0.0)
    weights = after[0][:, 1] if kind == "ratio" else structure.weights
    error = cluster_error(influence, groups, sizes, weights)
    df = max(1.0, min(float(seeds_df), error.df))
    interval = t_interval(center, spread, df, settings.confidence, settings.alphas)
    if first is not None and kind == "mean" and not structure.area and all(map(is_binary, [*before, *after])):
        interval = interval.covering(_rare_changes(before, after, interval, parts, error, groups, df))
    p = t_test(center, spread, df) if first is not None else NAN
    return result(first, second, None, parts, (interval, p, error))


def crossed_recomputed(
    figures: Callable[[IntArray], tuple[list[float], list[float]]],
    groups: Groups,
    seeds_identical: bool,
    *,
    settings: InferenceSettings = DEFAULT_INFERENCE,
) -> Crossed:
    """As `crossed` for figures without sums: the variances of items and interaction by resampling clusters.

    Args:
        figures: row numbers, with repeats → the figure of every replicate of the baseline and of the candidate.
        groups: clusters of the rows.
    """
    drawn = [figures(rows) for rows in draws(groups, _RECOMPUTES, settings.seed)] if groups.count > 1 else []
    sides: list[_Side] = []
    for place in (0, 1):
        levels = np.array(figures(np.arange(groups.n))[place])
        moves = np.array([pair[place] for pair in drawn]).T.reshape(len(levels), -1)
        if len(levels):
            apart = moves - moves.mean(axis=1, keepdims=True) if moves.size else moves
            sides.append(_Side(levels, apart / math.sqrt(max(1, len(drawn) - 1)), np.zeros(0)))
    first, second = (sides[0], sides[1]) if len(sides) > 1 else (None, sides[-1])
    center = float(second.values.mean()) - (float(first.values.mean()) if first is not None else 0.0)
    counts = [len(side.values) for side in sides if len(side.values) > 1]
    df = float(min(min(counts, default=1), groups.count) - 1)
    values = tuple((second.values - (first.values.mean() if first is not None else 0.0)).tolist())
    why: str | None = None
    parts: _Parts = (NAN, NAN, NAN, NAN)
    if not all(np.isfinite(side.values).all() and np.isfinite(side.moves).all() for side in sides) or not drawn:
        why = caveats.ONE_CLUSTER if groups.count < 2 else caveats.UNDEFINED_VALUE
    else:
        parts = _variances(first, second, None)
        if min(counts, default=1) < RECIPE:
            why = caveats.FEW_SEEDS
        elif not parts[0] > 0:
            why = caveats.CONSTANT
    spread = math.sqrt(parts[0]) if parts[0] >= 0 else NAN
    error = NAN if why else spread
    interval = t_interval(center, error, max(1.0, df), settings.confidence, settings.alphas)
    p = t_test(center, spread, max(1.0, df)) if why is None and first is not None else NAN
    return Crossed(
        interval, None, values, p, *parts, df, groups.n, groups.count, evidence_of(groups), seeds_identical,
        caveats.kept(why, caveats.SLOW_SEEDS), (),
    )  # fmt: skip


def _rare_changes(
    before: Sequence[FloatArray],
    after: Sequence[FloatArray],
    interval: Interval,
    parts: _Parts,
    error: ClusterError,
    groups: Groups,
    df: float,
) -> Interval:
    """Tango's interval of the items for the mean table of all pairs of seeds, with what the seeds add to it.

    The t interval of a 0/1 difference is too short where changes are rare; its items' part is put at Tango's reach,
    and both parts are joined as squares (Zou & Donner 2008).
    """
    pairs = [(ours[:, 0], theirs[:, 0]) for ours in before for theirs in after]
    broken = float(np.mean([np.count_nonzero(theirs < ours) for ours, theirs in pairs]))
    fixed = float(np.mean([np.count_nonzero(theirs > ours) for ours, theirs in pairs]))
    effect = design_effect(broken, fixed, groups.n, math.sqrt(parts[2])) if groups.clustered else 1.0
    effect = groups.n / error.n_eff if not math.isfinite(effect) else effect
    seeds, center = max(parts[1] - parts[3], 0.0), number_or_nan(interval.value)

    def limits(alpha: float) -> tuple[float, float]:
        low, high = tango_clustered(broken, fixed, groups.n, effect, max(1.0, error.df), alpha)
        more = student_isf(alpha, df) ** 2 * seeds
        return center - math.sqrt((center - low) ** 2 + more), center + math.sqrt((high - center) ** 2 + more)

    return Interval.of(limits, interval.confidence, [bound.alpha for bound in interval.bounds])


def _spread_over_seeds(structure: MetricStructure) -> str | None:
    return caveats.SPREAD_OVER_SEEDS if structure.spread is not None else None


def _variances(first: _Side | None, second: _Side, count: int | None) -> _Parts:
    """V and its parts from the sides' moves: jackknife's of `count` clusters, or resampled ones (None)."""
    sides = [side for side in (first, second) if side is not None]
    per_cluster = second.moves.mean(axis=0)
    if first is not None:
        per_cluster = per_cluster - first.moves.mean(axis=0)
    correction = 1.0 if count is None else (count - 1) / count
    items = correction * float(np.sum(per_cluster**2))
    seed = interaction = 0.0
    for side in sides:
        k = len(side.values)
        if k > 1:
            seed += float(np.var(side.values, ddof=1)) / k
            apart = side.moves - side.moves.mean(axis=0)
            interaction += correction * float(np.sum(apart**2)) / (k * (k - 1))
    # An estimated variance component below zero counts as zero, never as a shorter interval.
    return max(seed + items - interaction, items, seed), seed, items, interaction


def _side(replicates: Sequence[FloatArray], kind: Kind, value: Value, scale: float | None, groups: Groups) -> _Side:
    n = float(groups.n)
    values = evaluate(value, np.stack([rows.sum(axis=0) for rows in replicates]), np.full(len(replicates), n))
    if scale is None:
        influence = np.mean([jackknife_influence(rows, value) for rows in replicates], axis=0)
        return _Side(values, np.stack([_left_out(rows, value, groups) for rows in replicates]), influence)
    if kind == "mean":
        each = [mean_influence(rows[:, 0]) for rows in replicates]
        held = [groups.sizes() / n] * len(replicates)
    else:
        each = [ratio_influence(rows[:, 0], rows[:, 1]) for rows in replicates]
        held = [groups.sums(rows[:, 1:] / rows[:, 1].sum())[:, 0] for rows in replicates]
    moves = [_moves(influence, share, groups) for influence, share in zip(each, held, strict=True)]
    return _Side(values, np.stack(moves), np.mean(each, axis=0))


def _moves(influence: FloatArray, held: FloatArray, groups: Groups) -> FloatArray:
    """float[C]: how far leaving each cluster out moves a linear figure."""
    return np.asarray(groups.sums(influence[:, None])[:, 0] / np.maximum(1 - held, _NOISE))


def _left_out(rows: FloatArray, value: Value, groups: Groups) -> FloatArray:
    """float[C]: θ̄ − θ₍c₎, whose squares times (C−1)/C add up to the jackknife variance."""
    sums, sizes = groups.sums(rows), groups.sizes()
    left = evaluate(value, sums.sum(axis=0) - sums, float(groups.n) - sizes)
    return np.asarray(left.mean() - left)


def _log_ratio(
    before: Sequence[FloatArray],
    after: Sequence[FloatArray],
    groups: Groups,
    df: float,
    settings: InferenceSettings,
) -> Interval | None:
    """exp of the mean difference of logarithms, with its crossed interval; None unless all is positive."""
    sides = []
    for replicates in (before, after):
        sums = np.stack([rows.sum(axis=0) for rows in replicates])
        if not (sums > 0).all():
            return None
        each = [log_ratio_influence(rows[:, 0], rows[:, 1]) for rows in replicates]
        moves = [
            _moves(influence, groups.sums(rows[:, 1:] / rows[:, 1].sum())[:, 0], groups)
            for influence, rows in zip(each, replicates, strict=True)
        ]
        sides.append(_Side(np.log(sums[:, 0] / sums[:, 1]), np.stack(moves), np.mean(each, axis=0)))
    if groups.count < 2 or min((len(side.values) for side in sides if len(side.values) > 1), default=1) < RECIPE:
        return None
    center = float(sides[1].values.mean() - sides[0].values.mean())
    error = math.sqrt(_variances(sides[0], sides[1], groups.count)[0])
    interval = t_interval(center, error, df, settings.confidence, settings.alphas)
    return interval.mapped(lambda x: float(np.exp(x))).with_value(math.exp(center))
