"""Metrics that are the mean of one statistic: a factory that needs no class of its own."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.metric import Direction, Metric, MetricContext, Role
from harness.metrics.metric_shapes import Factory, MeanMetric, RatioMetric


class MeanOf(Factory):
    """Makes the mean of the statistic `column` under the name `id`."""

    def __init__(
        self,
        id: str,
        summary: str,
        *,
        column: str | None = None,
        unit: str = "share",
        direction: Direction = "higher",
        label: str = "",
        short: str = "",
        role: Role = "primary",
    ) -> None:
        self.id = id
        self.summary = summary
        self.label, self.short, self.role = label, short, role
        self.column = column or id
        self.unit = unit
        self.direction = direction
        self.needs = (self.column,)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id=self.id,
                unit=self.unit,
                direction=self.direction,
                cluster_unit=context.cluster_unit,
                column=self.column,
            ),
        ]


class RatioOf(Factory):
    """Makes Σ `first` / Σ `second` under the name `id`."""

    def __init__(
        self,
        id: str,
        summary: str,
        first: str,
        second: str,
        *,
        unit: str = "share",
        direction: Direction = "higher",
        ideal: float | None = None,
        label: str = "",
        short: str = "",
        role: Role = "primary",
    ) -> None:
        self.id = id
        self.summary = summary
        self.label, self.short, self.role = label, short, role
        self.first = first
        self.second = second
        self.unit = unit
        self.direction = direction
        self.ideal = ideal
        self.needs = (first, second)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            RatioMetric(
                id=self.id,
                unit=self.unit,
                direction=self.direction,
                ideal=self.ideal,
                cluster_unit=context.cluster_unit,
                first=self.first,
                second=self.second,
            )
        ]
