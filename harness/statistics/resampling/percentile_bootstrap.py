"""Figures without sufficient statistics: computed anew on every resample. Slow, and said to be.

The plain percentile bootstrap of clusters (Efron & Tibshirani 1993, ch. 13) and swaps of the sides of
whole clusters (Noreen 1989). No bias correction or acceleration: leaving out each cluster in turn would
take as many recomputations as there are clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.interval import NAN, Interval, number_or_nan
from harness.statistics import caveats
from harness.statistics.clusters import Groups
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.power import mde
from harness.statistics.result import Difference, Estimate, FloatArray, IntArray

RECOMPUTES = 1_000
_TIE = 1e-9
_MAX_UNDEFINED = 0.05

Figure = Callable[[IntArray], float]
"""Row numbers, with repeats → the figure on those rows; NaN where undefined."""

Levels = Callable[[IntArray, npt.NDArray[np.bool_]], tuple[float, float]]
"""Row numbers with repeats, and which of them have their sides exchanged → baseline, candidate."""

Progress = Callable[[], Any]


def recomputed_difference(
    levels: Levels,
    groups: Groups,
    *,
    identical: bool,
    settings: InferenceSettings = DEFAULT_INFERENCE,
    progress: Progress = lambda: None,
) -> Difference:
    """Candidate minus baseline by recomputation.

    Args:
        levels: the two figures on given rows.
        groups: clusters of the rows.
        identical: every answer is the same on both sides.
        settings: of their resamples, at most `RECOMPUTES` are drawn.
        progress: called after every recomputation of a pair.
    """
    resamples = min(settings.resamples, RECOMPUTES)
    rows = np.arange(groups.n)
    straight = np.zeros(groups.n, dtype=bool)

    def gap(pair: tuple[float, float]) -> float:
        return pair[1] - pair[0]

    pair = levels(rows, straight) if groups.n else (NAN, NAN)
    delta = gap(pair)
    interval, warnings = _interval(
        delta, lambda drawn: gap(levels(drawn, straight[: len(drawn)])), groups, settings, progress
    )
    p = NAN
    if np.isfinite(delta) and groups.count > 1:
        rng = np.random.default_rng([settings.seed, 1])
        extreme = 0
        for _ in range(resamples):
            coins = rng.random(groups.count) < 0.5
            drawn = abs(gap(levels(rows, coins if groups.codes is None else coins[groups.codes])))
            # An exchange for which the metric is undefined counts against a claim of difference.
            extreme += not drawn < abs(delta) * (1 - _TIE)
            progress()
        p = (1 + extreme) / (resamples + 1)
    unit = "clusters" if groups.clustered else "items"
    return Difference(
        delta=interval,
        ratio=None,
        p=1.0 if identical else p,
        test=f"randomized swaps of the sides of {unit}, recomputed ({resamples:,} samples)",
        n=groups.n,
        clusters=groups.count,
        n_eff=evidence_of(groups),
        mde=mde(number_or_nan(interval.standard_error)),
        discordant=NAN,
        identical=identical,
        method=_method("paired percentile bootstrap", groups, resamples),
        weaknesses=warnings,
        base_value=pair[0],
        candidate_value=pair[1],
    )


def recomputed_estimate(
    figure: Figure,
    groups: Groups,
    *,
    settings: InferenceSettings = DEFAULT_INFERENCE,
    progress: Progress = lambda: None,
) -> Estimate:
    """The level of one model by recomputation, `RECOMPUTES` times at most."""
    value = figure(np.arange(groups.n)) if groups.n else NAN
    interval, warnings = _interval(value, figure, groups, settings, progress)
    method = _method("percentile bootstrap", groups, min(settings.resamples, RECOMPUTES))
    return Estimate(interval, groups.n, groups.count, evidence_of(groups), method, warnings)


def evidence_of(groups: Groups) -> float:
    """Kish's number of the clusters: without sums, how much items of a cluster have in common is not known."""
    return groups.n**2 / float(np.sum(groups.sizes() ** 2)) if groups.n else 0.0


def _method(name: str, groups: Groups, resamples: int) -> str:
    unit = "clusters" if groups.clustered else "items"
    return f"{name} of {unit} by recomputation, {resamples:,} resamples (slow)"


def _interval(
    value: float, figure: Figure, groups: Groups, settings: InferenceSettings, progress: Progress
) -> tuple[Interval, tuple[str, ...]]:
    undefined, resamples = settings.undefined(value), min(settings.resamples, RECOMPUTES)
    if groups.n == 0:
        return undefined, (caveats.NO_ITEMS,)
    if not np.isfinite(value):
        return undefined, (caveats.UNDEFINED_VALUE,)
    if groups.count < 2:
        return undefined, (caveats.ONE_CLUSTER if groups.clustered else caveats.ONE_ITEM,)
    figures = []
    for rows in draws(groups, resamples, settings.seed):
        figures.append(figure(rows))
        progress()
    drawn: FloatArray = np.array(figures)
    known = np.sort(drawn[np.isfinite(drawn)])
    missing = 1 - len(known) / resamples
    if missing > _MAX_UNDEFINED:
        return undefined, (caveats.undefined_resamples(missing),)
    if known[0] == known[-1]:
        return undefined, (caveats.CONSTANT,)

    def limits(alpha: float) -> tuple[float, float]:
        return float(np.quantile(known, alpha)), float(np.quantile(known, 1 - alpha))

    warnings = caveats.kept(
        caveats.undefined_resamples(missing) if missing else None,
        caveats.few_for_bootstrap(groups.count, groups.clustered),
        caveats.SLOW,
    )
    return settings.interval(limits, float(np.std(known, ddof=1)), value), warnings


def draws(groups: Groups, resamples: int, seed: int) -> Iterator[IntArray]:
    """Rows of as many clusters as there are, drawn with replacement."""
    rng = np.random.default_rng([seed, 0])
    if groups.codes is None:
        for _ in range(resamples):
            yield rng.integers(0, groups.n, groups.n)
        return
    order = np.argsort(groups.codes, kind="stable")
    ends = np.cumsum(np.bincount(groups.codes, minlength=groups.count))
    members = np.split(order, ends[:-1])
    for _ in range(resamples):
        yield np.concatenate([members[pick] for pick in rng.integers(0, groups.count, groups.count)])
