"""The largest minus the smallest mean of a statistic over groups of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.metric import Metric, MetricContext, MetricKind, Role
from harness.core.metric_structure import MetricStructure
from harness.core.records import FloatArray, Records
from harness.metrics.bias.group_fairness import MEMBER, groups_of, spread
from harness.metrics.metric_shapes import Factory, RecordMetric, column, divide


@dataclass(slots=True, kw_only=True)
class GroupSpread(RecordMetric):
    """Largest minus smallest mean of a column over groups; `stats` is [n, 2·groups]: members and sums."""

    column: str
    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        values = column(records, self.column)
        member = [column(records, MEMBER + group) for group in groups_of(records)]
        flat = [column for inside in member for column in (inside, inside * values)]
        return np.column_stack(flat) if flat else np.full((len(records), 2), np.nan)

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return np.asarray(spread(self._means(sums))[..., 0])

    def structure(self, records: Records) -> MetricStructure:
        """The means of the groups, and whose items they are of."""
        parts = {group: column(records, MEMBER + group) == 1.0 for group in groups_of(records)}
        return MetricStructure(parts=parts, spread=self._means)

    def _means(self, sums: FloatArray) -> FloatArray:
        """[…, 2·groups] sums to […, 1, groups]."""
        counts = sums.reshape(*sums.shape[:-1], -1, 2)
        return divide(counts[..., 1], counts[..., 0])[..., None, :]


@dataclass(eq=False)
class SpreadOf(Factory):
    """Makes the largest minus the smallest group mean of the statistic `column` under the name `id`."""

    id: str
    summary: str
    _: KW_ONLY
    column: str
    unit: str = "share"
    label: str = ""
    role: Role = "primary"

    def __post_init__(self) -> None:
        self.needs = (self.column,)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            GroupSpread(
                id=self.id, unit=self.unit, direction="lower", cluster_unit=context.cluster_unit, column=self.column
            )
        ]
