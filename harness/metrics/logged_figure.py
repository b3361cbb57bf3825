"""Figures that another tool computed for each document and logged: their mean, marked as taken as given."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.core.metric import Direction, Metric, MetricContext
from harness.metrics.metric_shapes import Factory, MeanMetric

LOGGED = "logged"
"""How the statistics of such figures begin, and what an evaluation with such records provides."""
_NAMES: dict[str, Direction] = {"as_logged": "higher", "as_logged_lower": "lower"}


def figure_name(figure: str) -> str:
    """A logged figure's name as a metric id takes it."""
    return re.sub(r"[^\w.-]+", "_", figure).strip("_") or "figure"


def logged_metric(figure: str, direction: str) -> str:
    """The id of the metric of a logged figure: `as_logged[f1]`, `as_logged_lower[wer]`."""
    name = next(name for name, known in _NAMES.items() if known == direction)
    return f"{name}[{figure}]"


class Logged(Factory):
    """Makes the mean of a logged figure, named in brackets."""

    needs: tuple[str, ...] = (LOGGED,)
    label: str = "figure of another tool, as it logged it"
    summary: str = "Mean of a figure that another tool logged for each document (`as_logged[f1]`), taken as given."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        base, _, figure = name.partition("[")
        figure = figure.removesuffix("]")
        return [
            MeanMetric(
                id=name,
                unit="as logged",
                direction=_NAMES[base],
                cluster_unit=context.cluster_unit,
                column=f"{LOGGED}.{figure}" if figure else LOGGED,
            )
        ]


class LoggedLower(Logged):
    """The same of a figure where less is better."""

    summary: str = "As `as_logged`, of a figure where less is better (`as_logged_lower[wer]`)."


as_logged = Logged()
as_logged_lower = LoggedLower()
