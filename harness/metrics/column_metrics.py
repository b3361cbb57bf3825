"""Metrics that are the mean of one statistic: a factory that needs no class of its own."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.metric import Direction, Metric, MetricContext
from harness.metrics.metric_shapes import MeanMetric, RatioMetric

PARENT = "parent"
"""The cluster level of tasks: rows of one parent (document, author) are not independent."""


class Mean:
    """Makes the mean of the statistic `column` under the name `id`."""

    def __init__(
        self,
        id: str,
        summary: str,
        *,
        column: str | None = None,
        unit: str = "share",
        direction: Direction = "higher",
        cluster: str = PARENT,
    ) -> None:
        self.id = id
        self.summary = summary
        self.column = column or id
        self.cluster = cluster
        self.unit = unit
        self.direction = direction
        self.needs = (self.column,)

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(id=self.id, unit=self.unit, direction=self.direction, cluster=self.cluster, column=self.column),
        ]


class Ratio:
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
    ) -> None:
        self.id = id
        self.summary = summary
        self.first = first
        self.second = second
        self.unit = unit
        self.direction = direction
        self.ideal = ideal
        self.needs = (first, second)

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            RatioMetric(
                id=self.id,
                unit=self.unit,
                direction=self.direction,
                ideal=self.ideal,
                cluster=PARENT,
                first=self.first,
                second=self.second,
            )
        ]
