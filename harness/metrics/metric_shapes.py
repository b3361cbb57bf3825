"""The shapes that most metrics have: a mean of one column, a ratio of two sums, exp of a ratio.

A metric says what one record contributes (`rows`); the class turns that into the `stats` that
statistics resample: rows that do not belong become NaN throughout, and infinities stay, so that
they surface as an error instead of going away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from harness.core.metric import Aspect, Direction, Metric, MetricContext, MetricKind, Role
from harness.core.metric_structure import SCORING_ABSOLUTE, SCORING_RELATIVE, MetricStructure
from harness.core.records import FloatArray, Records

NATS = "nats"
_MOST_TOLERANCE = 10.0
LIKELIHOODS = "nll"
"""How the statistics begin that are negative log-likelihoods in nats."""


@dataclass(slots=True, kw_only=True)
class RecordMetric(Metric):
    """A metric that reads the columns of records.

    Attributes:
        protocols: the protocols whose records it reads; None for all. Records of another protocol
            give NaN rows, so that two kinds of figure never stand under one name.
    """

    id: str
    unit: str
    direction: Direction
    kind: MetricKind
    cluster_unit: str
    ideal: float | None = None
    weakness: str | None = None
    label: str = ""
    short: str = ""
    role: Role = "primary"
    aspect: Aspect = "quality"
    bounds: tuple[float, float] | None = None
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

    def structure(self, records: Records) -> MetricStructure:
        """Log-likelihoods are known to scoring's tolerance; see `core.metric.Metric.structure`."""
        return MetricStructure(nats=self.unit == NATS, tolerance=scoring_tolerance(records))

    @abstractmethod
    def rows(self, records: Records) -> FloatArray:
        """A new array float64[n, k]: what each record adds; NaN where it adds nothing."""


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

    def structure(self, records: Records) -> MetricStructure:
        """Items weigh as their second sum, texts by their length."""
        return MetricStructure(
            weights=column(records, self.second),
            nats=self.first.startswith(LIKELIHOODS),
            tolerance=scoring_tolerance(records),
        )


@dataclass(slots=True, kw_only=True)
class ExponentialRatioMetric(RatioMetric):
    """exp(Σ first / Σ second), as perplexities are."""

    kind: MetricKind = "additive"

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(divide(sums[..., 0], sums[..., 1]))


@dataclass(slots=True, kw_only=True)
class JackknifeMetric(RecordMetric):
    """A figure of a whole set of records that is no sum over them: an effect size, a correlation.

    `rows` are the jackknife's pseudo-values, one column, so that the figure is their mean and its
    interval and paired test are those of a mean. With G clusters, θ on all and θ₋c without cluster c,
    a cluster's influence is u_c = (G − 1)·(mean of θ₋ − θ₋c), and each of its n_c rows holds
    θ + n·u_c/(G·n_c). The rows' mean is θ, and the cluster-robust variance of that mean is the delete-one
    jackknife's, (G − 1)/G·Σ(θ₋c − mean)² (Efron and Stein 1981). Figures that are not smooth in the
    data (a share of significant tests) have intervals that are too short; their metrics say so.

    A slice of such rows is not the figure of the slice, so these metrics have no slices.
    """

    kind: MetricKind = "mean"
    sliced: ClassVar[bool] = False

    @abstractmethod
    def contributions(self, records: Records) -> FloatArray:
        """float64[n, k]: what each record brings to the figure; NaN where it has no part in it."""

    @abstractmethod
    def statistic(self, contributions: FloatArray) -> float:
        """The figure of some of the rows of `contributions`; NaN where it is undefined."""

    def rows(self, records: Records) -> FloatArray:
        parts = self.contributions(records)
        pseudo: FloatArray = np.full((len(records), 1), np.nan)
        used = np.flatnonzero(~np.isnan(parts).any(axis=1) & records.ok)
        if not len(used) or not self.reads(records.head.protocol):
            return pseudo
        whole = self.statistic(parts[used])
        if not np.isfinite(whole):
            return pseudo
        names = records.clusters(self.cluster_unit)
        _, place = np.unique(np.array([names[row] for row in used]), return_inverse=True)
        sizes = np.bincount(place)
        without = np.array([self.statistic(parts[used[place != cluster]]) for cluster in range(len(sizes))])
        # Where one cluster carries a whole group, the figure without it does not exist: it has no say.
        known = np.isfinite(without)
        influence = np.zeros(len(sizes))
        if known.sum() > 1:
            influence[known] = (known.sum() - 1) * (without[known].mean() - without[known])
        pseudo[used, 0] = whole + len(used) * (influence / max(1, int(known.sum())) / sizes)[place]
        return pseudo

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return divide(sums[..., 0], np.asarray(n, dtype=np.float64))


class Factory(ABC):
    """Base of the built-in metric factories (`core.metric.MetricFactory`).

    `label`, `short`, `role`, `aspect` and `bounds` are those of all metrics that it makes (`core.metric.Metric`).
    `packages` are what they need beyond the core, as it is imported.
    """

    needs: tuple[str, ...]
    summary: str
    label: str = ""
    short: str = ""
    role: Role = "primary"
    aspect: Aspect = "quality"
    packages: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None

    def within(self, low: float, high: float) -> Self:
        """Itself, with the smallest and the largest level that its metrics can have."""
        self.bounds = low, high
        return self

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        """The metrics that `name` (with or without `[…]`) stands for."""
        metrics = self.build(name, context)
        for metric in metrics:
            assert isinstance(metric, RecordMetric)
            metric.label, metric.short, metric.role, metric.aspect = self.label, self.short, self.role, self.aspect
            metric.bounds = self.bounds
        return metrics

    @abstractmethod
    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        """Makes the metrics, without their meaning."""


def scoring_tolerance(records: Records) -> tuple[float, float]:
    """How exact the log-likelihoods of some records are, as they say; too large a tolerance is none."""
    known = records.head.facts.get("tolerance")
    usual = (SCORING_ABSOLUTE, SCORING_RELATIVE)
    if not isinstance(known, list | tuple) or len(known) != 2:
        return usual
    most = (_MOST_TOLERANCE * usual[0], _MOST_TOLERANCE * usual[1])
    sound = all(isinstance(number, float) and 0 <= number <= end for number, end in zip(known, most, strict=True))
    return (known[0], known[1]) if sound else usual


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
