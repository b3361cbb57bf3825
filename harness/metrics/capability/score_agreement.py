"""How well numbers agree with the right ones: errors, the share of variance that is explained, and correlations.

The definitions are scikit-learn's (`mean_absolute_error`, `r2_score`) and scipy's (`pearsonr`, `spearmanr`). Errors
need answers on the scale of the labels: records of a protocol with another scale (a cosine) have correlations only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.core.metric import Direction, Metric, MetricContext, MetricKind
from harness.core.records import FloatArray, Records
from harness.metrics.metric_shapes import Factory, MeanMetric, RecordMetric, column, divide

GOLD, PREDICTED = "gold", "predicted"
ON_SCALE = ("head", "generation", "chat", "imported")
"""Protocols whose answers are on the scale of the labels."""
_ALIKE = 1e-12
"""A variance below this share of the mean square is that of one and the same number."""


@dataclass(slots=True, kw_only=True)
class ErrorMetric(RecordMetric):
    """A function of squared errors and of the labels' variance: sums of e², y, y² over the rows."""

    kind: MetricKind = "additive"
    explained: bool = False
    protocols: tuple[str, ...] | None = ON_SCALE

    def rows(self, records: Records) -> FloatArray:
        gold, predicted = column(records, GOLD), column(records, PREDICTED)
        return np.column_stack([(predicted - gold) ** 2, gold, gold**2])

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        count = np.asarray(n, dtype=np.float64)
        if not self.explained:
            return np.sqrt(divide(sums[..., 0], count))
        return 1.0 - divide(sums[..., 0], _scatter(sums[..., 1], sums[..., 1], sums[..., 2], count))


@dataclass(slots=True, kw_only=True)
class PearsonMetric(RecordMetric):
    """Pearson's r from sums of x, y, x², y², xy."""

    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        x, y = column(records, PREDICTED), column(records, GOLD)
        return np.column_stack([x, y, x * x, y * y, x * y])

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        count = np.asarray(n, dtype=np.float64)
        x, y, xx, yy, xy = (sums[..., place] for place in range(5))
        both = _scatter(x, y, xy, count)
        spread = _scatter(x, x, xx, count) * _scatter(y, y, yy, count)
        return np.clip(divide(both, np.sqrt(spread)), -1.0, 1.0)


@dataclass(slots=True, kw_only=True)
class SpearmanMetric(RecordMetric):
    """Spearman's rho: Pearson's r of mid-ranks.

    Ranks hang on all rows, so that a row is rho plus its influence on rho (Hampel 1974): the rows' mean is rho, and
    their variance is that of rho by the delta method. With F and G the mid-distributions, the influence of (x, y) on
    E[F(X)G(Y)] is F(x)G(y) + E[1(x < X)G(Y)] + E[F(X)1(y < Y)] − 3·E[F(X)G(Y)], where ties count one half.
    """

    whole: ClassVar[bool] = True
    kind: MetricKind = "mean"

    def rows(self, records: Records) -> FloatArray:
        x, y = column(records, PREDICTED), column(records, GOLD)
        made: FloatArray = np.full((len(x), 1), np.nan)
        used = ~np.isnan(x) & ~np.isnan(y) & records.ok
        if self.reads(records.head.protocol) and used.any():
            made[used, 0] = _rho_rows(x[used], y[used])
        return made

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return divide(sums[..., 0], np.asarray(n, dtype=np.float64))


def mid_distribution(values: FloatArray) -> FloatArray:
    """float64[n]: the share of values below each one, and half of those that equal it."""
    distinct, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)[:-1]])
    shares: FloatArray = ((below + counts / 2) / len(values))[place] if len(distinct) else np.empty(0)
    return shares


def _above(values: FloatArray, weights: FloatArray) -> FloatArray:
    """float64[n]: of each value, the mean over all rows of the weights of larger values and half of equal ones."""
    distinct, place = np.unique(values, return_inverse=True)
    sums = np.bincount(place, weights=weights, minlength=len(distinct))
    larger = np.concatenate([np.cumsum(sums[::-1])[::-1][1:], [0.0]])
    means: FloatArray = ((larger + sums / 2) / len(values))[place]
    return means


def _rho_rows(x: FloatArray, y: FloatArray) -> FloatArray:
    f, g = mid_distribution(x), mid_distribution(y)

    def moment(first: FloatArray, second: FloatArray, a: FloatArray, b: FloatArray) -> tuple[float, FloatArray]:
        """The covariance of two mid-distributions (their means are one half), and the influence of each row on it."""
        joint = float(np.mean(first * second))
        return joint - 0.25, first * second + _above(a, second) + _above(b, first) - 3 * joint

    (both, moved), (xx, moved_x), (yy, moved_y) = moment(f, g, x, y), moment(f, f, x, x), moment(g, g, y, y)
    if min(xx, yy) <= _ALIKE:
        return np.full(len(x), np.nan)
    rho = both / np.sqrt(xx * yy)
    rows: FloatArray = rho + moved / np.sqrt(xx * yy) - rho / 2 * (moved_x / xx + moved_y / yy)
    return rows


def _scatter(first: FloatArray, second: FloatArray, product: FloatArray, count: FloatArray) -> FloatArray:
    """Σ(a − ā)(b − b̄) from sums; zero where it is the rounding error of one and the same number."""
    made = np.asarray(product - divide(first * second, count))
    if first is second:
        made = np.where(made <= _ALIKE * np.abs(product), 0.0, made)
    return made


class Agreement(Factory):
    """Makes one of the figures above under its name."""

    def __init__(self, id: str, cls: type[RecordMetric], summary: str, label: str, short: str, **given: Any) -> None:
        self.id, self.cls, self.given = id, cls, given
        self.summary, self.label, self.short = summary, label, short
        self.needs = (given["column"],) if "column" in given else (GOLD, PREDICTED)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        direction: Direction = "higher" if self.given.get("unit") in ("r", "R²") else "lower"
        return [self.cls(id=self.id, direction=direction, cluster_unit=context.cluster_unit, **self.given)]


pearson = Agreement(
    "pearson", PearsonMetric, "Pearson correlation of the given numbers with the right ones.",
    "linear correlation with the right numbers", "Pearson correlation", unit="r",
)  # fmt: skip
spearman = Agreement(
    "spearman", SpearmanMetric, "Spearman rank correlation of the given numbers with the right ones.",
    "rank correlation with the right numbers", "rank correlation", unit="r",
)  # fmt: skip
mae = Agreement(
    "mae", MeanMetric, "Mean absolute error, in the unit of the labels.",
    "mean absolute error", "mean absolute error", unit="label units", column="absolute_error", protocols=ON_SCALE,
)  # fmt: skip
rmse = Agreement(
    "rmse", ErrorMetric, "Root of the mean squared error, in the unit of the labels.",
    "root mean squared error", "root mean squared error", unit="label units",
)  # fmt: skip
r2 = Agreement(
    "r2", ErrorMetric, "Share of the labels' variance that the numbers explain; their mean explains 0.",
    "explained share of the variance", "explained variance", unit="R²", explained=True,
)  # fmt: skip
