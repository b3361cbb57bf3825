"""Candidate minus baseline on identical items: the interval and the test that fit the kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.statistics import caveats
from harness.statistics.bootstrap import bca, evaluate
from harness.statistics.clean_rows import check_kind, linear_scale, prepare
from harness.statistics.distinct_rows import row_hashes
from harness.statistics.estimate import is_binary
from harness.statistics.paired_sample import Job, Made
from harness.statistics.power import mde
from harness.statistics.proportions import design_effect, mcnemar_exact, tango, tango_clustered
from harness.statistics.randomization import RandomizationTest, side_swap, sign_flip
from harness.statistics.result import NAN, Bounds, Difference, FloatArray, Interval, Kind, Value
from harness.statistics.t_intervals import (
    clustered_standard_error,
    log_ratio_influence,
    mean_influence,
    ratio_influence,
    t_interval,
    t_test,
)
from harness.statistics.wild_bootstrap import WILD_BELOW, WildBootstrap

_SIDES = "randomized swaps of the sides of {}"


@np.errstate(over="ignore", invalid="ignore")  # what leaves the range of floats is undefined, and said to be
def difference(
    base: FloatArray,
    candidate: FloatArray,
    *,
    kind: Kind,
    value: Value,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
    alphas: Sequence[float] = (0.05,),
    resamples: int = 10_000,
    seed: int = 0,
    only_test: bool = False,
) -> Difference:
    """Compares two sides row by row.

    | kind | clusters | interval | test |
    |---|---|---|---|
    | mean of 0/1 | none | Tango score | exact McNemar |
    | mean of 0/1 | yes | Tango score, effective number of items | sign flips of whole clusters |
    | mean, ratio | any | cluster-robust t (linearized for ratios) | the same t |
    | mean, ratio | below 40 | wild cluster bootstrap of t | the same |
    | additive | any | paired BCa bootstrap of clusters | side swaps of whole clusters |

    Args:
        base, candidate: [n, k] sufficient statistics, the same items in the same rows; rows that
            are NaN throughout on either side are left out.
        kind, value: as in `core.metric.Metric`.
        clusters: cluster id of each row; None when every row stands for itself.
        alphas: levels of the one-sided bounds.
        only_test: leave out intervals that would have to be bootstrapped; the p-value is the same.

    Returns:
        Undefined figures are NaN, and `weaknesses` say why. Exchanging the sides negates delta
        and mirrors every bound exactly; the order of the rows does not matter.

    Raises:
        HarnessError: when shapes do not fit, or for kind `recompute`.
    """
    levels = tuple(alphas)
    scale = linear_scale(kind)
    ready = prepare([base, candidate], clusters)
    (before, after), groups = ready.sides, ready.groups
    check_kind(kind, before, value)
    identical = ready.fault is None and bool(np.array_equal(before, after))
    values = (NAN, NAN)
    fault = ready.fault
    if fault is None:
        pair = evaluate(value, np.stack([before.sum(axis=0), after.sum(axis=0)]), np.full(2, float(groups.n)))
        values = (float(pair[0]), float(pair[1]))
        if kind == "ratio" and not (before[:, 1].sum() > 0 and after[:, 1].sum() > 0):
            fault, values = caveats.NO_DENOMINATOR, (NAN, NAN)
        elif not np.isfinite(pair).all():
            fault = caveats.UNDEFINED_VALUE
    delta = values[1] - values[0] if np.isfinite(values).all() else NAN
    job = Job(before, after, value, groups, values, delta, identical, confidence, levels, resamples, seed, only_test)
    ratio: tuple[float, Interval, str | None] = (NAN, Interval.undefined(()), None)
    if fault is not None:
        made = Made(Interval.undefined(levels), 1.0 if identical else NAN, "none", "none", (fault,))
    elif scale is None:
        made = _additive(job)
    elif kind == "mean" and scale == 1 and is_binary(before) and is_binary(after):
        made = _binary_clusters(job) if groups.clustered else _binary(job)
    else:
        made = _linear(job, kind, scale)
    if fault is None and kind == "ratio" and scale is not None:
        ratio = _ratio(job)
    error = made.interval.standard_error
    return Difference(
        delta=delta,
        low=made.interval.low,
        high=made.interval.high,
        confidence=confidence,
        bounds=made.interval.bounds,
        p=1.0 if identical else made.p,
        test=made.test,
        n=groups.n,
        clusters=groups.count,
        standard_error=error,
        mde=mde(error),
        discordant=made.discordant,
        identical=identical,
        method=made.method,
        weaknesses=caveats.kept(*ready.notes, *made.said, ratio[2]),
        ratio=ratio[0],
        ratio_low=ratio[1].low,
        ratio_high=ratio[1].high,
        ratio_bounds=ratio[1].bounds,
        base_value=values[0],
        candidate_value=values[1],
    )


def _binary(job: Job) -> Made:
    n = job.groups.n
    change = job.candidate[:, 0] - job.base[:, 0]
    fixed, broken = int(np.count_nonzero(change > 0)), int(np.count_nonzero(change < 0))
    error = clustered_standard_error(mean_influence(change), job.groups, 1.0)
    interval = Interval.of(lambda alpha: tango(broken, fixed, n, alpha), job.confidence, job.alphas, error)
    return Made(
        interval,
        mcnemar_exact(broken, fixed),
        "exact McNemar test",
        "Tango score interval",
        (caveats.few_discordant(fixed + broken, "items"),),
        (fixed + broken) / n,
    )


def _binary_clusters(job: Job) -> Made:
    change = job.candidate[:, 0] - job.base[:, 0]
    discordant = float(np.mean(change != 0))
    drawn = sign_flip(change, job.groups, job.resamples, job.seed)
    test, count = _swaps("sign flips of whole clusters", drawn, job.resamples), job.groups.count
    if count < 2:
        return Made(Interval.undefined(job.alphas), NAN, test, "none", (caveats.ONE_CLUSTER,), discordant)
    fixed, broken = float(np.count_nonzero(change > 0)), float(np.count_nonzero(change < 0))
    error = clustered_standard_error(mean_influence(change), job.groups, 1.0)
    effect, unknown = design_effect(broken, fixed, job.groups, error)

    def limits(alpha: float) -> tuple[float, float]:
        return tango_clustered(broken, fixed, job.groups.n, effect, count - 1, alpha)

    interval = Interval.of(limits, job.confidence, job.alphas, error)
    said = (
        caveats.CLUSTERS_AS_ITEMS if unknown else None,
        caveats.few_clusters_score(count),
        caveats.few_discordant(drawn.differing, "clusters"),
    )
    method = "Tango score interval with the effective number of items, t with clusters − 1 degrees of freedom"
    return Made(interval, drawn.p, test, method, said, discordant)


def _linear(job: Job, kind: Kind, scale: float) -> Made:
    if kind == "mean":
        change = scale * mean_influence(job.candidate[:, 0] - job.base[:, 0])
        return _student(job, change, np.full(job.groups.n, 1 / job.groups.n), "paired t interval")
    influence = ratio_influence(job.candidate[:, 0], job.candidate[:, 1]) - ratio_influence(
        job.base[:, 0], job.base[:, 1]
    )
    return _student(job, scale * influence, _shares(job), "linearized ratio of sums, paired t interval")


def _shares(job: Job) -> FloatArray:
    """How much of the denominator every item holds, the mean of both sides."""
    parts = [side[:, 1] / side[:, 1].sum() for side in (job.base, job.candidate)]
    return np.asarray((parts[0] + parts[1]) / 2)


def _student(job: Job, influence: FloatArray, shares: FloatArray, method: str) -> Made:
    groups = job.groups
    test = "paired t test"
    if groups.clustered:
        test, method = f"cluster-robust {test}", f"cluster-robust {method.removeprefix('cluster-robust ')}"
    error = clustered_standard_error(influence, groups, abs(job.levels[0]) + abs(job.levels[1]))
    if not error > 0:
        why = caveats.CONSTANT
        if job.identical:
            why = caveats.IDENTICAL
        elif groups.count < 2:
            why = caveats.ONE_CLUSTER if groups.clustered else caveats.ONE_ITEM
        return Made(Interval.undefined(job.alphas), NAN, test, method, (why,))
    if groups.clustered and groups.count < WILD_BELOW:
        wild = WildBootstrap.of(influence, shares, groups, job.delta, job.seed)
        return Made(
            wild.interval(job.confidence, job.alphas),
            wild.p(),
            f"wild cluster bootstrap of t ({wild.weights})",
            f"{method.removesuffix(' interval')}, wild cluster bootstrap",
            (caveats.few_clusters_wild(groups.count), None if wild.bounded(job.alphas) else caveats.UNBOUNDED),
        )
    interval = t_interval(job.delta, error, groups.count - 1, job.confidence, job.alphas)
    few = caveats.few_clusters(groups.count, groups.clustered)
    return Made(interval, t_test(job.delta, error, groups.count - 1), test, method, (few,))


def _ratio(job: Job) -> tuple[float, Interval, str | None]:
    """Candidate / baseline, with an interval made on the log scale."""
    if not (job.levels[0] > 0 and job.levels[1] > 0):
        return NAN, Interval.undefined(job.alphas), caveats.NOT_POSITIVE
    log = float(np.log(job.levels[1] / job.levels[0]))
    influence = log_ratio_influence(job.candidate[:, 0], job.candidate[:, 1]) - log_ratio_influence(
        job.base[:, 0], job.base[:, 1]
    )
    error = clustered_standard_error(influence, job.groups, 1.0)
    if error > 0 and job.groups.clustered and job.groups.count < WILD_BELOW:
        wild = WildBootstrap.of(influence, _shares(job), job.groups, log, job.seed)
        interval = wild.interval(job.confidence, job.alphas)
    else:
        interval = t_interval(log, error, job.groups.count - 1, job.confidence, job.alphas)
    return job.levels[1] / job.levels[0], interval.mapped(lambda x: float(np.exp(x))), None


def _additive(job: Job) -> Made:
    method = f"paired BCa bootstrap of {job.unit}, {job.resamples:,} resamples"
    if job.identical:
        return Made(Interval.undefined(job.alphas), 1.0, "identical", method, (caveats.IDENTICAL,))
    # The side that is called the first is chosen by content, so that an exchange of the sides
    # resamples alike and mirrors the result exactly.
    first, second, sign = job.base, job.candidate, 1.0
    if _fingerprint(first) > _fingerprint(second):
        first, second, sign = second, first, -1.0
    k = first.shape[1]

    def gap(sums: FloatArray, n: FloatArray) -> FloatArray:
        return evaluate(job.value, sums[..., k:], n) - evaluate(job.value, sums[..., :k], n)

    test = side_swap(first, second, job.value, job.groups, job.resamples, job.seed)
    p = test.p if job.groups.count > 1 else NAN
    if job.only_test:
        return Made(Interval.undefined(job.alphas), p, _swaps(_SIDES.format(job.unit), test, job.resamples), "none")
    drawn = bca(np.hstack([first, second]), gap, job.groups, job.resamples, job.seed)
    interval = drawn.interval(job.confidence, job.alphas)
    return Made(
        interval if sign > 0 else _mirrored(interval),
        p,
        _swaps(_SIDES.format(job.unit), test, job.resamples),
        method,
        (
            *drawn.weaknesses,
            caveats.few_for_bootstrap(job.groups.count, job.groups.clustered),
            caveats.few_differing(test.differing, job.groups.clustered),
        ),
    )


def _fingerprint(rows: FloatArray) -> tuple[list[float], int]:
    return rows.sum(axis=0).tolist(), int(row_hashes(rows).sum(dtype=np.uint64))


def _mirrored(interval: Interval) -> Interval:
    bounds: Bounds = {alpha: (-high, -low) for alpha, (low, high) in interval.bounds.items()}
    return replace(interval, low=-interval.high, high=-interval.low, bounds=bounds)


def _swaps(name: str, test: RandomizationTest, resamples: int) -> str:
    return f"{name} ({'all of them' if test.exact else f'{resamples:,} samples'})"
