"""What each gate of a suite could show, before anything is trained or asked."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.commands.planning.simulated_plan import simulate_gate
from harness.core.errors import DataError
from harness.core.interval import number_or_nan
from harness.core.metric import Metric
from harness.core.reporter import Reporter
from harness.pipeline.prepared_suite import PreparedSuite
from harness.pipeline.records.record_cache import RecordCache
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.number_format import amount
from harness.schema.results.results_file import Results
from harness.schema.results.seed_aggregation import reads_recipe
from harness.schema.suite.gate_rules import SlicedRule
from harness.storage.items_file import read_items
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.gates.gate_planning import PlannedEffect, Spread
    from harness.schema.suite.gate_rules import Composition, Leaf

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class PlannedGate:
    """A gate's power. `possible` is None when it cannot be known before the data is here."""

    id: str
    sentence: str
    mde: float | None = None
    possible: bool | None = None
    required_n: int | None = None


@dataclass(frozen=True)
class _Earlier:
    """A finished run, and what it found."""

    run: RunDir
    results: Results

    @classmethod
    def of(cls, run: RunDir | None, reporter: Reporter) -> _Earlier | None:
        if run is None:
            return None
        try:
            return cls(run, run.read_results())
        except DataError as error:
            reporter.warn(f"the newest run is not used: {' '.join([error.message, *error.notes])} ({run.path})")
            return None


def plan_gates(prepared: PreparedSuite, cache: RecordCache, earlier: RunDir | None = None) -> list[PlannedGate]:
    """Minimum detectable effects of all gates of a suite whose data is at hand."""
    from harness.gates.gate_planning import plan_rule
    from harness.schema.suite.gate_rules import models_of

    suite = prepared.suite
    seen = _Earlier.of(earlier, cache.reporter)
    gates: list[PlannedGate] = []
    for rule in suite.gates.rules:
        models = [model for model in models_of(rule, suite.release) if model is not None]

        def effect(leaf: Leaf, models: list[str] = models) -> PlannedEffect:
            return _leaf(leaf, models, prepared, cache, seen)

        planned = plan_rule(rule, effect)
        whom = f" of {', '.join(models)}" if models else ""
        sentence = f"{rule.kind}{_about(rule)}{whom}: {planned.sentence}"
        gates.append(PlannedGate(rule.id, sentence, planned.mde, planned.possible, planned.required_n))
    return gates


def _about(rule: Leaf | Composition) -> str:
    from harness.schema.suite.gate_rules import BaseRule

    return f", {rule.metric}" if isinstance(rule, BaseRule) else ""


def _leaf(
    rule: Leaf, models: list[str], prepared: PreparedSuite, cache: RecordCache, seen: _Earlier | None
) -> PlannedEffect:
    from harness.gates.gate_planning import JudgedMetric, PlannedEffect, planned
    from harness.metrics.build_metrics import build_metrics

    bound = prepared.evaluations[rule.evaluation]
    metrics = build_metrics(list(bound.metrics), bound.evaluation.metric_context())
    wanted = rule.metric_name
    metric = next((metric for metric in metrics if wanted in {metric.id, metric.id.split("[")[0]}), metrics[0])
    if metric.counted == "blocks":
        return _timed(rule, metric, models, cache.item_set(bound).n, seen)
    items = cache.item_set(bound)
    n, clusters = items.n, items.clusters.get(metric.cluster_unit, items.n)
    where, slice_name = "", None
    if isinstance(rule, SlicedRule) and (rule.slice or rule.each_slice):
        sizes = _slice_sizes(cache, rule, metric, bound.name, prepared)
        if not sizes:
            text = "the number of items per slice is known after a run."
            return PlannedEffect(None, None, True, text)
        slice_name, (n, clusters) = min(sizes.items(), key=lambda entry: entry[1])
        where = f" (its smallest slice, {slice_name})" if len(sizes) > 1 else f" ({slice_name})"
    spread, simulated = None, None
    if seen is not None and n >= rule.min_n:
        judged = [rule.model] if rule.model else models
        if slice_name is None:
            spread = _spread(rule, metric, judged, seen.results, f"the run {seen.run.path.name}")
        simulated = simulate_gate(rule, judged, seen.run, seen.results, n, slice_name)
    effect = planned(rule, n, clusters, metric=JudgedMetric.of(metric), spread=spread, simulated=simulated)
    return PlannedEffect(
        effect.mde, effect.required_n, effect.possible, f"{effect.sentence.removesuffix('.')}{where}.", n
    )


def _timed(rule: Leaf, metric: Metric, models: list[str], blocks: int, seen: _Earlier | None) -> PlannedEffect:
    """A gate on timings: the noise of the machine is known after a run, and what is counted has none."""
    from harness.gates.gate_planning import JudgedMetric, PlannedEffect, planned

    if not metric.timed:
        return PlannedEffect(None, None, True, "counted exactly, so no power is lost.")
    sentence = f"judged by {blocks} blocks of timings on the machine of the run"
    spread = None
    if seen is not None:
        judged = [rule.model] if rule.model else models
        spread = _spread(rule, metric, judged, seen.results, f"the run {seen.run.path.name}")
    if spread is None:
        return PlannedEffect(None, None, True, f"{sentence}; after the first one, plan shows what the gate can detect.")
    rule = rule.model_copy(update={"min_n": 1})
    effect = planned(rule, blocks, metric=JudgedMetric.of(metric), spread=spread)
    if effect.mde is None:
        return PlannedEffect(None, None, effect.possible, f"{sentence}.")
    ratio = isinstance(rule, SlicedRule) and rule.is_relative
    least = f"{effect.mde:.1%} of the baseline" if ratio else amount(effect.mde, metric.unit)
    text = f"{sentence}; {least} is found with 80% power, by the spread in {spread.source}."
    return PlannedEffect(effect.mde, None, effect.possible, text)


def _slice_sizes(
    cache: RecordCache, rule: SlicedRule, metric: Metric, evaluation: str, prepared: PreparedSuite
) -> dict[str, tuple[int, int]]:
    """Slice → (items, clusters) of the slices that a rule looks at."""
    bound = prepared.evaluations[evaluation]
    wanted, kind = rule.slice, rule.each_slice
    counts: Counter[str] = Counter()
    clusters: dict[str, set[str]] = {}
    for item in read_items(cache.items_file(bound)):
        for name in item.slices:
            if name == wanted or (kind is not None and name.startswith(f"{kind}=")):
                counts[name] += 1
                clusters.setdefault(name, set()).add(item.clusters.get(metric.cluster_unit, item.id))
    return {name: (count, len(clusters[name])) for name, count in counts.items()}


def _spread(rule: Leaf, metric: Metric, models: list[str], before: Results, source: str) -> Spread | None:
    """The spread of what a rule judges, as an earlier run saw it; None when it did not."""
    from harness.schema.suite.gate_rules import ComparedRule, NonInferiorityRule, Ratio

    name = f"{rule.evaluation}.{metric.id}"
    for model in models:
        if not isinstance(rule, ComparedRule):
            for level in before.metrics:
                if (level.id, level.model, level.slice) == (name, model, None):
                    if reads_recipe(level):
                        return _of_seeds(level, source)
                    return _of(_level_error(level), level, source)
            continue
        evaluation = next((evaluation for evaluation in before.evaluations if evaluation.name == rule.evaluation), None)
        baseline = rule.baseline or (evaluation.baseline if evaluation else "") or before.baseline
        for row in before.comparisons:
            if (row.id, row.candidate, row.baseline, row.slice) == (name, model, baseline, None):
                ratio = isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio)
                if reads_recipe(row):
                    return _of_seeds(row, source, ratio)
                return _of(_ratio_error(row) if ratio else row.delta.standard_error, row, source)
    return None


def _of_seeds(row: MetricResult | ComparisonResult, source: str, ratio: bool = False) -> Spread | None:
    """Over training seeds: V_seeds − V_interaction stays however many items there are, and few seeds' t is long."""
    from harness.gates.gate_planning import Spread
    from harness.statistics.distributions import student_isf

    seeds = row.seeds
    assert seeds is not None
    error = number_or_nan(seeds.interval.standard_error)
    if not error > 0:
        return None
    kept = max(number_or_nan(seeds.variance_seeds) - number_or_nan(seeds.variance_interaction), 0.0) / error**2
    if ratio:
        if seeds.ratio is None or not seeds.ratio.low or not seeds.ratio.high:
            return None
        tail = (1 - seeds.ratio.confidence) / 2
        error = math.log(seeds.ratio.high / seeds.ratio.low) / (2 * student_isf(tail, seeds.df))
    fixed = min(kept, 1.0) * error**2
    efficiency = None if seeds.n_eff is None else min(1.0, seeds.n_eff / seeds.n)
    count = max(len(seeds.seeds), len(seeds.baseline_seeds))
    return Spread(
        math.sqrt((error**2 - fixed) * seeds.n), f"{source}, over {count} training seeds", seeds.n, efficiency, fixed,
        seeds.df,
    )  # fmt: skip


def _of(error: float | None, row: MetricResult | ComparisonResult, source: str) -> Spread | None:
    from harness.gates.gate_planning import Spread

    if error is None or not error > 0 or row.n <= 0:
        return None
    efficiency = None if row.n_eff is None else min(1.0, row.n_eff / row.n)
    return Spread(error * math.sqrt(row.n), source, row.n, efficiency)


def _level_error(row: MetricResult) -> float | None:
    level = row.interval
    if level.low is None or level.high is None or level.confidence != 0.95:
        return None
    return (level.high - level.low) / (2 * _Z95)


def _ratio_error(row: ComparisonResult) -> float | None:
    ratio = row.ratio
    if ratio is None or not ratio.low or not ratio.high or ratio.confidence != 0.95:
        return None
    return math.log(ratio.high / ratio.low) / (2 * _Z95)
