"""One figure of several evaluations: a weighted mean of differences, or the worst of them.

Each part moves the figure by its items' influences times its weight, so the parts' influences side by side, summed over
the clusters of all parts, give the error of the whole: what two evaluations have in common (paraphrases of one text in
both) counts as one cluster. When each is right: a mean over tasks where tasks count alike, pooled items where items do,
the worst drop where no task may lose (arXiv 2602.10144).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.interval import Interval
from harness.statistics.clusters import Groups
from harness.statistics.distributions import normal_sf, student_isf
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.resampling.bootstrap import evaluate
from harness.statistics.result import FloatArray, Value
from harness.statistics.t_intervals import ClusterError, cluster_error, jackknife_influence, linear_figure

_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class JointPart:
    """One evaluation's improvement with what each item contributes to it.

    Attributes:
        value: the improvement; more is better.
        influence: float[n], how far leaving each item out moves it; they sum to zero.
        shares: float[n], how much of the figure each item holds; they sum to 1.
        clusters: cluster of each item; equal names in two parts are one cluster.
    """

    value: float
    influence: FloatArray
    shares: FloatArray
    clusters: tuple[str, ...]

    @classmethod
    def of(
        cls, base: FloatArray, candidate: FloatArray, value: Value, ratio: bool, sign: float, clusters: Sequence[str]
    ) -> JointPart:
        """From statistics of the same items on both sides.

        Args:
            value: of a metric, from sums and number of items.
            ratio: items weigh as their second column.
            sign: −1 where less is better.
        """
        k, n = base.shape[1], float(len(base))

        def gap(sums: FloatArray, count: FloatArray) -> FloatArray:
            return np.asarray(evaluate(value, sums[..., k:], count) - evaluate(value, sums[..., :k], count))

        rows = np.hstack([base, candidate])
        weights = base[:, 1] + candidate[:, 1] if ratio else np.ones(len(base))
        delta = float(gap(rows.sum(axis=0), np.asarray(n)))
        return cls(sign * delta, sign * jackknife_influence(rows, gap), weights / weights.sum(), tuple(clusters))


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
    """Σ w_k·δ_k / Σ w_k with a t interval over the clusters of all parts."""
    scaled = [weight / sum(weights) for weight in weights]
    value = sum(weight * part.value for weight, part in zip(scaled, parts, strict=True))
    influence = np.concatenate([weight * part.influence for weight, part in zip(scaled, parts, strict=True)])
    shares = np.concatenate([weight * part.shares for weight, part in zip(scaled, parts, strict=True)])
    groups = _groups(parts)
    made = linear_figure(value, influence, groups, 1.0, settings, shares)
    return JointFigure(value, made.interval, made.error, groups.n, groups.count, made.warnings, made.unmet)


def worst_of_parts(parts: Sequence[JointPart], settings: InferenceSettings = DEFAULT_INFERENCE) -> JointFigure:
    """The smallest improvement of all parts, min_k δ_k.

    It is at least min(δ̂_k − t_α·SE_k), because one of the parts is the smallest, and at most
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

    def ends(alpha: float) -> tuple[float, float]:
        together = student_isf(normal_sf(float(np.quantile(largest, 1 - alpha))), df)
        each = np.array([student_isf(alpha, error.df) for error in errors])
        return float((values - each * spread).min()), float((values + together * spread).min())

    worst = int(np.argmin(values))
    interval = settings.undefined(float(values[worst]))
    if np.isfinite(spread).all():
        interval = settings.interval(ends, float(spread[worst]), float(values[worst]))
    least = ClusterError(float(spread[worst]), df, min(error.n_eff for error in errors))
    return JointFigure(float(values[worst]), interval, least, groups.n, groups.count)


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
