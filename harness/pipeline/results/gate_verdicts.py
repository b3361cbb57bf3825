"""What a run compares, and the verdicts of its gates."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from harness.pipeline.results.scoring import Pair
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.verdicts import GateResult
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.gates.trace import GateTrace
    from harness.suite.suite import Suite


def wanted_pairs(suite: Suite, evaluations: list[EvaluationResult]) -> list[Pair]:
    """Every candidate against each evaluation's baseline, the suite's own pairs, what gates name, and what is released
    against the baselines that nobody declared.

    Where an evaluation's baseline is another way of the base (a linear classifier), candidates are
    compared with the base's own protocol too.
    """
    from harness.gates.required_pairs import required_pairs

    pairs: dict[Pair, None] = {}
    for evaluation in evaluations:
        name = evaluation.name
        for baseline in dict.fromkeys([evaluation.baseline, suite.compare.baseline]):
            for candidate in suite.candidates:
                if candidate != baseline:
                    pairs[Pair(name, baseline, candidate)] = None
        for baseline, candidate in suite.compare.pairs:
            pairs[Pair(name, baseline, candidate)] = None
    for needed in required_pairs(suite.gates, evaluations, release=suite.release, baseline=suite.compare.baseline):
        pairs[Pair(needed.evaluation, needed.baseline, needed.candidate)] = None
    asked = {evaluation.name for evaluation in evaluations}
    for baseline, task in suite.implied.items():
        if task in asked:
            pairs |= dict.fromkeys(Pair(task, baseline, candidate) for candidate in suite.release)
    return list(pairs)


def verdicts(
    run: RunDir,
    suite: Suite,
    metrics: list[MetricResult],
    comparisons: list[ComparisonResult],
    evaluations: list[EvaluationResult],
    *,
    today: date,
    attempt: int | None = None,
) -> list[GateResult]:
    """Judges a suite's gates; what broke is counted from the records where a gate asks for it."""
    traces = gate_traces(run, suite, metrics, comparisons, evaluations, today=today, attempt=attempt)
    return [entry.result for entry in traces]


def gate_traces(
    run: RunDir,
    suite: Suite,
    metrics: list[MetricResult],
    comparisons: list[ComparisonResult],
    evaluations: list[EvaluationResult],
    *,
    today: date,
    attempt: int | None = None,
) -> list[GateTrace]:
    """As `verdicts`, with what each verdict rests on.

    Args:
        attempt: which attempt under the lock file this is; that of the stored run when left out.
    """
    from harness.gates.flip_rule import tag_flips
    from harness.gates.judging import gate_traces as traces_of
    from harness.gates.required_pairs import required_pairs

    release, baseline = suite.release, suite.compare.baseline
    flips = []
    for needed in required_pairs(suite.gates, evaluations, release=release, baseline=baseline):
        there = run.models(needed.evaluation)
        if needed.flips and needed.baseline in there and needed.candidate in there:
            base = run.replicates(needed.evaluation, needed.baseline)
            candidate = run.replicates(needed.evaluation, needed.candidate)
            flips.append(
                tag_flips(base, candidate, needed.tag, baseline=needed.baseline, candidate_name=needed.candidate)
            )
    return traces_of(
        suite.gates,
        metrics,
        comparisons,
        evaluations,
        release=release,
        baseline=baseline,
        today=today,
        flips=flips,
        attempt=_stored_attempt(run) if attempt is None else attempt,
    )


def _stored_attempt(run: RunDir) -> int | None:
    lock = run.read_info().lock if run.info_path.is_file() else None
    return None if lock is None else lock.attempts
