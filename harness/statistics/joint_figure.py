"""One figure of several evaluations: a weighted mean of differences, or the worst of them.

Each part moves the figure by its items' influences times its weight, so the parts' influences side by side, summed over
the clusters of all parts, give the error of the whole: what two evaluations have in common (paraphrases of one text in
both) counts as one cluster. When each is right: a mean over tasks where tasks count alike, pooled items where items do,
the worst drop where no task may lose (arXiv 2602.10144).

A part's own interval (Tango's for 0/1, resampled for F1) knows of rare changes what a jackknife does not: the worst
drop reads it, and a mean is never surer than the parts' own intervals, joined as squares (Zou & Donner 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.interval import Bound, Interval, number_or_nan
from harness.statistics import caveats
from harness.statistics.clusters import Groups
from harness.statistics.distributions import normal_sf, student_isf
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.resampling.bootstrap import evaluate
from harness.statistics.result import Difference, FloatArray, Value
from harness.statistics.t_intervals import ClusterError, cluster_error, jackknife_influence, linear_figure

_DRAWS = 20_000
_CARRIED = tuple(caveats.CARRIED_BY_FEW.format(what) for what in ("clusters", "items"))


@dataclass(frozen=True, slots=True)
class JointPart:
    """One evaluation's improvement with what each item contributes to it.

    Attributes:
        value: the improvement; more is better.
        influence: float[n], how far leaving each item out moves it; they sum to zero.
        shares: float[n], how much of the figure each item holds; they sum to 1.
        clusters: cluster of each item; equal names in two parts are one cluster.
        own: the improvement's interval by the part's own method.
        unmet: preconditions of that method which these items do not meet.
        identical: the two sides do not differ.
    """

    value: float
    influence: FloatArray
    shares: FloatArray
    clusters: tuple[str, ...]
    own: Interval
    unmet: tuple[str, ...] = ()
    identical: bool = False

    @classmethod
    def of(
        cls,
        base: FloatArray,
        candidate: FloatArray,
        value: Value,
        ratio: bool,
        sign: float,
        clusters: Sequence[str],
        change: Difference,
    ) -> JointPart:
        """From statistics of the same items on both sides.

        Args:
            value: of a metric, from sums and number of items.
            ratio: items weigh as their second column.
            sign: −1 where less is better.
            change: what the part's own method makes of them.
        """
        k = base.shape[1]

        def gap(sums: FloatArray, count: FloatArray) -> FloatArray:
            return np.asarray(evaluate(value, sums[..., k:], count) - evaluate(value, sums[..., :k], count))

        rows = np.hstack([base, candidate])
        weights = base[:, 1] + candidate[:, 1] if ratio else np.ones(len(base))
        # Sides that differ by no more than scoring noise are identical, whatever their last digits.
        influence = np.zeros(len(rows)) if change.identical else jackknife_influence(rows, gap)
        own = change.delta if sign > 0 else change.delta.negated()
        return cls(
            number_or_nan(own.value), sign * influence, weights / weights.sum(), tuple(clusters), own, change.unmet,
            change.identical,
        )  # fmt: skip

    def reach(self, alpha: float | None) -> tuple[float, float]:
        """How far the ends of its own interval lie below and above it; at a level, or those of the two-sided one."""
        ends: Bound | Interval = self.own if alpha is None else self.own.at(alpha)
        return self.value - number_or_nan(ends.low), number_or_nan(ends.high) - self.value


@dataclass(frozen=True, slots=True)
class JointFigure:
    """The figure of all parts with its interval and what carries it."""

    value: float
    interval: Interval
    error: ClusterError
    n: int
    clusters: int
    warnings: tuple[str | None, ...] = ()
    unmet: tuple[str | None, ...] = ()


def mean_of_parts(
    parts: Sequence[JointPart], weights: Sequence[float], settings: InferenceSettings = DEFAULT_INFERENCE
) -> JointFigure:
    """Σ w_k·δ_k / Σ w_k with a t interval over the clusters of all parts, never shorter than their own joined."""
    scaled = [weight / sum(weights) for weight in weights]
    value = sum(weight * part.value for weight, part in zip(scaled, parts, strict=True))
    influence = np.concatenate([weight * part.influence for weight, part in zip(scaled, parts, strict=True)])
    shares = np.concatenate([weight * part.shares for weight, part in zip(scaled, parts, strict=True)])
    groups = _groups(parts)
    made = linear_figure(value, influence, groups, 1.0, settings, shares)

    def joined(alpha: float | None) -> tuple[float, float]:
        reach = np.array([part.reach(alpha) for part in parts]) * np.array(scaled)[:, None]
        # A part without an interval of its own (nothing varies) adds what the jackknife makes of it.
        below, above = np.sqrt(np.nansum(reach**2, axis=0)).tolist()
        return value - below, value + above

    interval = made.interval.covering(_interval(joined, settings))
    # Whether few items carry the variance is asked of all parts together; what else a part lacks, the whole lacks.
    lacking = [why for part in parts for why in part.unmet if why not in _CARRIED]
    return JointFigure(value, interval, made.error, groups.n, groups.count, made.warnings, (*made.unmet, *lacking))


def worst_of_parts(parts: Sequence[JointPart], settings: InferenceSettings = DEFAULT_INFERENCE) -> JointFigure:
    """The smallest improvement of all parts, min_k δ_k.

    It is at least the smallest of the parts' own lower bounds, because one of the parts is the smallest, and at most
    min(δ̂_k + c_α·SE_k), c_α the quantile of the largest of all studentized errors (max-T): no part may be excluded.
    """
    groups = _groups(parts)
    errors = [
        cluster_error(part.influence, Groups.of(part.clusters, len(part.clusters)), 1.0, part.shares) for part in parts
    ]
    values = np.array([part.value for part in parts])
    # Where all items change alike, or none does, nothing varies: the part is known without error.
    constant = np.array([not part.influence.any() for part in parts])
    spread = np.where(constant, 0.0, [error.standard_error for error in errors])
    df = min(error.df for error in errors)
    largest = _largest(parts, groups, spread, settings.seed)

    def ends(alpha: float | None) -> tuple[float, float]:
        level = (1 - settings.confidence) / 2 if alpha is None else alpha
        together = student_isf(normal_sf(float(np.quantile(largest, 1 - level))), df)
        below, above = np.array([(0.0, 0.0) if part.identical else part.reach(alpha) for part in parts]).T
        low = values - np.where(np.isnan(below), spread * student_isf(level, df), below)
        return float(low.min()), float((values + np.fmax(above, together * spread)).min())

    worst = int(np.argmin(values))
    interval = settings.undefined(float(values[worst]))
    if np.isfinite(spread).all():
        update = {"standard_error": float(spread[worst]), "value": float(values[worst])}
        interval = _interval(ends, settings).model_copy(update=update)
    least = ClusterError(float(spread[worst]), df, min(error.n_eff for error in errors))
    unmet = tuple(why for part in parts for why in part.unmet)
    return JointFigure(float(values[worst]), interval, least, groups.n, groups.count, (), unmet)


def _interval(ends: Callable[[float | None], tuple[float, float]], settings: InferenceSettings) -> Interval:
    """From the ends at each level; None asks for those of the two-sided interval."""
    bounds = tuple(Bound(alpha=alpha, low=low, high=high) for alpha in settings.alphas for low, high in [ends(alpha)])
    low, high = ends(None)
    return Interval(low=low, high=high, confidence=settings.confidence, bounds=bounds)


def _largest(parts: Sequence[JointPart], groups: Groups, spread: FloatArray, seed: int) -> FloatArray:
    """Draws of the largest studentized error of all parts, with the correlation that shared clusters give them."""
    ends = np.cumsum([0, *(len(part.influence) for part in parts)])
    columns = np.zeros((groups.n, len(parts)))
    for place, part in enumerate(parts):
        columns[ends[place] : ends[place + 1], place] = part.influence
    sums = groups.sums(columns)
    scale = np.sqrt((sums**2).sum(axis=0))
    correlation = (sums.T @ sums) / np.where(scale > 0, scale, 1.0)[:, None] / np.where(scale > 0, scale, 1.0)
    roots, vectors = np.linalg.eigh(correlation)
    normal = np.random.default_rng([seed, 6]).standard_normal((_DRAWS, len(spread)))
    return np.asarray((normal @ (vectors * np.sqrt(np.maximum(roots, 0.0))).T).max(axis=1))


def _groups(parts: Sequence[JointPart]) -> Groups:
    names = [cluster for part in parts for cluster in part.clusters]
    return Groups.of(names, len(names))
