"""Which way of the base a gain is measured against: the best one, chosen on validation data.

A base model has no task head. Asked by a cloze it may look far worse than what its features
hold; so a linear classifier on those features (or prompting) competes, and the better one on the
*validation* split is what fine-tuning has to beat on the test split.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.comparisons.recomputed import value_of
from harness.core.metric import Metric
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.prepared_suite import Bound, Prepared

if TYPE_CHECKING:
    from harness.pipeline.records.record_cache import Answers


def ways_of(prepared: Prepared) -> list[str]:
    """The models that compete for the baseline of tasks: the base and its other ways."""
    compare = prepared.suite.compare
    return [compare.baseline, *compare.base_variants] if compare.base_variants else []


def competes(bound: Bound) -> bool:
    """Whether the baseline of an evaluation is chosen: labeled tasks with a validation split."""
    return (
        bound.evaluation.role == "task"
        and bool(bound.evaluation.metric_context().labels)
        and all(dataset.rows.get("validation") for dataset in bound.data)
    )


def choose_baselines(
    prepared: Prepared, checkpoints: Mapping[str, Checkpoint], answers: Answers
) -> dict[str, tuple[str, str | None]]:
    """Evaluation → (baseline model, why); probes that stand on a task take the task's choice."""
    ways = ways_of(prepared)
    chosen: dict[str, tuple[str, str | None]] = {}
    for name, bound in prepared.asked.items():
        if bound.on is not None and bound.on in chosen:
            chosen[name] = chosen[bound.on]
        elif ways and competes(bound):
            chosen[name] = _best(bound, ways, checkpoints, answers, prepared.code)
        else:
            chosen[name] = (prepared.suite.compare.baseline, None)
    return chosen


def _best(
    bound: Bound,
    ways: list[str],
    checkpoints: Mapping[str, Checkpoint],
    answers: Answers,
    code: Mapping[str, Any],
) -> tuple[str, str | None]:
    from harness.metrics.build_metrics import build_metrics

    metric: Metric = build_metrics([bound.metrics[0]], replace(bound.evaluation.metric_context(), code=code))[0]
    found: list[tuple[float, str, str]] = []
    for model in ways:
        if (bound.name, model) in answers.skipped:
            continue
        records, _ = answers.records(bound, checkpoints[model], "validation")
        if records is None:
            continue
        value = value_of(metric, records.take(records.ok))
        if math.isnan(value):
            continue
        found.append((value, model, records.head.protocol))
    if not found:
        return ways[0], None
    best = (min if metric.direction == "lower" else max)(found, key=lambda entry: entry[0])
    if len(found) == 1:
        return best[1], None
    listing = ", ".join(f"{model} by {protocol} {value:.3f}" for value, model, protocol in found)
    return best[1], f"best variant of the base on validation data ({metric.id}: {listing})"
