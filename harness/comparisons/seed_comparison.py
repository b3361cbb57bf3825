"""Several checkpoints of one recipe, trained with different seeds, on the same items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.comparisons.recomputed import seeds_recomputed
from harness.comparisons.slices import slice_rows
from harness.core.interval import Interval, finite
from harness.core.metric import Metric
from harness.core.records import Records
from harness.schema.results.metrics import ComparisonResult, MetricResult, SeedsResult
from harness.statistics.crossed_seeds import RECIPE, Crossed, crossed
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings

_METHOD = "training seeds crossed with {}: t with {} degrees of freedom on V_seeds + V_items − V_interaction"


def compared_over_seeds(
    results: Sequence[ComparisonResult],
    base: Sequence[Records],
    candidate: Sequence[Records],
    metric: Metric,
    *,
    settings: InferenceSettings = DEFAULT_INFERENCE,
) -> list[ComparisonResult]:
    """Adds `seeds` to the comparisons of one metric, overall and by slice.

    Args:
        results: what `compare` found between the first checkpoints of both sides.
        base, candidate: records of every checkpoint, first seed first; one for a fixed checkpoint.
    """
    if max(len(base), len(candidate)) < 2:
        return list(results)
    return [
        result if seeds is None else result.model_copy(update={"seeds": seeds})
        for result, seeds in zip(results, _by_slice(results, base, candidate, metric, settings), strict=True)
    ]


def levels_over_seeds(
    results: Sequence[MetricResult],
    records: Sequence[Records],
    metric: Metric,
    *,
    settings: InferenceSettings = DEFAULT_INFERENCE,
) -> list[MetricResult]:
    """Adds `seeds` to the levels of one metric, overall and by slice."""
    if len(records) < 2:
        return list(results)
    return [
        result if seeds is None else result.model_copy(update={"seeds": seeds})
        for result, seeds in zip(results, _by_slice(results, [], records, metric, settings), strict=True)
    ]


def _by_slice(
    results: Sequence[MetricResult] | Sequence[ComparisonResult],
    base: Sequence[Records],
    candidate: Sequence[Records],
    metric: Metric,
    settings: InferenceSettings,
) -> list[SeedsResult | None]:
    seeds = [[records.head.seed for records in side] for side in (base, candidate)]
    coverage = [[float(records.ok.mean()) if len(records) else 0.0 for records in side] for side in (base, candidate)]

    def said(over_seeds: Crossed | None, fault: str | None = None) -> SeedsResult:
        result = _result(over_seeds, seeds[0], seeds[1], fault)
        return result.model_copy(
            update={"coverage": coverage[1], "baseline_coverage": coverage[0] if len(base) > 1 else []}
        )

    try:
        aligned = _aligned([*base, *candidate])
        rows = [] if metric.kind == "recompute" else [metric.stats(records) for records in aligned]
    except (KeyError, _UnalignedError) as error:
        return [said(None, str(error.args[0]) if error.args else "a statistic is missing") for _ in results]
    first = aligned[0]
    clusters = first.clusters(metric.cluster_unit)
    structure = metric.structure(first)
    everything = np.arange(len(first))
    slices = slice_rows(first, everything)

    def on(result: MetricResult | ComparisonResult) -> SeedsResult | None:
        if result.status != "ok":
            return None
        positions = everything if result.slice is None else slices.get(result.slice)
        if positions is None or not len(positions):
            return said(None, "no item is answered readably by every training seed")
        inside = [clusters[row] for row in positions.tolist()]
        if metric.kind == "recompute":
            sides = aligned[: len(base)], aligned[len(base) :]
            return said(seeds_recomputed(*sides, metric, positions, inside, settings=settings))
        return said(
            crossed(
                [column[positions] for column in rows[: len(base)]],
                [column[positions] for column in rows[len(base) :]],
                kind=metric.kind,
                value=metric.value,
                clusters=inside,
                structure=structure.take(positions),
                settings=settings,
            )
        )

    return [on(result) for result in results]


class _UnalignedError(Exception):
    """The seeds share no items that could be judged together."""


def _aligned(records: Sequence[Records]) -> list[Records]:
    """The items that every checkpoint answered readably, in one order.

    Raises:
        _UnalignedError: when there is none, or contents differ.
    """
    readable = [table.take(table.ok) for table in records]
    shared = sorted(set[str].intersection(*(set(table.item_ids) for table in readable)))
    if not shared:
        raise _UnalignedError("no item is answered readably by every training seed")
    taken = []
    for table in readable:
        place = {item: row for row, item in enumerate(table.item_ids)}
        taken.append(table.take(np.array([place[item] for item in shared], dtype=np.int64)))
    digests = taken[0].texts("item_digest")
    if any(table.texts("item_digest") != digests for table in taken[1:]):
        raise _UnalignedError("the training seeds answered different items under the same ids")
    return taken


def _result(
    over_seeds: Crossed | None, base: Sequence[int], candidate: Sequence[int], fault: str | None
) -> SeedsResult:
    known = {"seeds": list(candidate), "baseline_seeds": list(base) if len(base) > 1 else []}
    if over_seeds is None:
        return SeedsResult(
            level_of_inference="checkpoint", **known, values=[], interval=Interval(), df=0, n=0, clusters=0,
            method="none", fault=fault, weaknesses=[fault] if fault else [],
        )  # fmt: skip
    interval, ratio = over_seeds.interval, over_seeds.ratio
    unit = "clusters" if over_seeds.clusters < over_seeds.n else "items"
    enough = len(candidate) >= RECIPE and (len(base) <= 1 or len(base) >= RECIPE)
    df = f"{over_seeds.df:.3g}"
    return SeedsResult(
        level_of_inference="recipe" if enough and (interval.known or over_seeds.seeds_identical) else "checkpoint",
        **known,
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
        n_eff=finite(over_seeds.n_eff),
        seeds_identical=over_seeds.seeds_identical,
        method=_METHOD.format(unit, df),
        weaknesses=list(over_seeds.warnings),
        unmet=list(over_seeds.unmet),
        fault=_no_recipe(over_seeds, enough),
    )


def _no_recipe(over_seeds: Crossed, enough: bool) -> str | None:
    """Why there is no figure of the recipe although enough seeds were trained."""
    if not enough or over_seeds.interval.known or over_seeds.seeds_identical:
        return None
    return over_seeds.warnings[0] if over_seeds.warnings else "no interval over the training seeds is defined"
