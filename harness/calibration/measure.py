"""The figures of one planted world: its models are trained, asked everything, and each probe's figures kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.core.reporter import Reporter
from harness.pipeline.checkpoints.checkpoint_builder import Workshop
from harness.pipeline.prepared_suite import Bound, Prepared, prepare
from harness.pipeline.records.record_cache import Answers
from harness.pipeline.results.scoring import metrics_of
from harness.schema.probe_calibration import LEVEL
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import MetricResult
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite

KEPT = ("value", "low", "high", "ideal", "direction", "n", "clusters")

World = Mapping[str, Any]
"""model → {facts, evaluations: {name: {protocol, figures: {metric: KEPT}}}, skipped: {name: reason}}."""


def measure(suite: Suite, dose: float, world: int, store: Store, reporter: Reporter, *, device: str = "auto") -> World:
    """Trains the suite's models in one world, asks them everything, and gives the figures with their intervals.

    Raises:
        HarnessError: as a run of the suite does.
    """
    return measured(prepare(suite.with_dose(dose, world), store, reporter), store, reporter, device=device)


def measured(prepared: Prepared, store: Store, reporter: Reporter, *, device: str = "auto") -> World:
    """As `measure`, in a world whose data is open."""
    from harness.comparisons.metric_results import metric_results

    suite = prepared.suite
    workshop = Workshop(prepared, store, reporter)
    made = {model: workshop.checkpoint(model) for model in workshop.order()}
    answers = Answers(prepared, workshop, store, reporter, device=device)
    told: dict[str, Any] = {}
    for model in suite.contenders:
        evaluations: dict[str, Any] = {}
        for name, bound in prepared.asked.items():
            records, _ = answers.records(bound, made[model])
            if records is None:
                continue
            protocol = records.head.protocol
            evaluation = _described(bound)
            figures: dict[str, Any] = {}
            for metric in metrics_of(evaluation, protocol, code=prepared.code):
                (level, *_) = metric_results(
                    records, metric, evaluation=name, model=model, seed=suite.seed, slices=False
                )
                figures[metric.id] = _kept(level)
            evaluations[name] = {"protocol": protocol, "figures": figures}
        answers.release(made[model])
        skipped = {name: reason for (name, asked), reason in answers.skipped.items() if asked == model}
        told[model] = {"facts": answers.facts.get(model, {}), "evaluations": evaluations, "skipped": skipped}
    return told


def alarms(figure: Mapping[str, Any]) -> bool | None:
    """Whether a figure's own interval lies wholly on one side of its ideal; None where there is no figure or no ideal.

    This is the rule of calibration: what a reader of the report would take for bias in this one model. Where every
    cluster says the same and there is no interval, the sign test over clusters decides, 2·0.5^C ≤ 0.05.
    """
    value, low, high, ideal = figure["value"], figure["low"], figure["high"], figure["ideal"]
    if figure["direction"] != "target" or ideal is None or value is None:
        return None
    if low is None or high is None:
        return bool(value != ideal and 2 * 0.5 ** figure["clusters"] <= LEVEL)
    return bool(low > ideal or high < ideal)


def _described(bound: Bound) -> EvaluationResult:
    context = bound.evaluation.metric_context()
    return EvaluationResult(
        name=bound.name,
        role=bound.evaluation.role,
        kind=bound.evaluation.kind,
        summary="",
        data=[],
        split=bound.split,
        n=0,
        cluster_unit=bound.evaluation.cluster_unit,
        labels=list(context.labels),
        metrics=list(bound.metrics),
        scorer=context.scorer,
    )


def _kept(level: MetricResult) -> dict[str, Any]:
    return {name: getattr(level, name) for name in KEPT}
