"""Whether the bounds that a run's gates read hold on the run's own records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.commands.planning.simulated_plan import bound_question
from harness.core.reporter import Reporter
from harness.pipeline.results.scoring import ScoringSpec, metrics_of
from harness.schema.results.results_file import Results
from harness.schema.results.selftest_result import BoundResult
from harness.schema.results.verdicts import GateResult
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.schema.suite.gate_rules import Rule, Sliced
    from harness.suite.suite import Suite


def gate_bounds(run: RunDir, suite: Suite, results: Results, reporter: Reporter) -> list[BoundResult]:
    """Every bound that can pass a gate of the suite, tried on samples of the run's records."""
    work = [
        (path, leaf, model)
        for rule in suite.gates.rules
        for path, leaf in _leaves(rule, "")
        for model in ([leaf.model] if leaf.model is not None else suite.release)
    ]
    bounds: list[BoundResult] = []
    with reporter.task("sampling the records", total=len(work)) as task:
        for path, leaf, model in work:
            bounds += _of_leaf(run, results, path, leaf, model)
            task.advance()
    return bounds


def _leaves(rule: Rule, path: str) -> Iterator[tuple[str, Sliced]]:
    """The rules that read bounds, with their names below compositions."""
    from harness.schema.suite.gate_rules import Composition, JointRule, SlicedRule

    if isinstance(rule, JointRule):
        return
    if isinstance(rule, Composition):
        for member in rule.members:
            yield from _leaves(member, f"{path}{rule.id}/")
    elif isinstance(rule, SlicedRule) and not rule.reads_point:
        yield f"{path}{rule.id}", rule


def _of_leaf(run: RunDir, results: Results, path: str, rule: Sliced, model: str) -> list[BoundResult]:
    from harness.comparisons.simulation.bound_coverage import BoundCoverage, bound_coverage
    from harness.gates.result_lookup import baseline_of, matches

    evaluation = next((entry for entry in results.evaluations if entry.name == rule.evaluation), None)
    baseline = baseline_of(rule, evaluation, results.baseline)
    models = [name for name in (baseline, model) if name is not None]
    if evaluation is not None and evaluation.role == "cost":
        return []
    if evaluation is None or len(set(models)) < len(models) or not set(models) <= evaluation.protocols.keys():
        return []
    sides = [run.records(evaluation.name, name) for name in models]
    protocols = [side.head.protocol for side in sides]
    metrics = [
        metric for metric in metrics_of(ScoringSpec.of(evaluation), *protocols) if matches(rule.metric_name, metric.id)
    ]
    slices: list[str | None] = [rule.slice]
    if rule.each_slice is not None:
        slices = [name for name in sides[-1].slice_members if name.startswith(f"{rule.each_slice}=")]
    several = max(evaluation.seeds.get(name, 1) for name in models) > 1
    bounds = []
    for metric in metrics[:1]:
        for name in slices:
            if several:
                counted = BoundCoverage(reason="it is judged over training seeds, which cannot be sampled.")
            else:
                counted = bound_coverage(sides, metric, bound_question(rule, metric, name), seed=results.seed)
            bounds.append(
                BoundResult(
                    gate=path,
                    metric=f"{evaluation.name}.{metric.id}",
                    model=model,
                    baseline=baseline,
                    slice=name,
                    alpha=rule.alpha,
                    draws=counted.draws,
                    missed=counted.missed,
                    undefined=counted.undefined,
                    rate=counted.rate,
                    low=counted.low,
                    high=counted.high,
                    holds=None if counted.low is None else counted.low <= rule.alpha,
                    reason=counted.reason,
                )
            )
    return bounds


def holds_of(gate: GateResult, bounds: Sequence[BoundResult]) -> bool | None:
    """Whether all bounds of a gate's verdict hold; None where none could be tried."""
    own = [
        bound.holds
        for bound in bounds
        if bound.gate.split("/")[0] == gate.id
        and gate.model in (None, bound.model)
        and gate.slice in (None, bound.slice)
        and bound.holds is not None
    ]
    return all(own) if own else None


def bounds_sentence(bounds: Sequence[BoundResult]) -> list[str]:
    """What the samples say, for people; nothing where no bound was tried."""
    tried = [bound for bound in bounds if bound.holds is not None]
    if not tried:
        return []
    rates = [bound.rate for bound in tried if bound.rate is not None]
    text = (
        f"On {max(bound.draws for bound in tried):,} samples of the records' own clusters, the bounds of "
        f"{len(tried)} gate verdicts miss the figure of all records in {min(rates):.1%} to {max(rates):.1%}"
    )
    bad = [bound for bound in tried if bound.holds is False]
    if not bad:
        return [f"{text}: none misses it more often than chance explains."]
    names = ", ".join(f"{bound.gate} ({bound.model}) {bound.rate:.1%} of nominal {bound.alpha:.0%}" for bound in bad)
    return [f"{text}; the bound does not hold on these records for {names}: do not rest a release on it."]
