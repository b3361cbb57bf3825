"""What is said about an interval or a test that deserves less trust than its digits suggest."""

from __future__ import annotations

from harness.core.metric_structure import MetricStructure

FEW_CLUSTERS = 20
FEW_ITEMS = 50
FEW_FOR_BOOTSTRAP = 200
FEW_DISCORDANT = 10
FEW_DIFFERING = 50
TOO_FEW_DIFFERING = 10
SMALL_GROUP = 5
RARE = 40
DOMINATED = 0.5
SKEWED = 0.2
FEW_DF = 5.0

NO_ITEMS = "no item applies to this metric: nothing is estimated."
ONE_CLUSTER = "all items are in one cluster, which says nothing about the variation between clusters."
ONE_ITEM = "one item says nothing about the variation between items."
CONSTANT_SHIFT = (
    "every item changes by the same amount: the change is judged as it is, and nothing is known beyond these items."
)
WITHIN_TOLERANCE = (
    "identical within tolerance: no item differs by more than its log-likelihood is exact to "
    "(1e-4 nats + 2e-6 of its size)."
)
CARRIED_BY_FEW = (
    "one or two {} carry nearly all of the variance: no method holds its level here, so the figure decides nothing."
)
SPREAD_OVER_SEEDS = (
    "a largest minus smallest over groups has no bound over training seeds that holds for a fair model: it decides "
    "nothing here."
)
SLOW_SEEDS = "the metric was recomputed on every resample of the items, for all seeds at once."
CONSTANT = "every item has the same value: the variance, and thus the interval, cannot be estimated."
IDENTICAL = "the two sides are identical on every item: there is no variance to estimate an interval from."
UNDEFINED_VALUE = "the metric is undefined on these items."
NOT_POSITIVE = "a side is not positive: the ratio is undefined."
NO_DENOMINATOR = "the denominator is not positive: the metric is undefined."
OUTSIDE = "the bootstrap values all lie on one side of the estimate: BCa is undefined."
NO_ACCELERATION = "leaving one cluster out makes the metric undefined: the interval is bias-corrected, not accelerated."
NO_INFLUENCE = "leaving one cluster out makes the metric undefined: its variance over seeds and items is unknown."
FEW_SEEDS = "fewer than three training seeds: the results describe these checkpoints, not the recipe."
SLOW = (
    "the metric has no sufficient statistics: it was recomputed on every resample, "
    "and its interval is neither bias-corrected nor accelerated."
)
CLUSTERS_AS_ITEMS = (
    "the clusters do not differ, so their variance is unknown: the interval counts every cluster as one item."
)

NO_INTERVAL = (
    NO_ITEMS,
    NO_DENOMINATOR,
    UNDEFINED_VALUE,
    IDENTICAL,
    ONE_ITEM,
    ONE_CLUSTER,
    CONSTANT,
    OUTSIDE,
)
"""Reasons for which there is no interval at all; gates say them where they cannot judge."""


OPEN = (CONSTANT, OUTSIDE, NO_INFLUENCE)
"""Reasons for which a figure has no bounds although it is known: too little evidence, and no error."""


def skewed(skew: float, clustered: bool) -> str | None:
    """Said of t intervals: by Edgeworth's expansion a bound at z = 1.645 errs by φ(z)·(2z² + 1)·skew/6 more."""
    if skew <= SKEWED:
        return None
    what = "clusters" if clustered else "items"
    return (
        f"the {what} are skewed: a one-sided 95% bound on the side of their long tail errs in about "
        f"{5 + 11 * min(skew, DOMINATED):.0f}% instead of 5%."
    )


def few_clusters(count: int, clustered: bool) -> str | None:
    least = FEW_CLUSTERS if clustered else FEW_ITEMS
    if count >= least:
        return None
    what = "clusters" if clustered else "items"
    return (
        f"only {count} {what}: the t interval assumes nearly normal means, and its coverage may be off below {least}."
    )


def unequal_clusters(df: float, count: int) -> str | None:
    """Said where few large clusters decide a figure, whatever the number of all of them."""
    if df >= FEW_DF or count - 1 < FEW_DF:
        return None
    return (
        f"few large clusters decide this figure: its {count} clusters are worth {df:.1f} degrees of freedom, "
        "which widens the interval."
    )


def rare_parts(structure: MetricStructure) -> str | None:
    """A precondition of figures that average over classes: the rare ones need items too.

    Of K classes with m_j items an item weighs 1/(K·m_j); Kish's number of those weights is K²/Σ(1/m_j).
    """
    counts = structure.part_sizes() if structure.spread is None else {}
    if not counts:
        return None
    name, count = min(counts.items(), key=lambda part: part[1])
    evidence = len(counts) ** 2 / sum(1 / size for size in counts.values())
    if evidence >= RARE:
        return None
    items = "item" if count == 1 else "items"
    return (
        f"{name} has only {count} {items}, and counts as much as the others: the figure is worth {evidence:.0f} items "
        f"of equal weight, and intervals are too short below {RARE}."
    )


def small_group(count: int, clustered: bool) -> str:
    what = "clusters" if clustered else "items"
    return f"the smallest group has only {count} {what}: below {SMALL_GROUP} no bound on its figure holds."


def spread_of_a_fair_model(groups: int, fair: float) -> str:
    return (
        f"a largest minus smallest lies above the true one: {groups} groups without any difference would show about "
        f"{fair:.2g} here. The interval allows for it."
    )


def too_few_differing(count: int, clustered: bool) -> str | None:
    """A precondition of resampling: what carries the interval is where the sides differ."""
    if count >= TOO_FEW_DIFFERING:
        return None
    what = "clusters" if clustered else "items"
    return f"the sides differ on only {count} {what}: a resampled interval needs at least {TOO_FEW_DIFFERING}."


def disagreement(test: str, method: str) -> str:
    return f"the interval ({method}) and the test ({test}) are by different methods, and disagree near the edge."


def few_clusters_score(count: int) -> str | None:
    if count >= FEW_CLUSTERS:
        return None
    return f"only {count} clusters: their variance is itself uncertain, which widens the interval."


def few_for_bootstrap(count: int, clustered: bool) -> str | None:
    if count >= FEW_FOR_BOOTSTRAP:
        return None
    what = "clusters" if clustered else "items"
    return f"only {count} {what}: bootstrap intervals are too short below {FEW_FOR_BOOTSTRAP}."


def few_differing(count: int, clustered: bool) -> str | None:
    """Said of paired bootstraps: what carries the interval is where the sides differ."""
    if count >= FEW_DIFFERING:
        return None
    what = "clusters" if clustered else "items"
    return (
        f"the sides differ on only {count} {what}: a 95% bootstrap interval of an F1 difference "
        "covered 82% in simulation with about 5 that differ, 92% with 18, 93% with 36."
    )


def few_discordant(count: int, what: str) -> str | None:
    if count >= FEW_DISCORDANT:
        return None
    return f"only {count} {what} differ: the interval and the test have little evidence."


def infinite(count: int) -> str:
    return f"{count} items have an infinite statistic: nothing is estimated."


def partly_missing(count: int) -> str:
    return f"{count} items have some statistics but not all: nothing is estimated."


def one_sided(count: int) -> str:
    return f"{count} items apply to the metric on one side only (a tie, for example) and are excluded from the pairs."


def undefined_resamples(share: float) -> str:
    return f"the metric is undefined on {share:.1%} of the resamples, which are excluded."


def kept(*texts: str | None) -> tuple[str, ...]:
    """The texts that are there, in order, without repeats."""
    return tuple(dict.fromkeys(text for text in texts if text is not None))
