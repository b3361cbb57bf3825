"""The best of several models, and what the choice costs: one home for sweeps (`compare.choose`) and checkpoints.

A model that was chosen on validation data has a difference on the test data that is as good as any other. Whoever picks
the best of k on the test data itself picks luck, too: its bound is taken at alpha / k (Bonferroni), so that all k
bounds hold together, and the one that was picked among them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.comparisons.recomputed import value_of
from harness.core.errors import DataError
from harness.core.metric import Direction
from harness.schema.results.choice import ChoiceResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.suite.gate_rules import Composition, GateSet, Rule

if TYPE_CHECKING:
    from harness.pipeline.checkpoints.checkpoint import Checkpoint
    from harness.pipeline.prepared_suite import BoundEvaluation
    from harness.pipeline.records.record_cache import RecordCache
    from harness.schema.suite.compare_section import ChooseSpec
    from harness.suite.suite import Suite

ALPHA = 0.05
VALIDATION, TEST = "validation", "test"


def best_of(values: Mapping[str, float], direction: Direction, ideal: float | None = None) -> str | None:
    """The name with the best value, the first of those that tie; None where none has one.

    Args:
        ideal: what is aimed at, where the direction is `target`.
    """
    known = {name: value for name, value in values.items() if not math.isnan(value)}
    if not known:
        return None
    if direction == "target":
        return min(known, key=lambda name: abs(known[name] - (ideal or 0.0)))
    return (min if direction == "lower" else max)(known, key=lambda name: known[name])


def paid(alpha: float, count: int, split: str) -> float:
    """The level of a bound of the best of so many: divided where they were chosen on the data that it is of."""
    return alpha / count if split == TEST else alpha


def bound_at(compared: ComparisonResult, alpha: float) -> float | None:
    """The one-sided bound of a difference on the side that must not be crossed; None where it was not computed."""
    near = next((level for level in compared.delta.bounds if math.isclose(level.alpha, alpha, rel_tol=1e-6)), None)
    return None if near is None else near.high if compared.direction == "lower" else near.low


def paid_gates(suite: Suite) -> GateSet:
    """The gates as they judge a chosen model: each at alpha / k where it was chosen on the test data."""
    choose = suite.compare.choose
    if choose is None or choose.on != TEST:
        return suite.gates
    count = len(suite.release)
    return replace(suite.gates, rules=tuple(_paid(rule, count) for rule in suite.gates.rules))


def _paid(rule: Rule, count: int) -> Rule:
    if isinstance(rule, Composition):
        rule = rule.with_members([_paid(member, count) for member in rule.members])
    return rule.model_copy(update={"alpha": rule.alpha / count})


def values_on(
    cache: RecordCache, checkpoints: Mapping[str, Checkpoint], bound: BoundEvaluation, models: Sequence[str], split: str
) -> dict[str, dict[str, float]]:
    """Metric → model → its value on a split of an evaluation's data, models without one left out."""
    from harness.metrics.build_metrics import build_metrics

    context = replace(bound.evaluation.metric_context(), code=cache.prepared.code)
    records = {model: cache.answer(bound, checkpoints[model], split).records for model in models}
    return {
        metric.id: {
            model: value
            for model, own in records.items()
            if own is not None and not math.isnan(value := value_of(metric, own.take(own.ok)))
        }
        for metric in build_metrics(list(bound.metrics), context)
    }


def choosing(cache: RecordCache, checkpoints: Mapping[str, Checkpoint]) -> dict[str, float]:
    """The values on validation data that `compare.choose` chooses by; empty where it chooses on the test data.

    Raises:
        DataError: where the evaluation has no validation data.
    """
    prepared = cache.prepared
    choose = prepared.suite.compare.choose
    if choose is None or choose.on == TEST:
        return {}
    bound = prepared.asked[choose.evaluation]
    if not all(dataset.rows.get(VALIDATION) for dataset in bound.data):
        raise DataError(
            f"`compare.choose`: {choose.evaluation!r} has no validation data to choose by.",
            hint="give its data a validation split, or write `on: test`: gates then pay for the choice.",
        )
    by_metric = values_on(cache, checkpoints, bound, prepared.suite.release, VALIDATION)
    return next((values for metric, values in by_metric.items() if _named(metric, choose)), {})


def choice_result(
    suite: Suite,
    validation: Mapping[str, float],
    metrics: Sequence[MetricResult],
    comparisons: Sequence[ComparisonResult],
) -> ChoiceResult | None:
    """Who is released of the models that a suite chooses among; None where it chooses among none.

    Args:
        validation: model → value on validation data.
    """
    choose = suite.compare.choose
    if choose is None:
        return None
    rows = [row for row in metrics if row.slice is None and _is(row.evaluation, row.metric, choose)]
    tested = {row.model: row.interval.value for row in rows if row.model in suite.release}
    values = validation if choose.on == VALIDATION else {m: v for m, v in tested.items() if v is not None}
    shape = rows[0] if rows else None
    winner = None if shape is None else best_of(values, shape.direction, shape.ideal)
    alpha = paid(ALPHA, len(suite.release), choose.on)
    pair = next(
        (
            row
            for row in comparisons
            if row.slice is None
            and row.candidate == winner
            and row.baseline == suite.compare.baseline
            and _is(row.evaluation, row.metric, choose)
        ),
        None,
    )
    return ChoiceResult(
        among=list(suite.release),
        by=choose.by,
        on=choose.on,
        values=dict(values),
        winner=winner,
        difference=None if pair is None else pair.delta.value,
        bound=None if pair is None else bound_at(pair, alpha),
        unit="" if shape is None else shape.unit,
        alpha=alpha,
    )


def released(suite: Suite, choice: ChoiceResult | None) -> Suite:
    """The suite as it judges: the chosen model alone is released, under gates that pay for the choice."""
    if choice is None or choice.winner is None:
        return suite
    return replace(suite, release=(choice.winner,), gates=paid_gates(suite))


def choice_notes(choice: ChoiceResult | None) -> list[str]:
    """What is to be said of a choice, in sentences."""
    if choice is None:
        return []
    if choice.winner is None:
        return [f"No model is chosen among {len(choice.among)}: none has a value of {choice.by} on {choice.on} data."]
    return [choice.sentence]


def _is(evaluation: str, metric: str, choose: ChooseSpec) -> bool:
    return evaluation == choose.evaluation and _named(metric, choose)


def _named(metric: str, choose: ChooseSpec) -> bool:
    return choose.metric in (metric, metric.partition("[")[0])
