"""Checks that metrics exist, fit their evaluation, and can be judged the way a gate wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.errors import Problems, SuiteError
from harness.core.metric import Metric, MetricContext
from harness.metrics.build_metrics import base_name, build_metrics
from harness.suite.suite import EvaluationSpec

_STAND_IN = ("a", "b")


@dataclass(frozen=True, slots=True)
class EvaluationMetrics:
    """The metrics that an evaluation will have, as far as they are known before data is read.

    `exact`: the ids are final; otherwise what stands in brackets depends on the data's labels.
    """

    metrics: tuple[Metric, ...]
    exact: bool

    def matching(self, name: str) -> list[Metric]:
        """The metrics that a gate's metric name can mean."""
        same = [metric for metric in self.metrics if metric.id == name]
        if same or (self.exact and "[" in name):
            return same
        return [metric for metric in self.metrics if base_name(metric.id) == base_name(name)]


def check_metrics(spec: EvaluationSpec, problems: Problems) -> EvaluationMetrics:
    """Notes metrics that are unknown or that the evaluation's records cannot feed."""
    labels = spec.options.label_names
    context = MetricContext(labels or _STAND_IN, spec.options.scorer_name)
    asked: Sequence[str] | None = spec.options.metrics
    metrics: dict[str, Metric] = {}
    # Some options bring figures of their own: a classifier that reads what is written.
    usual = (*spec.cls.default_metrics, *spec.options.further_metrics)
    for index, name in enumerate(usual if asked is None else asked):
        try:
            built = build_metrics([name], context, provides=spec.cls.provides, evaluation=spec.name)
        except SuiteError as error:
            problems.add(error.message, spec.kind, "metrics", index, hint=error.hint)
            continue
        metrics |= {metric.id: metric for metric in built}
    if asked is not None and not asked:
        problems.add("expected at least one metric, found none.", spec.kind, "metrics")
    return EvaluationMetrics(tuple(metrics.values()), bool(labels))
