"""From rows as metrics give them to rows that can be computed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.errors import HarnessError
from harness.core.metric_structure import PLAIN, MetricStructure
from harness.statistics import caveats
from harness.statistics.clusters import Clusters, Groups, clusters_at
from harness.statistics.result import FloatArray, Kind, Value

_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Prepared:
    """One or two sides without the rows that are not part of the metric.

    Attributes:
        sides: [n, k] finite rows of each side, the same items in each.
        groups: clusters of the rows that are left.
        fault: why nothing can be estimated, or None.
        notes: weaknesses that came to light.
        structure: that of the rows that are left.
    """

    sides: tuple[FloatArray, ...]
    groups: Groups
    fault: str | None
    notes: tuple[str, ...]
    structure: MetricStructure = PLAIN


def prepare(sides: Sequence[FloatArray], clusters: Clusters, structure: MetricStructure = PLAIN) -> Prepared:
    """Leaves out rows that are NaN on any side; finds what forbids an estimate.

    Raises:
        HarnessError: when the sides do not have the same shape, or clusters another length.
    """
    arrays = [np.asarray(side, dtype=np.float64) for side in sides]
    shape = arrays[0].shape
    if len(shape) != 2 or any(array.shape != shape for array in arrays):
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise HarnessError(f"expected statistics of one shape [items, columns], found {shapes}.")
    if clusters is not None and len(clusters) != shape[0]:
        raise HarnessError(f"expected one cluster id for each of {shape[0]} items, found {len(clusters)}.")
    partly = uneven = infinite = 0
    if not all(bool(np.isfinite(array).all()) for array in arrays):
        missing = [np.isnan(array) for array in arrays]
        absent = [mask.all(axis=1) for mask in missing]
        partly = sum(
            int(np.count_nonzero(mask.any(axis=1) & ~gone)) for mask, gone in zip(missing, absent, strict=True)
        )
        gone = np.logical_or.reduce(absent)
        uneven = int(np.count_nonzero(gone & ~np.logical_and.reduce(absent)))
        if gone.any():
            keep = np.flatnonzero(~gone)
            arrays = [array[keep] for array in arrays]
            clusters = clusters_at(clusters, keep)
            structure = structure.take(keep)
        infinite = int(np.count_nonzero(np.logical_or.reduce([np.isinf(array).any(axis=1) for array in arrays])))
    groups = Groups.of(clusters, len(arrays[0]))
    fault = None
    if partly:
        fault = caveats.partly_missing(partly)
    elif infinite:
        fault = caveats.infinite(infinite)
    elif groups.n == 0:
        fault = caveats.NO_ITEMS
    notes = caveats.kept(fault, caveats.one_sided(uneven) if uneven else None)
    return Prepared(tuple(arrays), groups, fault, notes, structure)


def linear_scale(kind: Kind) -> float | None:
    """1 where the value is linear in its rows (a mean, a ratio of sums), None where it need not be.

    Raises:
        HarnessError: for metrics that must be recomputed from their records.
    """
    if kind == "recompute":
        raise HarnessError(
            "metrics of kind 'recompute' have no sufficient statistics to compare.",
            hint="use `recomputed_difference`, or give the metric as kind 'mean', 'ratio' or 'additive'.",
        )
    return None if kind == "additive" else 1.0


def check_kind(kind: Kind, rows: FloatArray, value: Value) -> None:
    """Refuses a metric that is not what its kind says.

    A perplexity that calls itself a ratio and takes its exponential would get an interval by a formula for ratios.

    Raises:
        HarnessError: when the number of columns does not fit the kind, or the value is not the mean or ratio.
    """
    columns = rows.shape[1]
    expected = {"mean": 1, "ratio": 2}.get(kind, columns)
    if columns != expected:
        raise HarnessError(f"a metric of kind {kind!r} has {expected} columns of statistics, found {columns}.")
    if kind not in ("mean", "ratio") or not len(rows):
        return
    sums = rows.sum(axis=0)
    with np.errstate(all="ignore"):
        linear = float(sums[0] / (len(rows) if kind == "mean" else sums[1]))
        given = float(np.asarray(value(sums, float(len(rows))), dtype=np.float64))
    if np.isfinite([linear, given]).all() and abs(given - linear) > _SLACK * max(1.0, abs(linear)):
        raise HarnessError(
            f"a metric of kind {kind!r} gives {given!r}, where the {kind} of its statistics is {linear!r}.",
            hint="declare it 'additive', or put a factor into the statistics.",
        )
