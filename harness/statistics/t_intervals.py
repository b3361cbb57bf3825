"""Means and other linear figures: jackknife errors over clusters, Satterthwaite's degrees of freedom, Student's t.

A linear figure comes with what its interval takes for granted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from harness.core.interval import NAN, Interval
from harness.statistics import caveats
from harness.statistics.clusters import Groups
from harness.statistics.distributions import student_isf, student_sf
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.resampling.bootstrap import Bootstrap, evaluate, leave_one_out
from harness.statistics.result import FloatArray, IntArray, Value

NOISE = 1e-13


@dataclass(frozen=True, slots=True)
class ClusterError:
    """How sure a linear figure is, and how much evidence carries it.

    Attributes:
        standard_error: over clusters; NaN without spread or with fewer than two clusters.
        df: degrees of freedom of its t.
        n_eff: independent items that carry the figure: Kish's number of the weights, divided by the design effect.
        skew: |Σm³|/(Σm²)^1.5 of the clusters' moves m, 1 where one cluster has all the variance.
    """

    standard_error: float
    df: float
    n_eff: float
    skew: float = 0.0


def cluster_error(
    influence: FloatArray,
    groups: Groups,
    scale: float,
    weights: FloatArray | None = None,
    df: float | None = None,
) -> ClusterError:
    """The jackknife's standard error (CR3) of a linear figure over clusters of any size, and what it rests on.

    With weight shares w_i of the items, h_c = Σ_{i∈c} w_i and S_c = Σ_{i∈c} u_i, leaving cluster c out moves the
    figure by S_c/(1 − h_c); SE² = (C−1)/C·Σ_c(S_c/(1 − h_c))² (Bell & McCaffrey 2002). For clusters of equal weight
    it is √(C/(C−1)·ΣS_c²), for single items s/√n.

    Degrees of freedom are Satterthwaite's for that sum of squares under the clusters' own correlation: totals with
    variance σ²·Σw_i² + τ²·h_c², where σ² and τ² come from the residuals (Imbens & Kolesár 2016). Clusters of equal
    weight have C − 1.

    Args:
        influence: float[n], what each item contributes to the figure's error; they sum to zero.
        scale: size of the figures at hand; a spread that is rounding noise beside it counts as none.
        weights: float[n], what every item weighs in the figure, up to a factor; None where all weigh alike.
        df: of items that stand alone and weigh like this, where they are known already: only weights decide them.
    """
    if weights is None and not groups.clustered:
        return _alike(influence, scale)
    shares = np.full(groups.n, 1 / groups.n) if weights is None else np.abs(weights) / np.abs(weights).sum()
    squares = shares**2
    totals, held, alone = influence, shares, squares
    if groups.clustered and weights is None:
        sizes = groups.sizes()
        totals, held, alone = groups.sums(influence[:, None])[:, 0], sizes / groups.n, sizes / groups.n**2
    elif groups.clustered:
        totals, held, alone = groups.sums(np.column_stack([influence, shares, squares])).T
    items = 1 / float(squares.sum())
    # Without spread nothing is known of the correlation: every cluster counts as one item.
    units = min(items, 1 / float(np.sum(held**2)))
    unknown = ClusterError(NAN, max(1.0, units - 1), units)
    if groups.count < 2:
        return ClusterError(NAN, NAN, 1.0)
    rest = np.maximum(1 - held, NOISE)
    moves = totals / rest
    # Squares of the largest and the smallest numbers leave the range of floats; those of their shares do not.
    largest = float(np.max(np.abs(moves)))
    if not 0 < largest < math.inf:
        return unknown
    shape = moves / largest
    powers = shape * shape
    square = float(np.sum(powers))
    error = largest * math.sqrt((groups.count - 1) / groups.count * square)
    if not error > NOISE * scale:
        return unknown
    skew = abs(float(powers @ shape)) / square**1.5
    if not groups.clustered:
        return ClusterError(error, _satterthwaite(held, squares) if df is None else df, items, skew)
    single = influence / np.maximum(1 - shares, NOISE)
    alike = largest * math.sqrt((groups.n - 1) / groups.n * float(np.sum((single / largest) ** 2)))
    effect = max(1.0, (error / alike) ** 2) if alike > 0 else groups.n / groups.count
    if _alike_all(held) and _alike_all(alone):
        return ClusterError(error, groups.count - 1.0, items / effect, skew)
    between = _between(influence / largest, shares, totals / largest, held, alone)
    variances = alone * (1 - between) + held**2 * between
    return ClusterError(error, _satterthwaite(held, variances), items / effect, skew)


def _alike(influence: FloatArray, scale: float) -> ClusterError:
    """`cluster_error` of items that weigh alike and stand alone: s/√n with n − 1 degrees of freedom."""
    n = len(influence)
    if n < 2:
        return ClusterError(NAN, NAN, float(n))
    largest = float(np.max(np.abs(influence)))
    known = ClusterError(NAN, n - 1.0, float(n))
    if not 0 < largest < math.inf:
        return known
    shape = influence / largest
    square = float(shape @ shape)
    error = largest * math.sqrt(n / (n - 1) * square)
    if not error > NOISE * scale:
        return known
    return ClusterError(error, n - 1.0, float(n), abs(float(shape**2 @ shape)) / square**1.5)


def _between(
    influence: FloatArray, shares: FloatArray, totals: FloatArray, held: FloatArray, alone: FloatArray
) -> float:
    """τ²/(σ² + τ²): the share of the variance of a residual, u_i/w_i, that its cluster has in common.

    By the mean squares of a weighted one-way analysis of variance; 0 where clusters vary no more than items.
    """
    known = shares > 0
    whole = float(np.sum(influence[known] ** 2 / shares[known]))
    filled = held > 0
    among = float(np.sum(totals[filled] ** 2 / held[filled]))
    items = float(np.sum(alone[filled] / held[filled]))
    inside = (whole - among) / max(1 - items, NOISE) if items < 1 - NOISE else 0.0
    inside = max(inside, 0.0)
    between = (among - inside * (items - float(alone.sum()))) / max(1 - float(np.sum(held**2)), NOISE)
    return max(between, 0.0) / (inside + max(between, 0.0)) if inside + max(between, 0.0) > 0 else 1.0


def _alike_all(numbers: FloatArray) -> bool:
    largest = float(numbers.max())
    return largest - float(numbers.min()) <= NOISE * min(1.0, largest)


def _satterthwaite(held: FloatArray, variances: FloatArray) -> float:
    """(tr AΩ)²/tr (AΩ)² of Σ(S_c/(1 − h_c))², S_c = t_c − h_c·Σt for independent totals t_c of these variances."""
    if _alike_all(held) and _alike_all(variances):
        return float(len(held) - 1)
    rest = 1 / np.maximum(1 - held, NOISE)
    factor, squares, cross = rest * rest, held * held, held * variances
    total = float(variances.sum())
    common = total * squares - 2 * cross
    own = variances + common
    trace = float(factor @ own)
    h2, v2, hv = float(factor @ squares), float(factor @ (variances * variances)), float(factor @ cross)
    pairs = total**2 * h2**2 + 2 * v2 * h2 + 2 * hv**2 - 4 * total * h2 * hv
    # (own² − common²) by its factors.
    squared = pairs + float((factor * factor) @ (variances * (own + common)))
    return max(1.0, min(trace**2 / squared, len(held) - 1.0)) if squared > 0 else 1.0


def t_interval(
    center: float, standard_error: float, df: float, confidence: float, alphas: tuple[float, ...]
) -> Interval:
    """center ± t·SE with `df` degrees of freedom; NaN when the standard error is."""
    if not standard_error > 0 or not df > 0:
        return Interval.undefined(confidence, alphas, center)

    def limits(alpha: float) -> tuple[float, float]:
        reach = student_isf(alpha, df) * standard_error
        return center - reach, center + reach

    return Interval.of(limits, confidence, alphas, standard_error, center)


def t_test(center: float, standard_error: float, df: float) -> float:
    """Two-sided p-value of "the true figure is zero"; NaN without a standard error."""
    if not standard_error > 0 or not df > 0:
        return NAN
    return 2 * student_sf(abs(center) / standard_error, df)


def mean_influence(values: FloatArray) -> FloatArray:
    """u_i = (x_i − x̄)/n."""
    return np.asarray((values - values.mean()) / len(values))


def ratio_influence(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """u_i = (t_i − R·b_i)/Σb for R = Σt/Σb (Taylor linearization of a ratio of sums)."""
    total = bottom.sum()
    return np.asarray((top - top.sum() / total * bottom) / total)


def log_ratio_influence(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """u_i = t_i/Σt − b_i/Σb for log(Σt/Σb)."""
    return np.asarray(top / top.sum() - bottom / bottom.sum())


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
