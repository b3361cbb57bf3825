"""From rows as metrics give them to rows that can be computed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.errors import HarnessError
from harness.statistics import caveats
from harness.statistics.clusters import Groups
from harness.statistics.result import FloatArray, Kind, Value

_SLACK = 1e-12


@dataclass(frozen=True, slots=True)
class Prepared:
    """One or two sides without the rows that are not part of the metric.

    Attributes:
        sides: [n, k] finite rows of each side, the same items in each.
        groups: clusters of the rows that are left.
        fault: why nothing can be estimated, or None.
        notes: weaknesses that came to light.
    """

    sides: tuple[FloatArray, ...]
    groups: Groups
    fault: str | None
    notes: tuple[str, ...]


def prepare(sides: Sequence[FloatArray], clusters: Sequence[str] | None) -> Prepared:
    """Leaves out rows that are NaN on any side; finds what forbids an estimate.

    Raises:
        HarnessError: when the sides do not have the same shape, or clusters another length.
    """
    arrays = [np.asarray(side, dtype=np.float64) for side in sides]
    shape = arrays[0].shape
    if len(shape) != 2 or any(array.shape != shape for array in arrays):
        found = " and ".join(str(array.shape) for array in arrays)
        raise HarnessError(f"expected statistics of one shape [items, columns], found {found}.")
    if clusters is not None and len(clusters) != shape[0]:
        raise HarnessError(f"expected one cluster id for each of {shape[0]} items, found {len(clusters)}.")
    missing = [np.isnan(array) for array in arrays]
    absent = [mask.all(axis=1) for mask in missing]
    partly = sum(int(np.count_nonzero(mask.any(axis=1) & ~gone)) for mask, gone in zip(missing, absent, strict=True))
    gone = np.logical_or.reduce(absent)
    uneven = int(np.count_nonzero(gone & ~np.logical_and.reduce(absent)))
    if gone.any():
        keep = np.flatnonzero(~gone)
        arrays = [array[keep] for array in arrays]
        clusters = None if clusters is None else [clusters[row] for row in keep.tolist()]
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
    return Prepared(tuple(arrays), groups, fault, notes)


def linear_scale(kind: Kind, value: Value) -> float | None:
    """The factor s with value = s·mean or s·Σfirst/Σsecond, or None when `value` is not of that form.

    A perplexity may call itself a ratio and take its exponential: its intervals come from the
    bootstrap, not from a formula for ratios.

    Raises:
        HarnessError: for metrics that must be recomputed from their records.
    """
    if kind == "recompute":
        raise HarnessError(
            "metrics of kind 'recompute' have no sufficient statistics to compare.",
            hint="use `recomputed_difference`, or give the metric as kind 'mean', 'ratio' or 'additive'.",
        )
    if kind == "additive":
        return None
    if kind == "mean":
        sums, n, expected = np.array([[1.0], [3.0], [1.0]]), np.array([1.0, 1.0, 4.0]), np.array([1.0, 3.0, 0.25])
    else:
        sums, n = np.array([[1.0, 1.0], [3.0, 1.0], [1.0, 4.0], [3.0, 4.0]]), np.array([1.0, 2.0, 1.0, 5.0])
        expected = np.array([1.0, 3.0, 0.25, 0.75])
    with np.errstate(all="ignore"):
        found = np.asarray(value(sums, n), dtype=np.float64)
    scale = float(found[0])
    if not scale > 0 or np.any(np.abs(found - scale * expected) > _SLACK * scale * expected):
        return None
    return scale


def check_kind(kind: Kind, columns: int) -> None:
    """Raises HarnessError when the number of columns does not fit the kind."""
    expected = {"mean": 1, "ratio": 2}.get(kind, columns)
    if columns != expected:
        raise HarnessError(f"a metric of kind {kind!r} has {expected} columns of statistics, found {columns}.")
