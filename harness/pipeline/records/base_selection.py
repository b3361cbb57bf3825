"""Which way of the base a gain is measured against: the best one, chosen on validation data.

A base model has no task head. Asked by a cloze it may look far worse than what its features
hold; so a linear classifier on those features (or prompting) competes, and the better one on the
*validation* split is what fine-tuning has to beat on the test split.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.comparisons.recomputed import value_of
from harness.core.metric import Metric
from harness.pipeline.answered_evaluation import BaseChoice, SuiteAnswers
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.prepared_suite import BoundEvaluation, PreparedSuite

if TYPE_CHECKING:
    from harness.pipeline.records.record_cache import RecordCache


def ways_of(prepared: PreparedSuite) -> list[str]:
    """The models that compete for the baseline of tasks: the base and its other ways."""
    compare = prepared.suite.compare
    return [compare.baseline, *compare.base_variants] if compare.base_variants else []


def competes(bound: BoundEvaluation) -> bool:
    """Whether the baseline of an evaluation is chosen: labeled tasks with a validation split."""
    return (
        bound.evaluation.role == "task"
        and bool(bound.evaluation.metric_context().labels)
        and all(dataset.size("validation")[0] for dataset in bound.data)
    )


def choose_baselines(
    cache: RecordCache, checkpoints: Mapping[str, Checkpoint], answers: SuiteAnswers
) -> dict[str, BaseChoice]:
    """Evaluation → its baseline; probes that stand on a task take the task's choice."""
    prepared = cache.prepared
    ways = ways_of(prepared)
    chosen: dict[str, BaseChoice] = {}
    for name, bound in prepared.reported.items():
        if bound.evaluation.role != "cost" and bound.on is not None and bound.on in chosen:
            chosen[name] = chosen[bound.on]
        elif ways and competes(bound):
            skipped = {answered.model for answered in answers.of(name) if answered.protocol is None}
            able = {model: checkpoints[model] for model in ways if model not in skipped}
            chosen[name] = _best(bound, able, cache) or BaseChoice(ways[0])
        else:
            chosen[name] = BaseChoice(prepared.suite.compare.baseline)
    return chosen


def _best(bound: BoundEvaluation, ways: Mapping[str, Checkpoint], cache: RecordCache) -> BaseChoice | None:
    """The best one on validation data; None where none has a value there."""
    from harness.metrics.build_metrics import build_metrics

    context = replace(bound.evaluation.metric_context(), code=cache.prepared.code)
    metric: Metric = build_metrics([bound.metrics[0]], context)[0]
    values: list[tuple[float, str, str]] = []
    for model, checkpoint in ways.items():
        records = cache.answer(bound, checkpoint, "validation").records
        if records is None:
            continue
        value = value_of(metric, records.take(records.ok))
        if not math.isnan(value):
            values.append((value, model, records.head.protocol))
    if not values:
        return None
    _, best, _ = (min if metric.direction == "lower" else max)(values, key=lambda entry: entry[0])
    if len(values) == 1:
        return BaseChoice(best)
    listing = ", ".join(f"{model} by {protocol} {value:.3f}" for value, model, protocol in values)
    return BaseChoice(best, f"best variant of the base on validation data ({metric.id}: {listing})")
