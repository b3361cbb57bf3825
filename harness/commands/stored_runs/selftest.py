"""`harness selftest`: the run's own records against the tests that judge them, and one model asked twice."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import binom

from harness.commands.stored_runs.certify_bounds import bounds_sentence, gate_bounds, holds_of
from harness.commands.stored_runs.stored_suite import own_suite
from harness.core.errors import HarnessError
from harness.core.metric import Metric
from harness.core.reporter import Reporter
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.prepared_suite import prepare
from harness.pipeline.records.inference import ask
from harness.pipeline.records.record_cache import RecordCache
from harness.pipeline.results.scoring import ScoringSpec, metrics_of
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.results_file import Results
from harness.schema.results.selftest_result import BoundResult, FalseAlarmsResult, NoiseResult, SelftestResult
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

SWAPS = 1_000
ALPHA = 0.05
BATCH_TOKENS = 512
"""Tokens in a batch when a model is asked again: another number than any device's own budget."""

_TOO_OFTEN = 0.01


def selftest_run(
    run: RunDir, store: Store, reporter: Reporter, *, swaps: int = SWAPS, ask_again: bool = True, device: str = "auto"
) -> SelftestResult:
    """Tests the tests on a run, and stores the outcome in its results.json.

    Args:
        swaps: random swaps of the sides for each metric.
        ask_again: also ask the baseline everything once more, in another order and batch size.

    Raises:
        HarnessError: when the run cannot be read, or it was changed since it was sealed.
    """
    from harness.metrics.hf_evaluate import left_out_note

    results = run.read_results()
    note = left_out_note(results.evaluations, "the self-test")
    if note is not None:
        reporter.warn(note)
    alarms = _false_alarms(run, results, swaps, reporter)
    noise_results: list[NoiseResult] = []
    reason: str | None = "no model was evaluated a second time."
    if ask_again:
        noise_results, reason = _asked_twice(run, results, store, reporter, device)
    bounds = gate_bounds(run, own_suite(run, held=False), results, reporter)
    made = _summed_up(alarms, bounds, noise_results, reason, swaps)
    gates = [gate.model_copy(update={"bound_holds": holds_of(gate, bounds)}) for gate in results.gates]
    run.write(results.model_copy(update={"selftest": made, "gates": gates}))
    return made


def _false_alarms(run: RunDir, results: Results, swaps: int, reporter: Reporter) -> list[FalseAlarmsResult]:
    from harness.comparisons.simulation.false_alarms import SwapTrial, false_alarms

    work: list[tuple[EvaluationResult, str, str, Metric]] = []
    for evaluation in results.evaluations:
        if evaluation.role == "cost":
            # Blocks are weighed by what the others hold; their sides cannot be swapped one by one.
            continue
        baseline = evaluation.baseline or results.baseline
        for candidate in results.release:
            if candidate != baseline and {candidate, baseline} <= evaluation.protocols.keys():
                protocols = (evaluation.protocols[baseline], evaluation.protocols[candidate])
                work += [
                    (evaluation, baseline, candidate, metric)
                    for metric in metrics_of(ScoringSpec.of(evaluation), *protocols)
                ]
    alarms = []
    with reporter.task("swapping the models at random", total=len(work)) as task:
        for evaluation, baseline, candidate, metric in work:
            base, other = run.records(evaluation.name, baseline), run.records(evaluation.name, candidate)
            counted = false_alarms(base, other, metric, SwapTrial(swaps, ALPHA, seed=results.seed))
            alarms.append(
                FalseAlarmsResult(
                    evaluation=evaluation.name,
                    metric=counted.metric,
                    baseline=baseline,
                    candidate=candidate,
                    test=counted.test,
                    alpha=counted.alpha,
                    swaps=counted.swaps,
                    alarms=counted.alarms,
                    undefined=counted.undefined,
                    rate=counted.rate,
                    low=counted.low,
                    high=counted.high,
                    nominal=counted.nominal,
                    n=counted.n,
                    clusters=counted.clusters,
                    differing=counted.differing,
                    reason=counted.reason,
                )
            )
            task.advance()
    return alarms


def _asked_twice(
    run: RunDir, results: Results, store: Store, reporter: Reporter, device: str
) -> tuple[list[NoiseResult], str | None]:
    """The baseline's answers to the items in reverse order and small batches, against the stored ones."""
    from harness.comparisons.simulation.false_alarms import noise

    try:
        suite = own_suite(run, held=False)
        prepared = prepare(suite, store, reporter, limit=results.limit)
        builder = CheckpointBuilder(prepared, store, reporter)
        if not builder.cached(results.baseline):
            return [], f"the checkpoint of {results.baseline} is no longer in the cache."
        cache = RecordCache(prepared, builder, store, reporter, device=device)
        model = cache.open_uncached(builder.checkpoint(results.baseline), batch_tokens=BATCH_TOKENS)
    except HarnessError as error:
        return [], f"{results.baseline} cannot be evaluated again: {error.message}"
    noise_results: list[NoiseResult] = []
    for evaluation in results.evaluations:
        if results.baseline not in evaluation.protocols or evaluation.role == "cost":
            continue
        bound = prepared.evaluations[evaluation.name]
        stored = run.records(evaluation.name, results.baseline)
        items = list(bound.evaluation.items(bound.data, bound.split))[::-1]
        title = f"{results.baseline}: {evaluation.name}, second evaluation"
        again = ask(bound.evaluation, items, model, stored.head.protocol, reporter=reporter, title=title)
        for noise_of_metric in noise(stored, again, metrics_of(ScoringSpec.of(evaluation), stored.head.protocol)):
            noise_results.append(
                NoiseResult(
                    evaluation=evaluation.name,
                    model=results.baseline,
                    metric=noise_of_metric.metric,
                    n=noise_of_metric.n,
                    identical=noise_of_metric.identical,
                    largest=noise_of_metric.largest if math.isfinite(noise_of_metric.largest) else None,
                    changed=noise_of_metric.changed,
                    answers=noise_of_metric.answers,
                    delta=noise_of_metric.delta,
                    reason=noise_of_metric.reason,
                )
            )
    return noise_results, None


def _summed_up(
    alarms: Sequence[FalseAlarmsResult],
    bounds: Sequence[BoundResult],
    noise_results: Sequence[NoiseResult],
    reason: str | None,
    swaps: int,
) -> SelftestResult:
    counted = [alarm for alarm in alarms if alarm.rate is not None]
    bad = [alarm for alarm in counted if _too_often(alarm, len(counted))]
    return SelftestResult(
        passed=not bad and not any(bound.holds is False for bound in bounds),
        sentence=" ".join(
            [_alarm_sentence(counted, bad, swaps), *bounds_sentence(bounds), _noise_sentence(noise_results, reason)]
        ),
        false_alarms=list(alarms),
        bounds=list(bounds),
        noise=list(noise_results),
        noise_reason=reason,
    )


def _too_often(alarm: FalseAlarmsResult, family: int) -> bool:
    """More alarms than chance explains at 1%, over all that were counted (Bonferroni)."""
    return float(binom.sf(alarm.alarms - 1, alarm.swaps, alarm.alpha)) < _TOO_OFTEN / family


def _alarm_sentence(counted: Sequence[FalseAlarmsResult], bad: Sequence[FalseAlarmsResult], swaps: int) -> str:
    if not counted:
        return "These records allow no difference test."
    rates = sorted(alarm.rate for alarm in counted if alarm.rate is not None)
    text = (
        f"With the two models' clusters swapped at random {swaps:,} times, the tests of {len(counted)} "
        f"comparisons report a difference in {rates[0]:.1%} to {rates[-1]:.1%} of the swaps (nominal {ALPHA:.0%} or "
        "less)"
    )
    if not bad:
        return f"{text}: no test exceeds its nominal rate by more than chance explains."
    names = ", ".join(f"{alarm.evaluation}.{alarm.metric} {alarm.rate:.1%}" for alarm in bad)
    return f"{text}: too many on {names}; do not trust these p-values."


def _noise_sentence(noise_results: Sequence[NoiseResult], reason: str | None) -> str:
    if reason is not None:
        return f"The noise floor is unknown: {reason}"
    if not noise_results:
        return "The noise floor is unknown: the baseline answered no item."
    model = noise_results[0].model
    unequal = [result for result in noise_results if not result.identical]
    asked = f"Evaluated twice, in a different order and batch size, {model}"
    if not unequal:
        return f"{asked} gives bitwise identical results on all {len(noise_results)} metrics."
    moved = [result for result in unequal if result.delta]
    floor = max((abs(result.delta or 0.0) for result in unequal), default=0.0)
    worst = max(unequal, key=lambda result: abs(result.delta or 0.0))
    answers = max(result.answers for result in unequal)
    if not moved:
        return (
            f"{asked} gives the same metrics; per-item statistics differ by rounding on "
            f"{len(unequal)} of {len(noise_results)}."
        )
    return (
        f"{asked} gives different results on {len(moved)} of {len(noise_results)} metrics: "
        f"the largest change is {floor:.2g} "
        f"({worst.evaluation}.{worst.metric}), and {answers} answers changed. Smaller differences are noise."
    )
