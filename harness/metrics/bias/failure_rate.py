"""Failure rate of tests: functional tests and changes of a text that should not matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from harness.core.metric import Metric, MetricContext
from harness.metrics.metric_shapes import Factory, MeanMetric

CLUSTER = "template"


class FailureRate(Factory):
    """Mean over cases of the share of their tests that fail."""

    needs: ClassVar[tuple[str, ...]] = ("test_failed",)
    summary: ClassVar[str] = "Fraction of test cases that fail."

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [MeanMetric(id="failure_rate", unit="share", direction="lower", cluster=CLUSTER, column="test_failed")]


failure_rate = FailureRate()
