"""Association of embeddings (WEAT, SEAT): the effect size and how often chance does as much.

Caliskan et al. (2017): s(w) = mean cos(w, A) − mean cos(w, B), d = (mean_X s − mean_Y s)/sd over
X ∪ Y with n − 1 in the divisor. p is one-sided: the share of equal-sized partitions of X ∪ Y whose
difference of means is at least as large; all partitions where there are at most 20,000, else 20,000
random ones with one added above and below.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.core.metric import Metric, MetricContext, MetricKind, Role
from harness.core.records import FloatArray, Records
from harness.metrics.metric_shapes import Factory, RecordMetric, column, divide

MOST_PARTITIONS = 20_000
_SLACK = 1e-12


def permutation_p(x: FloatArray, y: FloatArray, seed: int = 0) -> float:
    """One-sided p of the difference of means over partitions into sets of the same sizes."""
    # By value, so that the drawn partitions do not hang on the order of rows.
    both = np.concatenate([np.sort(x), np.sort(y)])
    n, k = len(both), len(x)
    if k < 1 or n == k:
        return float("nan")
    total, observed = float(both.sum()), float(x.mean() - y.mean())

    def gap(sums: FloatArray) -> FloatArray:
        return np.asarray(sums / k - (total - sums) / (n - k))

    if math.comb(n, k) <= MOST_PARTITIONS:
        sums = np.array([both[list(chosen)].sum() for chosen in itertools.combinations(range(n), k)])
        return float(np.mean(gap(sums) >= observed - _SLACK))
    rng = np.random.default_rng(seed)
    drawn = np.array([rng.permutation(both)[:k].sum() for _ in range(MOST_PARTITIONS)])
    return float((1 + np.count_nonzero(gap(drawn) >= observed - _SLACK)) / (1 + MOST_PARTITIONS))


@dataclass(slots=True, kw_only=True)
class WeatEffect(RecordMetric):
    """`stats` is [n, 5]: members and associations of X and of Y, and squares."""

    kind: MetricKind = "additive"

    @property
    def unkept(self) -> Mapping[str, str]:
        return {"doubled": "the standard deviation is that of a sample (n − 1): few words have a smaller effect size."}

    def rows(self, records: Records) -> FloatArray:
        association, first = column(records, "association"), column(records, "in_x")
        return np.column_stack([first, first * association, 1.0 - first, (1.0 - first) * association, association**2])

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        count_x, sum_x, count_y, sum_y, squares = (sums[..., place] for place in range(5))
        count = count_x + count_y
        both = sum_x + sum_y
        variance = divide(squares - divide(both**2, count), count - 1.0)
        gap = divide(sum_x, count_x) - divide(sum_y, count_y)
        # Rounding can leave a trace of variance where all associations are equal.
        floor = 1e-12 * np.maximum(divide(squares, count), 1e-300)
        return np.where(variance > floor, divide(np.asarray(gap), np.sqrt(np.maximum(variance, 1e-300))), np.nan)


@dataclass(slots=True, kw_only=True)
class WeatP(RecordMetric):
    """The permutation test's p, the same in every row: a p-value has no interval of its own."""

    kind: MetricKind = "mean"
    sliced: ClassVar[bool] = False

    @property
    def unkept(self) -> Mapping[str, str]:
        return dict.fromkeys(("doubled", "influence"), "a p-value falls with the number of words; it has no interval.")

    def rows(self, records: Records) -> FloatArray:
        first, association = column(records, "in_x"), column(records, "association")
        used = records.ok & ~np.isnan(first) & ~np.isnan(association)
        inside = used & (first == 1.0)
        rows: FloatArray = np.full((len(records), 1), np.nan)
        rows[used, 0] = permutation_p(association[inside], association[used & ~inside])
        return rows

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return divide(sums[..., 0], np.asarray(n, dtype=np.float64))


class WeatEffectFactory(Factory):
    needs: tuple[str, ...] = ("association", "in_x")
    label: str = "WEAT effect size of the embeddings"
    summary: str = "WEAT effect size of the first targets with the first attributes; the ideal is 0."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            WeatEffect(
                id="weat_effect_size", unit="sd", direction="target", ideal=0.0, cluster_unit=context.cluster_unit
            )
        ]


class WeatPFactory(Factory):
    needs: tuple[str, ...] = ("association", "in_x")
    role: Role = "companion"
    label: str = "p-value of the WEAT permutation test"
    summary: str = "One-sided p-value of the WEAT permutation test."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [WeatP(id="weat_p_value", unit="probability", direction="higher", cluster_unit=context.cluster_unit)]


weat_effect_size = WeatEffectFactory()
weat_p_value = WeatPFactory()
