"""What a run compares, and the verdicts of its gates."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from harness.comparisons.join import Pair
from harness.pipeline.results.scoring import ScoringSpec, metrics_of
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
    judged = (*suite.release, *(step.model for steps in suite.series.values() for step in steps))
    for needed in required_pairs(suite.gates, evaluations, release=judged, baseline=suite.compare.baseline):
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
    from harness.gates.result_lookup import ResultLookup
    from harness.gates.trace import JudgmentContext

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
    context = JudgmentContext(
        suite.gates,
        ResultLookup(metrics, comparisons, evaluations),
        baseline,
        today,
        flips,
        attempt=_stored_attempt(run) if attempt is None else attempt,
        joint=_joint_rows(run, suite, evaluations),
    )
    return traces_of(context, release)


def _joint_rows(
    run: RunDir, suite: Suite, evaluations: list[EvaluationResult]
) -> dict[tuple[str, str], ComparisonResult]:
    """(title of a joint rule, model) → the row of all of its parts, from their records; none where a part lacks."""
    from harness.comparisons.joint_comparison import JointSource, joint_comparison
    from harness.gates.alpha_levels import alpha_levels
    from harness.gates.result_lookup import baseline_of, matches
    from harness.schema.suite.gate_rules import BaseRule, joint_rules
    from harness.statistics.inference_settings import InferenceSettings

    known = {evaluation.name: evaluation for evaluation in evaluations}
    rows: dict[tuple[str, str], ComparisonResult] = {}
    settings = InferenceSettings(alphas=tuple(alpha_levels(suite.gates)), seed=suite.seed)

    def source(part: BaseRule, model: str, weight: float) -> tuple[JointSource, str] | None:
        evaluation = known.get(part.evaluation)
        baseline = baseline_of(part, evaluation, suite.compare.baseline)
        if evaluation is None or baseline is None or not {baseline, model} <= evaluation.protocols.keys():
            return None
        base, candidate = run.records(evaluation.name, baseline), run.records(evaluation.name, model)
        metrics = metrics_of(ScoringSpec.of(evaluation), base.head.protocol, candidate.head.protocol)
        metric = next((metric for metric in metrics if matches(part.metric_name, metric.id)), None)
        return None if metric is None else (JointSource(metric, base, candidate, weight), baseline)

    for rule in joint_rules(suite.gates.rules):
        parts = [part for part in rule.members if isinstance(part, BaseRule)]
        for model in [rule.model] if rule.model is not None else suite.release:
            sources = [source(part, model, rule.weights[part.metric]) for part in parts]
            complete = [entry for entry in sources if entry is not None]
            if len(complete) == len(sources):
                baseline = " and ".join(dict.fromkeys(baseline for _, baseline in complete))
                pair = Pair(rule.title, baseline, model)
                rows[rule.title, model] = joint_comparison(pair, rule.how, [entry for entry, _ in complete], settings)
    return rows


def _stored_attempt(run: RunDir) -> int | None:
    lock = run.read_info().lock if run.info_path.is_file() else None
    return None if lock is None else lock.attempts
