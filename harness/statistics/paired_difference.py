"""Candidate minus baseline on identical items: the interval and the test that fit the kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.core.interval import NAN, Interval, number_or_nan
from harness.statistics import caveats
from harness.statistics.bootstrap import bca, evaluate
from harness.statistics.clean_rows import check_kind, linear_scale, prepare
from harness.statistics.distinct_rows import row_hashes
from harness.statistics.estimate import is_binary
from harness.statistics.paired_sample import MethodResult, PairedSample
from harness.statistics.power import mde
from harness.statistics.proportions import design_effect, mcnemar_exact, tango, tango_clustered
from harness.statistics.randomization import RandomizationTest, side_swap, sign_flip
from harness.statistics.result import Difference, FloatArray, Kind, Value
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
    sample = PairedSample(
        before, after, value, groups, values, delta, identical, confidence, levels, resamples, seed, only_test
    )
    ratio: Interval | None = None
    ratio_warning: str | None = None
    if fault is not None:
        outcome = MethodResult(
            Interval.undefined(confidence, levels), 1.0 if identical else NAN, "none", "none", (fault,)
        )
    elif scale is None:
        outcome = _additive(sample)
    elif kind == "mean" and scale == 1 and is_binary(before) and is_binary(after):
        outcome = _binary_clusters(sample) if groups.clustered else _binary(sample)
    else:
        outcome = _linear(sample, kind, scale)
    if fault is None and kind == "ratio" and scale is not None:
        ratio = _ratio(sample)
        ratio_warning = None if ratio is not None else caveats.NOT_POSITIVE
    interval = outcome.interval.with_value(delta)
    return Difference(
        delta=interval,
        ratio=ratio,
        p=1.0 if identical else outcome.p,
        test=outcome.test,
        n=groups.n,
        clusters=groups.count,
        mde=mde(number_or_nan(interval.standard_error)),
        discordant=outcome.discordant,
        identical=identical,
        method=outcome.method,
        weaknesses=caveats.kept(*ready.notes, *outcome.warnings, ratio_warning),
        base_value=values[0],
        candidate_value=values[1],
    )


def _binary(sample: PairedSample) -> MethodResult:
    n = sample.groups.n
    change = sample.candidate[:, 0] - sample.base[:, 0]
    fixed, broken = int(np.count_nonzero(change > 0)), int(np.count_nonzero(change < 0))
    error = clustered_standard_error(mean_influence(change), sample.groups, 1.0)
    interval = Interval.of(lambda alpha: tango(broken, fixed, n, alpha), sample.confidence, sample.alphas, error)
    return MethodResult(
        interval,
        mcnemar_exact(broken, fixed),
        "exact McNemar test",
        "Tango score interval",
        (caveats.few_discordant(fixed + broken, "items"),),
        (fixed + broken) / n,
    )


def _binary_clusters(sample: PairedSample) -> MethodResult:
    change = sample.candidate[:, 0] - sample.base[:, 0]
    discordant = float(np.mean(change != 0))
    drawn = sign_flip(change, sample.groups, sample.resamples, sample.seed)
    test, count = _swaps("sign flips of whole clusters", drawn, sample.resamples), sample.groups.count
    if count < 2:
        return MethodResult(sample.no_interval, NAN, test, "none", (caveats.ONE_CLUSTER,), discordant)
    fixed, broken = float(np.count_nonzero(change > 0)), float(np.count_nonzero(change < 0))
    error = clustered_standard_error(mean_influence(change), sample.groups, 1.0)
    effect, unknown = design_effect(broken, fixed, sample.groups, error)

    def limits(alpha: float) -> tuple[float, float]:
        return tango_clustered(broken, fixed, sample.groups.n, effect, count - 1, alpha)

    interval = Interval.of(limits, sample.confidence, sample.alphas, error)
    warnings = (
        caveats.CLUSTERS_AS_ITEMS if unknown else None,
        caveats.few_clusters_score(count),
        caveats.few_discordant(drawn.differing, "clusters"),
    )
    method = "Tango score interval with the effective number of items, t with clusters − 1 degrees of freedom"
    return MethodResult(interval, drawn.p, test, method, warnings, discordant)


def _linear(sample: PairedSample, kind: Kind, scale: float) -> MethodResult:
    if kind == "mean":
        change = scale * mean_influence(sample.candidate[:, 0] - sample.base[:, 0])
        return _t_or_wild(sample, change, np.full(sample.groups.n, 1 / sample.groups.n), "paired t interval")
    influence = ratio_influence(sample.candidate[:, 0], sample.candidate[:, 1]) - ratio_influence(
        sample.base[:, 0], sample.base[:, 1]
    )
    return _t_or_wild(sample, scale * influence, _shares(sample), "linearized ratio of sums, paired t interval")


def _shares(sample: PairedSample) -> FloatArray:
    """How much of the denominator every item holds, the mean of both sides."""
    parts = [side[:, 1] / side[:, 1].sum() for side in (sample.base, sample.candidate)]
    return np.asarray((parts[0] + parts[1]) / 2)


def _t_or_wild(sample: PairedSample, influence: FloatArray, shares: FloatArray, method: str) -> MethodResult:
    groups = sample.groups
    test = "paired t test"
    if groups.clustered:
        test, method = f"cluster-robust {test}", f"cluster-robust {method.removeprefix('cluster-robust ')}"
    error = clustered_standard_error(influence, groups, abs(sample.levels[0]) + abs(sample.levels[1]))
    if not error > 0:
        why = caveats.CONSTANT
        if sample.identical:
            why = caveats.IDENTICAL
        elif groups.count < 2:
            why = caveats.ONE_CLUSTER if groups.clustered else caveats.ONE_ITEM
        return MethodResult(sample.no_interval, NAN, test, method, (why,))
    if groups.clustered and groups.count < WILD_BELOW:
        wild = WildBootstrap.of(influence, shares, groups, sample.delta, sample.seed)
        return MethodResult(
            wild.interval(sample.confidence, sample.alphas),
            wild.p(),
            f"wild cluster bootstrap of t ({wild.weights})",
            f"{method.removesuffix(' interval')}, wild cluster bootstrap",
            (caveats.few_clusters_wild(groups.count), None if wild.bounded(sample.alphas) else caveats.UNBOUNDED),
        )
    interval = t_interval(sample.delta, error, groups.count - 1, sample.confidence, sample.alphas)
    few = caveats.few_clusters(groups.count, groups.clustered)
    return MethodResult(interval, t_test(sample.delta, error, groups.count - 1), test, method, (few,))


def _ratio(sample: PairedSample) -> Interval | None:
    """Candidate / baseline, with an interval made on the log scale; None unless both are positive."""
    if not (sample.levels[0] > 0 and sample.levels[1] > 0):
        return None
    log = float(np.log(sample.levels[1] / sample.levels[0]))
    influence = log_ratio_influence(sample.candidate[:, 0], sample.candidate[:, 1]) - log_ratio_influence(
        sample.base[:, 0], sample.base[:, 1]
    )
    error = clustered_standard_error(influence, sample.groups, 1.0)
    if error > 0 and sample.groups.clustered and sample.groups.count < WILD_BELOW:
        wild = WildBootstrap.of(influence, _shares(sample), sample.groups, log, sample.seed)
        interval = wild.interval(sample.confidence, sample.alphas)
    else:
        interval = t_interval(log, error, sample.groups.count - 1, sample.confidence, sample.alphas)
    return interval.mapped(lambda x: float(np.exp(x))).with_value(sample.levels[1] / sample.levels[0])


def _additive(sample: PairedSample) -> MethodResult:
    method = f"paired BCa bootstrap of {sample.unit}, {sample.resamples:,} resamples"
    if sample.identical:
        return MethodResult(sample.no_interval, 1.0, "identical", method, (caveats.IDENTICAL,))
    # The side that is called the first is chosen by content, so that an exchange of the sides
    # resamples alike and mirrors the result exactly.
    first, second, sign = sample.base, sample.candidate, 1.0
    if _fingerprint(first) > _fingerprint(second):
        first, second, sign = second, first, -1.0
    k = first.shape[1]

    def gap(sums: FloatArray, n: FloatArray) -> FloatArray:
        return evaluate(sample.value, sums[..., k:], n) - evaluate(sample.value, sums[..., :k], n)

    test = side_swap(first, second, sample.value, sample.groups, sample.resamples, sample.seed)
    p = test.p if sample.groups.count > 1 else NAN
    if sample.only_test:
        return MethodResult(
            sample.no_interval,
            p,
            _swaps(_SIDES.format(sample.unit), test, sample.resamples),
            "none",
        )
    drawn = bca(np.hstack([first, second]), gap, sample.groups, sample.resamples, sample.seed)
    interval = drawn.interval(sample.confidence, sample.alphas)
    return MethodResult(
        interval if sign > 0 else interval.negated(),
        p,
        _swaps(_SIDES.format(sample.unit), test, sample.resamples),
        method,
        (
            *drawn.weaknesses,
            caveats.few_for_bootstrap(sample.groups.count, sample.groups.clustered),
            caveats.few_differing(test.differing, sample.groups.clustered),
        ),
    )


def _fingerprint(rows: FloatArray) -> tuple[list[float], int]:
    return rows.sum(axis=0).tolist(), int(row_hashes(rows).sum(dtype=np.uint64))


def _swaps(name: str, test: RandomizationTest, resamples: int) -> str:
    return f"{name} ({'all of them' if test.exact else f'{resamples:,} samples'})"
