"""Gaps between groups of a classifier's figures, for any number of groups, which may overlap.

Records hold `selected` (the positive label is predicted), `positive` (it is the right one),
`score` (its probability) and `in.<group>` (1 for members). A rate whose denominator is empty in a
group is undefined, and so is a gap over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from harness.core.errors import SuiteError
from harness.core.metric import Metric, MetricContext, MetricKind, Role
from harness.core.metric_structure import MetricStructure
from harness.core.records import FloatArray, Records
from harness.metrics.metric_shapes import Factory, MeanMetric, RecordMetric, column, divide

MEMBER = "in."
Gap = Literal["parity", "odds_worst", "odds_mean"]
Subset = Literal["all", "subgroup", "bpsn", "bnsp"]
_N, _POSITIVE, _HIT, _FALSE = range(4)


def groups_of(records: Records) -> list[str]:
    """The groups that the records tell members of."""
    return [name.removeprefix(MEMBER) for name in records.stat_names if name.startswith(MEMBER)]


@dataclass(slots=True, kw_only=True)
class GapMetric(RecordMetric):
    """Largest minus smallest rate over groups; `stats` is [n, 4·groups].

    parity: of the selection rate. odds_worst: the larger one of the gaps of true and false positive
    rate. odds_mean: the mean of the two gaps, which are absolute and so cannot cancel.
    """

    gap: Gap
    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        selected, positive = column(records, "selected"), column(records, "positive")
        member = [column(records, MEMBER + group) for group in groups_of(records)]
        counts = [
            (inside, inside * positive, inside * positive * selected, inside * (1.0 - positive) * selected)
            for inside in member
        ]
        flat = [count for group in counts for count in group]
        return np.column_stack(flat) if flat else np.full((len(records), 4), np.nan)

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        both = spread(self._rates(sums))
        return np.asarray(both.mean(axis=-1) if self.gap == "odds_mean" else both.max(axis=-1))

    def structure(self, records: Records) -> MetricStructure:
        """The rates of the groups, and whose items they are of."""
        positive = column(records, "positive") == 1.0
        members = {group: column(records, MEMBER + group) == 1.0 for group in groups_of(records)}
        parts = members
        if self.gap != "parity":
            parts = {f"{group}, positive": inside & positive for group, inside in members.items()}
            parts |= {f"{group}, negative": inside & ~positive for group, inside in members.items()}
        return MetricStructure(parts=parts, spread=self._rates, pooled="mean" if self.gap == "odds_mean" else "largest")

    def _rates(self, sums: FloatArray) -> FloatArray:
        """[…, 4·groups] sums to […, rates, groups]."""
        counts = sums.reshape(*sums.shape[:-1], -1, 4)
        total, positive = counts[..., _N], counts[..., _POSITIVE]
        if self.gap == "parity":
            return divide(counts[..., _HIT] + counts[..., _FALSE], total)[..., None, :]
        rates = divide(counts[..., _HIT], positive), divide(counts[..., _FALSE], total - positive)
        return np.stack(rates, axis=-2)


@dataclass(slots=True, kw_only=True)
class RateMetric(RecordMetric):
    """True or false positive rate: Σ selected/Σ 1 over items whose right label is, or is not, positive."""

    positive: bool
    kind: MetricKind = "ratio"

    def rows(self, records: Records) -> FloatArray:
        positive = column(records, "positive")
        among = positive if self.positive else 1.0 - positive
        return np.column_stack([column(records, "selected") * among, among])

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return divide(sums[..., 0], sums[..., 1])

    def structure(self, records: Records) -> MetricStructure:
        """Its items are those whose right label is, or is not, positive."""
        among = column(records, "positive") == float(self.positive)
        return MetricStructure(parts={"positive" if self.positive else "negative": among})


@dataclass(slots=True, kw_only=True)
class AucMetric(RecordMetric):
    """Area under the ROC curve on all items, or on a group's subset (Borkan et al. 2019).

    subgroup: the group's items. bpsn: positive items of the background and negative ones of the group.
    bnsp: the other way round. `rows` are DeLong's (1988) structural components as pseudo-values, whose mean
    is the area and whose variance (of clusters: Obuchowski 1997) is its variance.
    """

    subset: Subset
    group: str | None = None
    kind: MetricKind = "mean"
    sliced: ClassVar[bool] = False

    def rows(self, records: Records) -> FloatArray:
        pseudo: FloatArray = np.full((len(records), 1), np.nan)
        score = column(records, "score")
        first, second = self._sides(records)
        n = int(first.sum() + second.sum())
        if not first.any() or not second.any():
            return pseudo
        above, below = _placements(score[first], score[second])
        area = float(above.mean())
        pseudo[first, 0] = area + (above - area) * n / int(first.sum())
        pseudo[second, 0] = area + (below - area) * n / int(second.sum())
        return pseudo

    def structure(self, records: Records) -> MetricStructure:
        """An area over positive and negative items."""
        first, second = self._sides(records)
        return MetricStructure(parts={"positive": first, "negative": second}, area=True)

    def _sides(self, records: Records) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """bool[n]: the positive and the negative items of the subset."""
        score, positive = column(records, "score"), column(records, "positive")
        used = records.ok & ~np.isnan(score) & ~np.isnan(positive)
        if self.subset != "all":
            inside = column(records, f"{MEMBER}{self.group}")
            used &= ~np.isnan(inside)
            member, right = inside == 1.0, positive == 1.0
            used &= {
                "subgroup": member,
                "bpsn": np.where(member, ~right, right),
                "bnsp": np.where(member, right, ~right),
            }[self.subset]
        return used & (positive == 1.0), used & (positive == 0.0)

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return divide(sums[..., 0], np.asarray(n, dtype=np.float64))


class _GapFactory(Factory):
    needs: tuple[str, ...] = ("selected", "positive")
    id: ClassVar[str]
    gap: ClassVar[Gap]

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [GapMetric(id=self.id, unit="share", direction="lower", cluster_unit=context.cluster_unit, gap=self.gap)]


class DemographicParity(_GapFactory):
    label: str = "largest difference in selection rate between groups"
    short: str = "selection rate difference"
    summary: str = "Largest minus smallest selection rate across groups."
    id: ClassVar[str] = "demographic_parity_difference"
    gap: ClassVar[Gap] = "parity"


class EqualizedOddsWorst(_GapFactory):
    label: str = "larger of the between-group differences in true and false positive rates"
    short: str = "equalized odds difference"
    summary: str = "The larger of the between-group differences in true and false positive rates."
    id: ClassVar[str] = "equalized_odds_difference"
    gap: ClassVar[Gap] = "odds_worst"


class EqualizedOddsMean(_GapFactory):
    label: str = "mean between-group difference in true and false positive rates"
    short: str = "mean equalized odds difference"
    summary: str = "Mean of the between-group differences in true and false positive rates."
    id: ClassVar[str] = "equalized_odds_difference_mean"
    gap: ClassVar[Gap] = "odds_mean"


class SelectionRate(Factory):
    needs: tuple[str, ...] = ("selected",)
    role: Role = "companion"
    label: str = "selection rate"
    summary: str = "Selection rate: fraction of positive predictions; read it per group."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id="selection_rate",
                unit="share",
                direction="higher",
                cluster_unit=context.cluster_unit,
                column="selected",
            )
        ]


class TruePositiveRate(Factory):
    needs: tuple[str, ...] = ("selected", "positive")
    role: Role = "companion"
    label: str = "true positive rate"
    summary: str = "True positive rate; read it per group."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            RateMetric(
                id="true_positive_rate",
                unit="share",
                direction="higher",
                cluster_unit=context.cluster_unit,
                positive=True,
            )
        ]


class FalsePositiveRate(Factory):
    needs: tuple[str, ...] = ("selected", "positive")
    role: Role = "companion"
    label: str = "false positive rate"
    summary: str = "False positive rate; read it per group."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            RateMetric(
                id="false_positive_rate",
                unit="share",
                direction="lower",
                cluster_unit=context.cluster_unit,
                positive=False,
            )
        ]


class _Auc(Factory):
    needs: tuple[str, ...] = ("score", "positive")
    subset: ClassVar[Subset]

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        base, _, rest = name.partition("[")
        group = rest.removesuffix("]") or None
        if self.subset != "all" and group is None:
            raise SuiteError(
                f"the metric {name!r} needs a group.", hint=f"use {base}[<group>] with a group of the probe."
            )
        return [
            AucMetric(
                id=name,
                unit="fraction",
                direction="higher",
                cluster_unit=context.cluster_unit,
                subset=self.subset,
                group=None if self.subset == "all" else group,
            )
        ]


class Auc(_Auc):
    label: str = "area under the ROC curve"
    summary: str = "Area under the ROC curve of the positive label."
    subset: ClassVar[Subset] = "all"


class SubgroupAuc(_Auc):
    label: str = "ROC AUC within the group"
    summary: str = "Area under the ROC curve on one group's items, as subgroup_auc[<group>]."
    subset: ClassVar[Subset] = "subgroup"


class BpsnAuc(_Auc):
    label: str = "ROC AUC, background positives against the group's negatives"
    summary: str = "AUC of background-positive against the group's negative items, as bpsn_auc[<group>]."
    subset: ClassVar[Subset] = "bpsn"


class BnspAuc(_Auc):
    label: str = "ROC AUC, background negatives against the group's positives"
    summary: str = "AUC of the group's positive against background-negative items, as bnsp_auc[<group>]."
    subset: ClassVar[Subset] = "bnsp"


demographic_parity_difference = DemographicParity()
equalized_odds_difference = EqualizedOddsWorst()
equalized_odds_difference_mean = EqualizedOddsMean()
selection_rate = SelectionRate()
true_positive_rate = TruePositiveRate()
false_positive_rate = FalsePositiveRate()
auc = Auc()
subgroup_auc = SubgroupAuc()
bpsn_auc = BpsnAuc()
bnsp_auc = BnspAuc()


def spread(rates: FloatArray) -> FloatArray:
    """Largest minus smallest over the last axis; NaN where a rate is, or with fewer than two groups."""
    if rates.shape[-1] < 2:
        return np.full(rates.shape[:-1], np.nan)
    return np.asarray(rates.max(axis=-1) - rates.min(axis=-1))


def _placements(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of each first value the share of second ones below it (ties half), and of each second those of first above."""
    low, high = np.sort(second), np.sort(first)
    above = (np.searchsorted(low, first, "left") + np.searchsorted(low, first, "right")) / (2.0 * len(low))
    under = (np.searchsorted(high, second, "left") + np.searchsorted(high, second, "right")) / (2.0 * len(high))
    return np.asarray(above, dtype=np.float64), np.asarray(1.0 - under, dtype=np.float64)
