"""Failure rate of tests: functional tests and changes of a text that should not matter."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.metric import Metric, MetricContext
from harness.metrics.metric_shapes import Factory, MeanMetric


class FailureRate(Factory):
    """Mean over cases of the share of their tests that fail."""

    needs: tuple[str, ...] = ("test_failed",)
    label: str = "failure rate of functional tests"
    summary: str = "Fraction of test cases that fail."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            MeanMetric(
                id="failure_rate",
                unit="share",
                direction="lower",
                cluster_unit=context.cluster_unit,
                column="test_failed",
            )
        ]


failure_rate = FailureRate()
