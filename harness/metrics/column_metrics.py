"""Metrics that are the mean of one statistic, or made of the sums of two: factories that need no class of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from harness.core.metric import Direction, Metric, MetricContext, Role
from harness.metrics.metric_shapes import ExponentialRatioMetric, Factory, MeanMetric, RatioMetric


@dataclass(eq=False)
class MeanOf(Factory):
    """Makes the mean of the statistic `column` (the one named `id` when left out) under the name `id`."""

    id: str
    summary: str
    _: KW_ONLY
    column: str | None = None
    unit: str = "share"
    direction: Direction = "higher"
    ideal: float | None = None
    label: str = ""
    short: str = ""
    role: Role = "primary"

    def __post_init__(self) -> None:
        self.needs = (self.column or self.id,)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id=self.id,
                unit=self.unit,
                direction=self.direction,
                ideal=self.ideal,
                cluster_unit=context.cluster_unit,
                column=self.needs[0],
            )
        ]


@dataclass(eq=False)
class RatioOf(Factory):
    """Makes Σ `first` / (Σ `second` · `scale`) under the name `id`, undefined for records of other `protocols`."""

    id: str
    summary: str
    first: str
    second: str
    _: KW_ONLY
    unit: str = "share"
    direction: Direction = "higher"
    ideal: float | None = None
    scale: float = 1.0
    protocols: tuple[str, ...] | None = None
    label: str = ""
    short: str = ""
    role: Role = "primary"

    def __post_init__(self) -> None:
        self.needs = (self.first, self.second)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            RatioMetric(
                id=self.id,
                unit=self.unit,
                direction=self.direction,
                ideal=self.ideal,
                cluster_unit=context.cluster_unit,
                protocols=self.protocols,
                first=self.first,
                second=self.second,
                scale=self.scale,
            )
        ]


@dataclass(eq=False)
class ExponentialRatioOf(Factory):
    """Makes exp(Σ `first` / Σ `second`), lower being better, under the name `id`: a perplexity."""

    id: str
    summary: str
    first: str
    second: str
    _: KW_ONLY
    unit: str
    protocols: tuple[str, ...] | None = None
    label: str = ""
    short: str = ""

    def __post_init__(self) -> None:
        self.needs = (self.first, self.second)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            ExponentialRatioMetric(
                id=self.id,
                unit=self.unit,
                direction="lower",
                cluster_unit=context.cluster_unit,
                protocols=self.protocols,
                first=self.first,
                second=self.second,
            )
        ]
