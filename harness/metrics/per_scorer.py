"""Metrics whose id names the scorer: two scorers are two figures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.core.errors import SuiteError
from harness.core.metric import Direction, Metric, MetricContext, Role
from harness.metrics.metric_shapes import Factory, MeanMetric


class ByScorer(Factory):
    """Makes one metric for each scorer that may be in use, each undefined for the others' records.

    Attributes:
        scorers: those that a probe uses when its options name none, by kind of model.
    """

    scorers: ClassVar[tuple[str, ...]] = ("pll_word_l2r", "ll", "target_ll")

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        base, _, rest = name.partition("[")
        used = (context.scorer,) if context.scorer else self.scorers
        asked = rest.removesuffix("]")
        if asked and asked not in used:
            raise SuiteError(
                f"the metric {name!r} needs the scorer {asked!r}; the probe uses {' or '.join(used)}.",
                hint=f"set `scorer: {asked}` in the probe, or use `{base}[{used[0]}]`.",
            )
        return [self.of(f"{base}[{scorer}]", scorer, context) for scorer in ([asked] if asked else used)]

    @abstractmethod
    def of(self, full: str, scorer: str, context: MetricContext) -> Metric:
        """The metric of one scorer."""


@dataclass(eq=False)
class MeanByScorer(ByScorer):
    """Makes the mean of the statistic `column` for each scorer."""

    column: str
    summary: str
    _: KW_ONLY
    unit: str = "share"
    direction: Direction = "target"
    ideal: float | None = None
    label: str = ""
    short: str = ""
    role: Role = "primary"

    def __post_init__(self) -> None:
        self.needs = (self.column,)

    def of(self, full: str, scorer: str, context: MetricContext) -> Metric:
        return MeanMetric(
            id=full,
            unit=self.unit,
            direction=self.direction,
            ideal=self.ideal,
            cluster_unit=context.cluster_unit,
            protocols=(scorer,),
            column=self.column,
        )
