"""Judges a stored run again, under its own gates or another suite's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from harness.commands.stored_runs.stored_suite import suite_of
from harness.core.errors import DataError, SuiteError, Where
from harness.core.reporter import Reporter
from harness.pipeline.results.choices import choice_notes, choice_result, paid_gates, released
from harness.pipeline.results.gate_verdicts import verdicts, wanted_pairs
from harness.pipeline.results.scoring import Levels, ScoringContext, ScoringSpec, score
from harness.pipeline.results.series_results import series_alphas, series_judged_again, series_notes
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.results_file import Results
from harness.schema.run_info import JudgedBy, RunInfo, earlier_mark
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.suite.suite import Suite


@dataclass(frozen=True)
class Trust:
    """What of a stored run is believed.

    Attributes:
        figures: the figures in results.json; else everything is scored again from the records alone.
        unsealed: a run of 0.1.0, which has no seal.
    """

    figures: bool = True
    unsealed: bool = False


def judge_again(run: RunDir, suite_name: str | None, reporter: Reporter, trust: Trust = Trust()) -> Results:
    """The run's results with fresh verdicts; records are scored again only where a bound is missing.

    Args:
        suite_name: a suite whose gates judge instead of the run's own.
        trust: what of the run is believed.

    Raises:
        SuiteError: when there is no gate.
        HarnessError: when the run or the suite cannot be read, when it was changed since it was sealed, or is one of
            0.1.0 and unsealed runs are not trusted.
    """
    from harness.gates.alpha_levels import alpha_levels, is_sequential
    from harness.gates.overall_verdict import overall
    from harness.metrics.hf_evaluate import is_outside, left_out_note, outside_note

    results = run.read_results(figures=trust.figures)
    _require_seal(run, results, trust)
    suite = suite_of(run, suite_name)
    note = (
        outside_note(results.evaluations) if trust.figures else left_out_note(results.evaluations, "`--from-records`")
    )
    if note is not None:
        reporter.warn(note)
    if not suite.gates:
        raise SuiteError(
            "no gates: nothing was judged.",
            where=Where(suite.path),
            hint="add a gate (docs/gates.md), or pass a suite with gates as --suite.",
        )

    among = 0 if suite.compare.choose is None else len(suite.release)
    winners = series_alphas([*(len(series.steps) for series in results.series), among])
    bought = paid_gates(suite)

    @cache
    def levels(metric: str) -> tuple[float, ...]:
        return tuple(sorted({*alpha_levels(suite.gates, metric), *alpha_levels(bought, metric), *winners}))

    def anytime(metric: str) -> bool:
        return is_sequential(suite.gates, metric)

    if not trust.figures:
        results = _asked_again(run, results)
    metrics, comparisons = results.metrics, results.comparisons
    if not trust.figures or not _covered(levels, anytime, metrics, comparisons) or _new_pairs(suite, results):
        pairs = wanted_pairs(suite, results.evaluations)
        specs = [ScoringSpec.of(evaluation) for evaluation in results.evaluations]
        scores = score(run, specs, pairs, ScoringContext(levels, results.seed, reporter, anytime=anytime))
        # Code that a file names is not run to judge: what it once gave stands as it was stored.
        metrics = scores.metrics + [metric for metric in results.metrics if is_outside(metric.metric)]
        comparisons = scores.comparisons + [
            comparison for comparison in results.comparisons if is_outside(comparison.metric)
        ]
    today = datetime.now(UTC).date()
    # What chose on validation data stands in no record: without the run's word, every model is judged.
    believed = results.choice.values if results.choice is not None and trust.figures else {}
    choice = choice_result(suite, believed, metrics, comparisons)
    suite = released(suite, choice)
    gates = verdicts(run, suite, metrics, comparisons, results.evaluations, today=today)
    scored = results.model_copy(update={"metrics": metrics, "comparisons": comparisons})
    series = series_judged_again(run, suite, scored, today=today, believed=trust.figures)
    stale = {*series_notes(results.series), *choice_notes(results.choice)}
    notes = [*series_notes(series), *choice_notes(choice)]
    return scored.model_copy(
        update={
            "gates": gates,
            "series": series,
            "choice": choice,
            "release": list(suite.release) if choice is not None else results.release,
            "policies": [policy.result for policy in suite.policies],
            "verdict": overall(gates, results.evaluations),
            "notes": [*(note for note in results.notes if note not in stale), *notes],
        }
    )


def judged_info(run: RunDir, suite_name: str | None) -> RunInfo:
    """run.json, with the suite whose gates judged the run again."""
    info = run.read_info()
    suite = suite_of(run, suite_name)
    info.policies = [policy.stored for policy in suite.policies]
    if suite_name is not None:
        info.judged_by = JudgedBy(suite_path=str(suite.path), suite_text=suite.text)
    return info


def store_verdicts(run: RunDir, results: Results, suite_name: str | None) -> None:
    """Writes verdicts that `judge_again` made, and which suite's gates made them, into the run, and seals it again.

    Raises:
        DataError: when results.json holds more that was changed than the figures that were scored again.
    """
    run.check()
    run.write(results, judged_info(run, suite_name))


def _require_seal(run: RunDir, results: Results, trust: Trust) -> None:
    """Refuses a run of 0.1.0 that is not trusted, and one whose records cannot be read: no seal says that they can."""
    mark = earlier_mark(run.read_info())
    if mark is not None and not trust.unsealed:
        raise DataError(
            f"this run was {mark}: nothing shows whether it was changed since.",
            where=Where(run.path),
            hint="rerun the suite; or pass --allow-unsealed to judge the run as it is.",
        )
    for evaluation in results.evaluations if mark is not None else ():
        for model in evaluation.protocols:
            run.replicates(evaluation.name, model)


def _asked_again(run: RunDir, results: Results) -> Results:
    """The results without figures, and with what the records themselves say of who answered how much."""
    evaluations = []
    for evaluation in results.evaluations:
        records = {model: run.records(evaluation.name, model) for model in evaluation.protocols}
        coverage = {
            model: float(model_records.ok.mean()) if len(model_records) else 0.0
            for model, model_records in records.items()
        }
        protocols = {model: model_records.head.protocol for model, model_records in records.items()}
        evaluations.append(evaluation.model_copy(update={"coverage": coverage, "protocols": protocols}))
    return results.model_copy(
        update={"evaluations": evaluations, "metrics": [], "comparisons": [], "seed": run.read_info().seed}
    )


def _covered(
    levels: Levels,
    anytime: Callable[[str], bool],
    metrics: list[MetricResult],
    comparisons: list[ComparisonResult],
) -> bool:
    from harness.metrics.hf_evaluate import is_outside

    rows: list[MetricResult | ComparisonResult] = [*metrics, *comparisons]
    sound = [row for row in rows if row.status == "ok" and not is_outside(row.metric)]
    fixed = ((row.id, row.interval if isinstance(row, MetricResult) else row.delta) for row in sound)
    if not all(interval.has_bounds_at(levels(name)) for name, interval in fixed):
        return False
    wanted = [row for row in sound if anytime(row.id)]
    return all(row.anytime is not None and row.anytime.has_bounds_at(levels(row.id)) for row in wanted)


def _new_pairs(suite: Suite, results: Results) -> bool:
    have = {(entry.evaluation, entry.baseline, entry.candidate) for entry in results.comparisons}
    answered = {entry.name: entry.protocols for entry in results.evaluations}
    return any(
        (pair.evaluation, pair.baseline, pair.candidate) not in have
        for pair in wanted_pairs(suite, results.evaluations)
        if {pair.baseline, pair.candidate} <= answered.get(pair.evaluation, {}).keys()
    )
