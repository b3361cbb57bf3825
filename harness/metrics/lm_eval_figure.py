"""Figures that code of lm-evaluation-harness computes for each document of a run, under lm-eval's own names."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.core.errors import DataError
from harness.core.metric import Direction, Metric, MetricContext, MetricKind, RecomputedMetric
from harness.core.records import Records
from harness.metrics.metric_shapes import MeanMetric, RatioMetric

STATISTIC = "lm_eval"
"""How the statistics of such figures begin, and what an evaluation with such records provides."""
VALUES = "lm_eval"
"""Where a record's response keeps the figures of its document that are no numbers."""
SHARE = "task_share"
"""The statistic that says what a document counts where the tasks of a group count alike."""
UNIT = "as lm-eval scores"
LABEL = "figure by lm-evaluation-harness's code"
_NAMES: dict[str, Direction] = {"by_lm_eval": "higher", "by_lm_eval_lower": "lower"}


def figure_metric(task: str, key: str, *, higher: bool, mean: bool) -> str:
    """The id of the metric of a figure: `by_lm_eval[acc]`, or `by_lm_eval[cola/mcc]` where code of the task aggregates.

    Args:
        mean: whether the figure of a run is the mean over its documents.
    """
    name = next(name for name, direction in _NAMES.items() if direction == ("higher" if higher else "lower"))
    return f"{name}[{key if mean else f'{task}/{key}'}]"


def group_metric(group: str, key: str, *, higher: bool) -> str:
    """The id of the metric that is the mean over the tasks of a group: `by_lm_eval[blimp:acc]`."""
    return figure_metric(group, f"{group}:{key}", higher=higher, mean=True)


def share_statistics(numbers: Mapping[str, float], share: float) -> dict[str, float]:
    """What `group_metric` reads of a document: its share, and each figure times it."""
    return {SHARE: share, **{f"{SHARE}.{key}": share * value for key, value in numbers.items()}}


def is_aggregated(metric: str) -> bool:
    """Whether code of a task makes the figure of a run from those of its documents."""
    return metric.partition("[")[0] in _NAMES and "/" in metric


@dataclass(slots=True, kw_only=True)
class AggregatedFigure(RecomputedMetric):
    """What code of a task makes of the figures of all documents."""

    id: str
    task: str
    key: str
    cluster_unit: str
    direction: Direction
    unit: str = UNIT
    label: str = LABEL
    ideal: float | None = None
    kind: MetricKind = "recompute"

    def recompute(self, records: Records) -> float:
        """The task's own aggregation of these documents; NaN where none has the figure.

        Raises:
            DataError: when the task's code fails.
        """
        values = [
            value
            for text, ok in zip(records.texts("response"), records.ok.tolist(), strict=True)
            if ok and (value := _values(text).get(self.key)) is not None
        ]
        if not values:
            return math.nan
        try:
            with warnings.catch_warnings():
                # Resamples may lack a class, which scikit-learn would say thousands of times.
                warnings.simplefilter("ignore")
                return float(_aggregation(self.task, self.key)(values))
        except ZeroDivisionError:
            return math.nan
        except Exception as error:  # code of a task may raise anything
            raise DataError(
                f"lm-evaluation-harness's code cannot aggregate {self.key!r} of {self.task!r}: "
                f"{type(error).__name__}: {error}"
            ) from error


class ByLmEval:
    """Makes the metric of a figure, named in brackets.

    `[FIGURE]` is a mean over documents, `[TASK/FIGURE]` what code of a task makes of them, and `[GROUP:FIGURE]` the
    mean over the tasks of a group.
    """

    needs: tuple[str, ...] = (STATISTIC,)
    summary: str = "A figure that lm-evaluation-harness's code computes for each document (`by_lm_eval[acc]`)."

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        """The metric that `name` stands for."""
        base, _, inner = name.partition("[")
        inner = inner.removesuffix("]")
        task, slash, key = inner.rpartition("/")
        direction, unit = _NAMES[base], context.cluster_unit
        if slash:
            return [AggregatedFigure(id=name, task=task, key=key, cluster_unit=unit, direction=direction)]
        group, colon, key = inner.partition(":")
        if colon:
            label = f"mean over the tasks of {group}"
            first = f"{SHARE}.{key}"
            return [
                RatioMetric(
                    id=name, unit=UNIT, direction=direction, cluster_unit=unit, first=first, second=SHARE, label=label
                )
            ]
        column = f"{STATISTIC}.{inner}" if inner else STATISTIC
        return [MeanMetric(id=name, unit=UNIT, direction=direction, cluster_unit=unit, column=column, label=LABEL)]


class ByLmEvalLower(ByLmEval):
    """The same of a figure where less is better."""

    summary: str = "As `by_lm_eval`, of a figure where less is better (`by_lm_eval_lower[likelihood_diff]`)."


by_lm_eval = ByLmEval()
by_lm_eval_lower = ByLmEvalLower()


@lru_cache(maxsize=65_536)
def _values(response: str) -> dict[str, Any]:
    held = json.loads(response).get(VALUES)
    return held if isinstance(held, dict) else {}


@lru_cache(maxsize=256)
def _aggregation(task: str, key: str) -> Callable[[list[Any]], float]:
    from harness.data.sources.lm_eval_configs import aggregation_of

    return aggregation_of(task, key)
