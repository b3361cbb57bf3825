"""Candidate minus baseline on identical items: the interval and the test that fit the kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.core.interval import NAN, Interval, number_or_nan
from harness.core.metric_structure import PLAIN, MetricStructure
from harness.statistics import caveats
from harness.statistics.clean_rows import check_kind, linear_scale, prepare
from harness.statistics.clusters import Clusters, row_hashes
from harness.statistics.estimate import is_binary
from harness.statistics.group_spread import METHOD, GroupFigures
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.paired_sample import MethodResult, PairedSample
from harness.statistics.power import mde
from harness.statistics.proportions import design_effect, mcnemar_exact, tango, tango_clustered
from harness.statistics.resampling.bootstrap import bca, evaluate
from harness.statistics.resampling.randomization import RandomizationTest, side_swap, sign_flip
from harness.statistics.result import Difference, FloatArray, Kind, Value
from harness.statistics.t_intervals import (
    SETTLED,
    ClusterError,
    cluster_error,
    error_figure,
    jackknife_error,
    linear_figure,
    log_ratio_influence,
    mean_influence,
    ratio_influence,
    t_test,
)

_SIDES = "randomized swaps of the sides of {}"


@np.errstate(over="ignore", invalid="ignore")  # what leaves the range of floats is undefined, and said to be
def difference(
    base: FloatArray,
    candidate: FloatArray,
    *,
    kind: Kind,
    value: Value,
    clusters: Clusters = None,
    structure: MetricStructure = PLAIN,
    settings: InferenceSettings = DEFAULT_INFERENCE,
) -> Difference:
    """Compares two sides row by row.

    | kind | clusters | interval | test |
    |---|---|---|---|
    | mean of 0/1 | none | Tango score | exact McNemar |
    | mean of 0/1 | yes | Tango score, effective number of items | sign flips of whole clusters |
    | mean, ratio | any | cluster-robust t (linearized for ratios) | the same t |
    | additive | any | paired BCa bootstrap of clusters, never shorter than the jackknife's t | side swaps of clusters |
    | largest minus smallest | any | simultaneous pairwise differences | side swaps of clusters |

    Args:
        base, candidate: [n, k] sufficient statistics, the same items in the same rows; rows that
            are NaN throughout on either side are left out.
        kind, value: as in `core.metric.Metric`.
        clusters: cluster id of each row; None when every row stands for itself.
        structure: what the figure is made of, as `Metric.structure` says it.

    Returns:
        Undefined figures are NaN, and `weaknesses` say why. Exchanging the sides negates delta
        and mirrors every bound exactly; the order of the rows does not matter.

    Raises:
        HarnessError: when shapes do not fit, or for kind `recompute`.
    """
    scale = linear_scale(kind)
    ready = prepare([base, candidate], clusters, structure)
    groups = ready.groups
    before, after, noise = _without_noise(ready.sides[0], ready.sides[1], ready.structure)
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
    sample = PairedSample(before, after, value, groups, values, delta, identical, settings, ready.structure)
    ratio: Interval | None = None
    ratio_warning: str | None = None
    if fault is not None:
        outcome = MethodResult(settings.undefined(), 1.0 if identical else NAN, "none", "none", (fault,))
    else:
        outcome = _method(sample, kind, scale)
        if kind == "ratio" and scale is not None:
            alone = not groups.clustered and outcome.error.standard_error > 0
            ratio = _ratio(sample, outcome.error.df if alone else None)
            ratio_warning = None if ratio is not None else caveats.NOT_POSITIVE
    interval = outcome.interval.with_value(delta)
    p = 1.0 if identical else outcome.p
    # Identical sides have no variance that a method could take for granted: nothing is left unmet.
    unmet = () if identical else caveats.kept(*outcome.unmet)
    return Difference(
        delta=interval,
        ratio=ratio,
        p=p,
        test=outcome.test,
        n=groups.n,
        clusters=groups.count,
        n_eff=outcome.error.n_eff if fault is None else 0.0,
        mde=mde(number_or_nan(interval.standard_error)),
        discordant=outcome.discordant,
        identical=identical,
        method=outcome.method,
        weaknesses=caveats.kept(
            *ready.notes,
            caveats.WITHIN_TOLERANCE if noise and identical else None,
            *outcome.warnings,
            *unmet,
            ratio_warning,
            _disagreement(interval, p, outcome),
        ),
        unmet=unmet,
        base_value=values[0],
        candidate_value=values[1],
    )


def _method(sample: PairedSample, kind: Kind, scale: float | None) -> MethodResult:
    if sample.structure.spread is not None:
        return _spread(sample)
    if scale is None:
        return _additive(sample)
    binary = kind == "mean" and not sample.structure.area and is_binary(sample.base) and is_binary(sample.candidate)
    if binary:
        return _binary_clusters(sample) if sample.groups.clustered else _binary(sample)
    return _linear(sample, kind)


def _without_noise(
    base: FloatArray, candidate: FloatArray, structure: MetricStructure
) -> tuple[FloatArray, FloatArray, bool]:
    """The sides with both values at their middle where scoring cannot tell them apart.

    Returns:
        The sides, and whether any row was changed.
    """
    if not structure.nats:
        return base, candidate, False
    first, second = base[:, 0], candidate[:, 0]
    apart = np.abs(second - first)
    absolute, relative = structure.tolerance
    tie = (apart > 0) & (apart <= absolute + relative * np.maximum(np.abs(first), np.abs(second)))
    if not tie.any():
        return base, candidate, False
    middle, sides = (first + second) / 2, (base.copy(), candidate.copy())
    for side in sides:
        side[tie, 0] = middle[tie]
    return sides[0], sides[1], True


def _disagreement(interval: Interval, p: float, outcome: MethodResult) -> str | None:
    """Said where one row's interval and p lie on two sides of its level."""
    if interval.low is None or interval.high is None or not np.isfinite(p):
        return None
    if (interval.low > 0 or interval.high < 0) == (p < 1 - interval.confidence):
        return None
    return caveats.disagreement(outcome.test, outcome.method)


def _binary(sample: PairedSample) -> MethodResult:
    n = sample.groups.n
    change = sample.candidate[:, 0] - sample.base[:, 0]
    fixed, broken = int(np.count_nonzero(change > 0)), int(np.count_nonzero(change < 0))
    error = cluster_error(mean_influence(change), sample.groups, 1.0)
    interval = sample.settings.interval(lambda alpha: tango(broken, fixed, n, alpha), error.standard_error)
    return MethodResult(
        interval,
        mcnemar_exact(broken, fixed),
        "exact McNemar test",
        "Tango score interval",
        (caveats.few_discordant(fixed + broken, "items"),),
        (fixed + broken) / n,
        replace(error, n_eff=float(n)),
    )


def _binary_clusters(sample: PairedSample) -> MethodResult:
    change = sample.candidate[:, 0] - sample.base[:, 0]
    discordant = float(np.mean(change != 0))
    drawn = sign_flip(change, sample.groups, sample.settings.resamples, sample.settings.seed)
    test, count = _swaps("sign flips of whole clusters", drawn, sample.settings.resamples), sample.groups.count
    if count < 2:
        return MethodResult(sample.settings.undefined(), NAN, test, "none", (caveats.ONE_CLUSTER,), discordant)
    fixed, broken = float(np.count_nonzero(change > 0)), float(np.count_nonzero(change < 0))
    error = cluster_error(mean_influence(change), sample.groups, 1.0)
    effect = design_effect(broken, fixed, sample.groups.n, error.standard_error)
    # Clusters that do not differ at all say nothing of their variance: each counts as one item.
    unknown = not np.isfinite(effect)
    effect = sample.groups.n / error.n_eff if unknown else effect

    def limits(alpha: float) -> tuple[float, float]:
        return tango_clustered(broken, fixed, sample.groups.n, effect, error.df, alpha)

    interval = sample.settings.interval(limits, error.standard_error)
    warnings = (
        caveats.CLUSTERS_AS_ITEMS if unknown else None,
        caveats.few_clusters_score(count),
        caveats.unequal_clusters(error.df, count),
        caveats.few_discordant(drawn.differing, "clusters"),
    )
    method = "Tango score interval with the effective number of items, t with Satterthwaite's degrees of freedom"
    return MethodResult(interval, drawn.p, test, method, warnings, discordant, error)


def _linear(sample: PairedSample, kind: Kind) -> MethodResult:
    groups = sample.groups
    test = "paired t test"
    method = "paired t interval" if kind == "mean" else "linearized ratio of sums, paired t interval"
    if groups.clustered:
        test, method = f"cluster-robust {test}", f"cluster-robust {method}"
    if kind == "mean":
        influence = mean_influence(sample.candidate[:, 0] - sample.base[:, 0])
    else:
        influence = ratio_influence(*sample.candidate.T) - ratio_influence(*sample.base.T)
    scale = abs(sample.levels[0]) + abs(sample.levels[1])
    made = linear_figure(sample.delta, influence, groups, scale, sample.settings, _weights(sample, kind))
    if made.error.standard_error > 0:
        p = t_test(sample.delta, made.error.standard_error, made.error.df)
        rare = caveats.rare_parts(sample.structure)
        return MethodResult(made.interval, p, test, method, made.warnings, error=made.error, unmet=(*made.unmet, rare))
    if sample.identical or groups.count < 2:
        why = caveats.ONE_CLUSTER if groups.clustered else caveats.ONE_ITEM
        why = caveats.IDENTICAL if sample.identical else why
        return MethodResult(sample.settings.undefined(), NAN, test, method, (why,), error=made.error)
    exactly = sample.settings.exactly(sample.delta)
    if sample.structure.settled:
        return MethodResult(exactly, NAN, "none", SETTLED, error=made.error)
    # All clusters moved alike: of the sign patterns only two are as extreme.
    p = min(1.0, 2.0 ** (1 - groups.count))
    return MethodResult(
        exactly, p, "sign flips of whole clusters", "every item changes alike", (caveats.CONSTANT_SHIFT,),
        error=made.error,
    )  # fmt: skip


def _weights(sample: PairedSample, kind: Kind) -> FloatArray | None:
    """How much of the denominator every item holds, the mean of both sides; None where items weigh alike."""
    if kind != "ratio":
        return sample.structure.weights
    parts = [side[:, 1] / side[:, 1].sum() for side in (sample.base, sample.candidate)]
    return np.asarray((parts[0] + parts[1]) / 2)


def _ratio(sample: PairedSample, df: float | None) -> Interval | None:
    """Candidate / baseline, with an interval made on the log scale; None unless both are positive.

    Args:
        df: degrees of freedom of the difference, which has the same weights, where no item shares a cluster.
    """
    if not (sample.levels[0] > 0 and sample.levels[1] > 0):
        return None
    log = float(np.log(sample.levels[1] / sample.levels[0]))
    influence = log_ratio_influence(*sample.candidate.T) - log_ratio_influence(*sample.base.T)
    weights = _weights(sample, "ratio")
    made = linear_figure(log, influence, sample.groups, 1.0, sample.settings, weights, df)
    interval = made.interval
    if not made.error.standard_error > 0 and not sample.identical and sample.groups.count > 1:
        interval = sample.settings.exactly(log)
    return interval.mapped(lambda x: float(np.exp(x))).with_value(sample.levels[1] / sample.levels[0])


def _additive(sample: PairedSample) -> MethodResult:
    settings, undefined = sample.settings, sample.settings.undefined()
    method = f"paired BCa bootstrap of {sample.unit}, {settings.resamples:,} resamples"
    if sample.identical:
        return MethodResult(undefined, 1.0, "identical", method, (caveats.IDENTICAL,), error=_counted(sample))
    # The side that is called the first is chosen by content, so that an exchange of the sides
    # resamples alike and mirrors the result exactly.
    first, second, sign = _ordered(sample)
    k = first.shape[1]

    def gap(sums: FloatArray, n: FloatArray) -> FloatArray:
        return evaluate(sample.value, sums[..., k:], n) - evaluate(sample.value, sums[..., :k], n)

    test = side_swap(first, second, sample.value, sample.groups, settings.resamples, settings.seed)
    p = test.p if sample.groups.count > 1 else NAN
    name = _swaps(_SIDES.format(sample.unit), test, settings.resamples)
    if settings.only_test:
        return MethodResult(undefined, p, name, "none")
    rows = np.hstack([first, second])
    drawn = bca(rows, gap, sample.groups, settings.resamples, settings.seed)
    scale = abs(sample.levels[0]) + abs(sample.levels[1])
    error = jackknife_error(rows, gap, sample.groups, scale, sample.structure.weights, drawn)
    made = error_figure((sign or 1.0) * sample.delta, error, sample.groups, settings)
    interval = drawn.interval(settings.confidence, settings.alphas).covering(made.interval)
    weaknesses = drawn.weaknesses
    if caveats.CONSTANT in weaknesses and sample.groups.count > 1:
        # Every resample moves alike, as where all right answers became wrong ones.
        delta = (sign or 1.0) * sample.delta
        interval = settings.exactly(delta)
        weaknesses = (caveats.CONSTANT_SHIFT,)
    clustered = sample.groups.clustered
    return MethodResult(
        _oriented(interval, sign),
        p,
        name,
        method,
        (
            *weaknesses,
            caveats.few_for_bootstrap(sample.groups.count, clustered),
            caveats.few_differing(test.differing, clustered),
            *(made.warnings if clustered else ()),
        ),
        error=made.error,
        unmet=(
            caveats.rare_parts(sample.structure),
            caveats.too_few_differing(test.differing, clustered),
            *made.unmet,
        ),
    )


def _spread(sample: PairedSample) -> MethodResult:
    """The change of a largest minus smallest; sides are called first by content, as in `_additive`."""
    first, second, sign = _ordered(sample)
    settings, undefined = sample.settings, sample.settings.undefined()
    if sample.identical:
        return MethodResult(undefined, 1.0, "identical", METHOD, (caveats.IDENTICAL,), error=_counted(sample))
    test = side_swap(first, second, sample.value, sample.groups, settings.resamples, settings.seed)
    name = _swaps(_SIDES.format(sample.unit), test, settings.resamples)
    p = test.p if sample.groups.count > 1 else NAN
    if settings.only_test:
        return MethodResult(undefined, p, name, "none")
    figures = GroupFigures.of((first, second), sample.structure, sample.groups)
    if figures is None:
        return MethodResult(undefined, p, name, METHOD, (caveats.NO_INFLUENCE,), error=_counted(sample))
    interval = figures.interval(settings)
    k = first.shape[1]
    error = jackknife_error(
        np.hstack([first, second]),
        lambda sums, n: sample.value(sums[..., k:], n) - sample.value(sums[..., :k], n),
        sample.groups,
        abs(sample.levels[0]) + abs(sample.levels[1]),
    )
    return MethodResult(
        _oriented(interval, sign), p, name, METHOD, figures.notes(settings.seed), error=error,
        unmet=figures.unmet(),
    )  # fmt: skip


def _counted(sample: PairedSample) -> ClusterError:
    """The evidence of sides that do not vary."""
    return cluster_error(np.zeros(sample.groups.n), sample.groups, 1.0, sample.structure.weights)


def _ordered(sample: PairedSample) -> tuple[FloatArray, FloatArray, float]:
    """The side that is called the first, by content, the other one, and the sign that this gives the difference.

    An exchange of the sides then resamples alike and mirrors the result exactly. The sign is 0 where an exchange
    gives the same pairs again.
    """
    here, there = sample.base.sum(axis=0).tolist(), sample.candidate.sum(axis=0).tolist()
    order = (here < there) - (here > there)
    if not order:
        pairs = _fingerprint(sample.base, sample.candidate), _fingerprint(sample.candidate, sample.base)
        order = (pairs[0] < pairs[1]) - (pairs[0] > pairs[1])
    sides = (sample.base, sample.candidate) if order >= 0 else (sample.candidate, sample.base)
    return *sides, float(order)


def _oriented(interval: Interval, sign: float) -> Interval:
    if sign == 0:
        return interval.covering(interval.negated())
    return interval if sign > 0 else interval.negated()


def _fingerprint(first: FloatArray, second: FloatArray) -> int:
    """Which side comes first where their sums are equal: by its pairs with the other."""
    return int(row_hashes(np.hstack([first, second])).sum(dtype=np.uint64))


def _swaps(name: str, test: RandomizationTest, resamples: int) -> str:
    return f"{name} ({'all of them' if test.exact else f'{resamples:,} samples'})"
