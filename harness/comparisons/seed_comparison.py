"""Several checkpoints of one recipe, trained with different seeds, on the same items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.comparisons.slices import slice_rows
from harness.core.interval import finite
from harness.core.metric import Metric
from harness.core.records import Records
from harness.schema.results.metrics import ComparisonResult, MetricResult, SeedsResult
from harness.statistics.crossed_seeds import RECIPE, Crossed, crossed

_METHOD = "training seeds crossed with {}: t with {} degrees of freedom on V_seeds + V_items − V_interaction"


def compared_over_seeds(
    results: Sequence[ComparisonResult],
    base: Sequence[Records],
    candidate: Sequence[Records],
    metric: Metric,
    *,
    alphas: Sequence[float] = (0.05,),
    confidence: float = 0.95,
) -> list[ComparisonResult]:
    """Adds `seeds` to the comparisons of one metric, overall and by slice.

    Args:
        results: what `compare` found between the first checkpoints of both sides.
        base, candidate: records of every checkpoint, first seed first; one for a fixed checkpoint.
    """
    if max(len(base), len(candidate)) < 2 or metric.kind == "recompute":
        return list(results)
    return [
        result if seeds is None else result.model_copy(update={"seeds": seeds})
        for result, seeds in zip(results, _by_slice(results, base, candidate, metric, alphas, confidence), strict=True)
    ]


def levels_over_seeds(
    results: Sequence[MetricResult],
    records: Sequence[Records],
    metric: Metric,
    *,
    alphas: Sequence[float] = (0.05,),
    confidence: float = 0.95,
) -> list[MetricResult]:
    """Adds `seeds` to the levels of one metric, overall and by slice."""
    if len(records) < 2 or metric.kind == "recompute":
        return list(results)
    return [
        result if seeds is None else result.model_copy(update={"seeds": seeds})
        for result, seeds in zip(results, _by_slice(results, [], records, metric, alphas, confidence), strict=True)
    ]


def _by_slice(
    results: Sequence[MetricResult] | Sequence[ComparisonResult],
    base: Sequence[Records],
    candidate: Sequence[Records],
    metric: Metric,
    alphas: Sequence[float],
    confidence: float,
) -> list[SeedsResult | None]:
    aligned = _aligned([*base, *candidate])
    if aligned is None:
        return [None] * len(results)
    try:
        rows = [metric.stats(records) for records in aligned]
    except KeyError:
        return [None] * len(results)
    first = aligned[0]
    clusters = first.clusters(metric.cluster_unit)
    everything = np.arange(len(first))
    slices = slice_rows(first, everything)
    seeds = [[records.head.seed for records in side] for side in (base, candidate)]

    def on(result: MetricResult | ComparisonResult) -> SeedsResult | None:
        if result.status != "ok":
            return None
        positions = everything if result.slice is None else slices.get(result.slice)
        if positions is None or not len(positions):
            return None
        over_seeds = crossed(
            [one[positions] for one in rows[: len(base)]],
            [one[positions] for one in rows[len(base) :]],
            kind=metric.kind,
            value=metric.value,
            clusters=[clusters[row] for row in positions.tolist()],
            confidence=confidence,
            alphas=alphas,
        )
        return _result(over_seeds, seeds[0], seeds[1])

    return [on(result) for result in results]


def _aligned(records: Sequence[Records]) -> list[Records] | None:
    """The items that every checkpoint answered readably, in one order; None when contents differ."""
    readable = [one.take(one.ok) for one in records]
    shared = sorted(set[str].intersection(*(set(one.item_ids) for one in readable)))
    taken = []
    for one in readable:
        place = {item: row for row, item in enumerate(one.item_ids)}
        taken.append(one.take(np.array([place[item] for item in shared], dtype=np.int64)))
    digests = taken[0].texts("item_digest")
    return taken if all(one.texts("item_digest") == digests for one in taken[1:]) else None


def _result(over_seeds: Crossed, base: Sequence[int], candidate: Sequence[int]) -> SeedsResult:
    interval, ratio = over_seeds.interval, over_seeds.ratio
    unit = "clusters" if over_seeds.clusters < over_seeds.n else "items"
    enough = len(candidate) >= RECIPE and (len(base) <= 1 or len(base) >= RECIPE)
    return SeedsResult(
        level_of_inference="recipe" if enough and (interval.known or over_seeds.seeds_identical) else "checkpoint",
        seeds=list(candidate),
        baseline_seeds=list(base) if len(base) > 1 else [],
        values=[finite(value) for value in over_seeds.values],
        interval=interval if interval.known else interval.only(()),
        ratio=ratio if ratio is None or ratio.known else ratio.only(()),
        p=finite(over_seeds.p),
        variance_seeds=finite(over_seeds.seed),
        variance_items=finite(over_seeds.items),
        variance_interaction=finite(over_seeds.interaction),
        df=over_seeds.df,
        n=over_seeds.n,
        clusters=over_seeds.clusters,
        seeds_identical=over_seeds.seeds_identical,
        method=_METHOD.format(unit, over_seeds.df),
        weaknesses=list(over_seeds.warnings),
    )
