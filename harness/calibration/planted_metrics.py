"""What probes' figures say of planted worlds: a record is one world, and the unit is the world.

A record holds `dose`, `zero` and `strong` (1 in fair and in strong worlds), for every figure m of the probe `figure.m`,
and where m has an ideal `alarm.m`: whether its own 95% interval lies wholly on one side of the ideal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.errors import SuiteError
from harness.core.metric import Direction, Metric, MetricContext, MetricKind, Role
from harness.core.records import FloatArray, Records
from harness.metrics.metric_shapes import Factory, MeanMetric, RecordMetric, column, divide

FIGURE, ALARM, DOSE, ZERO, STRONG = "figure.", "alarm.", "dose", "zero", "strong"


@dataclass(slots=True, kw_only=True)
class SlopeMetric(RecordMetric):
    """Least-squares slope of a figure on the dose: Σ(x − x̄)(y − ȳ)/Σ(x − x̄)²."""

    figure: str
    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        dose, figure = column(records, DOSE), column(records, self.figure)
        return np.column_stack([dose, figure, dose * figure, dose * dose])

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        count = np.asarray(n, dtype=np.float64)
        x, y, xy, xx = (sums[..., place] for place in range(4))
        spread = count * xx - x * x
        # One dose only leaves rounding in place of zero.
        return np.where(spread > 1e-9 * np.maximum(count * xx, 1e-300), divide(count * xy - x * y, spread), np.nan)


@dataclass(slots=True, kw_only=True)
class AlarmMetric(MeanMetric):
    """Share of worlds of one kind in which the figure's own interval excludes its ideal."""

    among: str

    def rows(self, records: Records) -> FloatArray:
        values = column(records, self.column)
        values[column(records, self.among) != 1.0] = np.nan
        return values[:, None]


class _OfFigure(Factory):
    needs: tuple[str, ...] = (DOSE,)
    role: Role = "companion"

    def of(self, full: str, figure: str, context: MetricContext) -> Metric:
        raise NotImplementedError

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        base, _, rest = name.partition("[")
        if not rest:
            raise SuiteError(f"the metric {base!r} needs a probe metric.", hint=f"use {base}[flip_rate], for example.")
        return [self.of(name, rest.removesuffix("]"), context)]


class WorldFigure(_OfFigure):
    """The mean of a probe's figure over worlds; by slice `dose=…` it is the dose-response curve."""

    label: str = "value in one planted world"
    summary: str = "Mean of a probe metric over planted worlds; read it per dose."

    def of(self, full: str, figure: str, context: MetricContext) -> Metric:
        return MeanMetric(
            id=full, unit="figure", direction="target", cluster_unit=context.cluster_unit, column=FIGURE + figure
        )


class DoseSlope(_OfFigure):
    """How much the figure rises from dose 0 to dose 1."""

    label: str = "slope of the figure over the planted bias"
    summary: str = "Slope of a probe metric on the planted dose, over worlds."

    def of(self, full: str, figure: str, context: MetricContext) -> Metric:
        return SlopeMetric(
            id=full, unit="figure", direction="higher", cluster_unit=context.cluster_unit, figure=FIGURE + figure
        )


class Power(_OfFigure):
    """Share of strongly planted worlds in which the probe alarms."""

    label: str = "share of biased worlds in which the probe alarms"
    summary: str = "Fraction of strongly planted worlds in which the probe's interval excludes the ideal."

    def of(self, full: str, figure: str, context: MetricContext) -> Metric:
        return _alarms(full, figure, "higher", STRONG, context)


class FalseAlarms(_OfFigure):
    """Share of fair worlds in which the probe alarms."""

    label: str = "share of fair worlds in which the probe alarms"
    summary: str = "Fraction of fair worlds in which the probe's interval excludes the ideal."

    def of(self, full: str, figure: str, context: MetricContext) -> Metric:
        return _alarms(full, figure, "lower", ZERO, context)


def world_metrics(name: str, direction: str, ideal: float | None) -> list[str]:
    """The names of what worlds say of a probe's metric; companions (higher is better) have none."""
    if direction == "higher":
        return []
    names = [f"planted_value[{name}]", f"dose_slope[{name}]"]
    if direction == "target" and ideal is not None:
        names += [f"power[{name}]", f"false_alarm_rate[{name}]"]
    return names


def _alarms(full: str, figure: str, direction: Direction, among: str, context: MetricContext) -> Metric:
    return AlarmMetric(
        id=full,
        unit="share",
        direction=direction,
        cluster_unit=context.cluster_unit,
        column=ALARM + figure,
        among=among,
    )


planted_value = WorldFigure()
dose_slope = DoseSlope()
power = Power()
false_alarm_rate = FalseAlarms()
