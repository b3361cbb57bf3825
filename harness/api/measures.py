"""What is measured on a table: registered metrics of target and prediction, means and ratios of columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from harness.core import registry
from harness.core.errors import DataError, unknown
from harness.core.metric import Direction, Metric, MetricContext
from harness.core.records import ITEM
from harness.metrics.build_metrics import base_name, build_metrics, fits
from harness.metrics.metric_shapes import MeanMetric, RatioMetric

CLUSTER = "parent"
"""The unit of independence that the `cluster` column gives."""

_FEW_LABELS, _MANY_LABELS = 20, 200
PROVIDED = ("target", "prediction", "correct")


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a numeric column.

    Attributes:
        column: its name, and the metric's.
        direction: `higher` or `lower` is better, or `target` with its `ideal`.
        unit: of the values; `share` for shares of items (0 or 1 each).
    """

    column: str
    direction: Direction = "higher"
    ideal: float | None = None
    unit: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two columns' sums, such as errors for each word; never a mean of ratios.

    Attributes:
        above, below: the columns; `name` is the metric's (`above/below` when left out).
    """

    above: str
    below: str
    direction: Direction = "higher"
    unit: str = ""
    name: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.above, self.below)


Measure = str | Mean | Ratio


def default_measures(names: Sequence[str], targets: Sequence[str] | None) -> list[Measure]:
    """Accuracy and macro F1 with target and prediction; else the column `score`.

    Open answers have no macro F1: it is left out from 21 different targets on if they are more than half of the items,
    and from 201 on.

    Args:
        targets: of the items; None without targets and predictions.

    Raises:
        DataError: when there is neither.
    """
    if targets is not None:
        distinct = len(set(targets))
        open_answers = distinct > _FEW_LABELS and (distinct > _MANY_LABELS or 2 * distinct > len(targets))
        return ["accuracy"] if open_answers else ["accuracy", "f1_macro"]
    if "score" in names:
        return [Mean("score")]
    raise DataError(
        f"expected columns `target` and `prediction`, or `score`, found {', '.join(sorted(names))}.",
        hint="specify what to compare: metrics=[harness.Mean('column')].",
    )


def listed(measures: Sequence[Measure] | Measure) -> Sequence[Measure]:
    """One measure alone is a list of one."""
    return [measures] if isinstance(measures, str | Mean | Ratio) else measures


def resolve(measures: Sequence[Measure], names: Sequence[str], labeled: bool) -> list[Measure]:
    """Names that are columns become means; names of registered metrics stay.

    Raises:
        DataError: for a name that is neither, or a metric that a table cannot feed.
    """
    resolved: list[Measure] = []
    for measure in measures:
        if not isinstance(measure, str):
            resolved.append(measure)
        elif labeled and base_name(measure) in registry.names("metrics"):
            if not fits(measure, PROVIDED):
                known = ", ".join(name for name in registry.names("metrics") if fits(name, PROVIDED))
                raise DataError(
                    f"the metric {measure!r} needs more than target and prediction.", hint=f"one of {known}."
                )
            resolved.append(measure)
        elif measure in names:
            resolved.append(Mean(measure))
        elif base_name(measure) in registry.names("metrics"):
            raise DataError(
                f"the metric {measure!r} needs a target and a prediction on both sides; the columns of both are "
                f"{', '.join(names)}.",
                hint="name the columns: target=…, prediction=….",
            )
        else:
            known_names = [*names, *(name for name in registry.names("metrics") if labeled and fits(name, PROVIDED))]
            raise DataError(unknown("metric or column", measure, known_names))
    return resolved


def build(measures: Sequence[Measure], labels: Sequence[str], clustered: bool) -> list[Metric]:
    """The metrics, in order, each id once.

    Raises:
        DataError: for a direction that is none or lacks its ideal, and for two metrics of one name.
    """
    cluster_unit = CLUSTER if clustered else ITEM
    built: dict[str, Metric] = {}
    for measure in dict.fromkeys(measures):
        _check(measure)
        made: Sequence[Metric]
        if isinstance(measure, Mean):
            made = [
                MeanMetric(
                    id=measure.column,
                    unit=measure.unit,
                    direction=measure.direction,
                    cluster_unit=cluster_unit,
                    ideal=measure.ideal,
                    column=measure.column,
                )
            ]
        elif isinstance(measure, Ratio):
            name = measure.name or f"{measure.above}/{measure.below}"
            made = [
                RatioMetric(
                    id=name,
                    unit=measure.unit,
                    direction=measure.direction,
                    cluster_unit=cluster_unit,
                    first=measure.above,
                    second=measure.below,
                )
            ]
        else:
            made = build_metrics([measure], MetricContext(labels=tuple(labels), cluster_unit=cluster_unit))
        for metric in made:
            if metric.id in built and built[metric.id] != metric:
                raise DataError(
                    f"two metrics have the name {metric.id!r}.",
                    hint="use one direction per column, and give ratios distinct names.",
                )
            built[metric.id] = metric
    return list(built.values())


def _check(measure: Measure) -> None:
    if isinstance(measure, str):
        return
    name = measure.column if isinstance(measure, Mean) else f"{measure.above}/{measure.below}"
    allowed = get_args(Direction) if isinstance(measure, Mean) else ("higher", "lower")
    if measure.direction not in allowed:
        raise DataError(f"{name}: expected a direction of {', '.join(allowed)}, found {measure.direction!r}.")
    ideal = measure.ideal if isinstance(measure, Mean) else None
    if (measure.direction == "target") != (ideal is not None) or (ideal is not None and not math.isfinite(ideal)):
        raise DataError(
            f"{name}: expected a finite `ideal` with direction 'target', and with no other, "
            f"found {ideal!r} with {measure.direction!r}."
        )
