"""The shapes that most metrics have: a mean of one column, a ratio of two sums, exp of a ratio.

A metric says what one record contributes (`rows`); the class turns that into the `stats` that
statistics resample: rows that do not belong become NaN throughout, and infinities stay, so that
they surface as an error instead of going away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.core.interfaces import Direction, Metric, MetricContext, MetricKind
from harness.core.records import FloatArray, Records


@dataclass(slots=True, kw_only=True)
class RecordMetric(ABC):
    """A metric that reads the columns of records.

    Attributes:
        id: full name, `f1[negative]` or `stereotype_score[pll_word_l2r]`.
        unit: unit of the value.
        direction: `higher`, `lower`, or `target` with its `ideal`.
        cluster: the level whose clusters are independent of each other.
        protocols: the protocols whose records it reads; None for all. Records of another protocol
            give NaN rows, so that two kinds of figure never stand under one name.
    """

    id: str
    unit: str
    direction: Direction
    kind: MetricKind
    cluster: str | None
    ideal: float | None = None
    protocols: tuple[str, ...] | None = None

    def stats(self, records: Records) -> FloatArray:
        """float64[n, k]; a row is NaN throughout where the record has no part in the metric."""
        rows = self.rows(records)
        out = np.isnan(rows).any(axis=1) | ~records.ok
        if not self.reads(records.head.protocol):
            out[:] = True
        rows[out] = np.nan
        return rows

    def reads(self, protocol: str) -> bool:
        """Whether records that were made by this protocol have a value here."""
        return self.protocols is None or protocol in self.protocols

    @abstractmethod
    def rows(self, records: Records) -> FloatArray:
        """A new array float64[n, k]: what each record adds; NaN where it adds nothing."""

    @abstractmethod
    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        """Sums float64[…, k] of n […] rows → values float64[…]; NaN where undefined."""


@dataclass(slots=True, kw_only=True)
class MeanMetric(RecordMetric):
    """Mean of one statistic over the records that have it.

    Attributes:
        column: the statistic.
        needs_target: leave out records without a right answer.
    """

    column: str
    kind: MetricKind = "mean"
    needs_target: bool = False

    def rows(self, records: Records) -> FloatArray:
        values = column(records, self.column)
        if self.needs_target:
            values[[target is None for target in records.texts("target")]] = np.nan
        return values[:, None]

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return divide(sums[..., 0], np.asarray(n, dtype=np.float64))


@dataclass(slots=True, kw_only=True)
class RatioMetric(RecordMetric):
    """Σ first / (Σ second · scale): a ratio of sums, never a mean of ratios."""

    first: str
    second: str
    scale: float = 1.0
    kind: MetricKind = "ratio"

    def rows(self, records: Records) -> FloatArray:
        return np.column_stack([column(records, self.first), column(records, self.second) * self.scale])

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return divide(sums[..., 0], sums[..., 1])


@dataclass(slots=True, kw_only=True)
class ExponentialRatioMetric(RatioMetric):
    """exp(Σ first / Σ second), as perplexities are."""

    kind: MetricKind = "additive"

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(divide(sums[..., 0], sums[..., 1]))


class Factory(ABC):
    """Base of the built-in metric factories (`core.interfaces.MetricFactory`)."""

    needs: ClassVar[tuple[str, ...]]
    summary: ClassVar[str]

    @abstractmethod
    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        """Makes the metrics that `name` (with or without `[…]`) stands for."""


def column(records: Records, name: str) -> FloatArray:
    """A copy of a statistic, float64[n]; NaN throughout when no record holds it (all failed)."""
    if name not in records.stat_names:
        return np.full(len(records), np.nan)
    return records.stat(name).copy()


def divide(above: FloatArray, below: FloatArray) -> FloatArray:
    """Element-wise quotient; NaN where the divisor is zero, without warnings."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.asarray(above / below, dtype=np.float64)
    return np.where(below == 0, np.nan, quotient)
