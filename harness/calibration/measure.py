"""The figures of one planted world: its models are trained, asked everything, and each probe's figures kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.calibration.load_calibration import CalibrationSuite
from harness.core.reporter import Reporter
from harness.pipeline.answered_evaluation import AnsweredEvaluation
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.prepared_suite import PreparedSuite, prepare
from harness.pipeline.records.record_cache import RecordCache
from harness.pipeline.results.scoring import ScoringSpec, metrics_of
from harness.schema.probe_calibration import LEVEL
from harness.schema.results.metrics import MetricResult
from harness.storage.store import Store

KEPT = ("value", "low", "high", "ideal", "direction", "n", "clusters")

World = Mapping[str, Any]
"""model → {facts, evaluations: {name: {protocol, figures: {metric: KEPT}}}, skipped: {name: reason}}."""


def measure(
    suite: CalibrationSuite, dose: float, world: int, store: Store, reporter: Reporter, *, device: str = "auto"
) -> World:
    """Trains the suite's models in one world, asks them everything, and gives the figures with their intervals.

    Raises:
        HarnessError: as a run of the suite does.
    """
    return measured(prepare(suite.in_world(dose, world), store, reporter), store, reporter, device=device)


def measured(prepared: PreparedSuite, store: Store, reporter: Reporter, *, device: str = "auto") -> World:
    """As `measure`, in a world whose data is open."""
    builder = CheckpointBuilder(prepared, store, reporter)
    checkpoints = {model: builder.checkpoint(model) for model in builder.order()}
    cache = RecordCache(prepared, builder, store, reporter, device=device)
    world: dict[str, Any] = {}
    for model in prepared.suite.contenders:
        answers = [cache.answer(bound, checkpoints[model]) for bound in prepared.asked.values()]
        cache.release(checkpoints[model])
        world[model] = {
            "facts": dict(answers[0].facts) if answers else {},
            "evaluations": {
                answered.spec.name: _figures(answered, prepared) for answered in answers if answered.records is not None
            },
            "skipped": {answered.spec.name: answered.skipped for answered in answers if answered.records is None},
        }
    return world


def _figures(answered: AnsweredEvaluation, prepared: PreparedSuite) -> dict[str, Any]:
    """Protocol and figures of one model on one evaluation, each with its interval."""
    from harness.comparisons.metric_results import metric_results
    from harness.statistics.inference_settings import InferenceSettings

    assert answered.records is not None
    name, context = answered.spec.name, answered.spec.evaluation.metric_context()
    unit = answered.spec.evaluation.cluster_unit
    spec = ScoringSpec(name, answered.spec.metrics, unit, context.labels, context.scorer)
    settings = InferenceSettings(seed=prepared.suite.seed)
    figures: dict[str, Any] = {}
    for metric in metrics_of(spec, str(answered.protocol), code=prepared.code):
        (level, *_) = metric_results(
            answered.records, metric, evaluation=name, model=answered.model, settings=settings, slices=False
        )
        figures[metric.id] = _kept(level)
    return {"protocol": answered.protocol, "figures": figures}


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


def _kept(level: MetricResult) -> dict[str, Any]:
    figures = {**dict(level), **dict(level.interval)}
    return {name: figures[name] for name in KEPT}
