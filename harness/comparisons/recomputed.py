"""Metrics that need the records themselves, recomputed on resampled records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.core.metric import Metric
from harness.core.records import Records
from harness.statistics.clusters import Groups
from harness.statistics.crossed_seeds import Crossed, crossed_recomputed
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.resampling.percentile_bootstrap import Progress, recomputed_difference, recomputed_estimate
from harness.statistics.result import Difference, Estimate

if TYPE_CHECKING:
    import pyarrow as pa

Rows = npt.NDArray[np.int64]

# Columns that say what an item is, not what a model did with it.
_GIVEN = ("item_id", "item_digest", "clusters", "slices", "tags", "overlap", "target")


def compare_recomputed(
    base: Records,
    candidate: Records,
    metric: Metric,
    positions: Rows,
    clusters: Sequence[str],
    *,
    settings: InferenceSettings = DEFAULT_INFERENCE,
    progress: Progress = lambda: None,
) -> Difference:
    """Compares two sides whose rows are the same items, on some of the rows.

    Raises:
        HarnessError: when the metric has no `recompute`.
    """
    import pyarrow as pa

    # By item id, so that the order in which a side was stored changes no resample.
    order = positions[np.argsort(np.array(base.item_ids)[positions], kind="stable")]
    ours, theirs = base.take(order), candidate.take(order)
    both = pa.concat_tables([ours.table, theirs.table], promote_options="default").combine_chunks()
    n = len(ours)

    def levels(rows: Rows, swapped: npt.NDArray[np.bool_]) -> tuple[float, float]:
        first, second = np.where(swapped, rows + n, rows), np.where(swapped, rows, rows + n)
        return (
            value_of(metric, Records(ours.head, both.take(pa.array(first)))),
            value_of(metric, Records(theirs.head, both.take(pa.array(second)))),
        )

    return recomputed_difference(
        levels,
        _groups(clusters, order),
        identical=_alike(ours.table, theirs.table),
        settings=settings,
        progress=progress,
    )


def level_recomputed(
    records: Records,
    metric: Metric,
    positions: Rows,
    clusters: Sequence[str],
    *,
    settings: InferenceSettings = DEFAULT_INFERENCE,
    progress: Progress = lambda: None,
) -> Estimate:
    """The level of one model on some of its rows.

    Raises:
        HarnessError: when the metric has no `recompute`.
    """
    order = positions[np.argsort(np.array(records.item_ids)[positions], kind="stable")]
    taken = records.take(order)
    return recomputed_estimate(
        lambda rows: value_of(metric, taken.take(rows)),
        _groups(clusters, order),
        settings=settings,
        progress=progress,
    )


def seeds_recomputed(
    base: Sequence[Records],
    candidate: Sequence[Records],
    metric: Metric,
    positions: Rows,
    clusters: Sequence[str],
    *,
    settings: InferenceSettings = DEFAULT_INFERENCE,
) -> Crossed:
    """A figure over training seeds by resampling the clusters of all seeds at once.

    Args:
        base, candidate: the same items in the same rows, one table a seed; no baseline for a level.
        clusters: of the rows at `positions`.
    """
    tables = [[records.take(positions) for records in side] for side in (base, candidate)]
    groups = Groups.of(clusters, len(positions))

    def figures(rows: Rows) -> tuple[list[float], list[float]]:
        first, second = ([value_of(metric, seed_records.take(rows)) for seed_records in side] for side in tables)
        return first, second

    alike = all(_alike(side[0].table, seed_records.table) for side in tables for seed_records in side[1:])
    return crossed_recomputed(figures, groups, alike, settings=settings)


def value_of(metric: Metric, records: Records) -> float:
    """The figure of a metric on records, by sums or by recomputation; NaN where it is undefined.

    Raises:
        HarnessError: when a metric of kind `recompute` has no method of that name.
    """
    if metric.kind != "recompute":
        rows = metric.stats(records)
        rows = rows[~np.isnan(rows).any(axis=1)]
        return float(metric.value(rows.sum(axis=0), float(len(rows)))) if len(rows) else float("nan")
    try:
        return float(metric.recompute(records))
    except (ValueError, ArithmeticError):
        # A resample may lack a class that the metric needs: undefined there, and counted.
        return float("nan")


def _groups(clusters: Sequence[str], order: Rows) -> Groups:
    return Groups.of([clusters[row] for row in order.tolist()], len(order))


def _alike(first: pa.Table, second: pa.Table) -> bool:
    names = [name for name in first.column_names if name not in _GIVEN]
    if names != [name for name in second.column_names if name not in _GIVEN]:
        return False
    return all(first.column(name).combine_chunks().equals(second.column(name).combine_chunks()) for name in names)
