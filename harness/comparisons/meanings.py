"""What metrics mean, as results keep it: the report and the gates know no metric by name."""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.metric import Metric, unit_of
from harness.schema.results.inputs import MetricMeaning


def meanings(metrics: Iterable[Metric]) -> dict[str, MetricMeaning]:
    """Metric id → what it is."""
    return {
        metric.id: MetricMeaning(
            label=metric.label,
            short=metric.short,
            unit=metric.unit,
            fraction=unit_of(metric.unit).fraction,
            direction=metric.direction,
            ideal=metric.ideal,
            role=metric.role,
            aspect=metric.aspect,
            timed=metric.timed,
        )
        for metric in metrics
    }
