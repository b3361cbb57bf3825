"""A training from checkpoint to checkpoint: where gates begin to fail, which step is best, what the choice costs.

What a choice among checkpoints costs is that of every choice (`choices`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from harness.pipeline.results.choices import ALPHA, TEST, VALIDATION, best_of, bound_at, paid, values_on
from harness.pipeline.results.gate_verdicts import verdicts
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.number_format import change
from harness.schema.results.results_file import Results
from harness.schema.results.series import SeriesChoice, SeriesResult, SeriesStepResult
from harness.storage.run_dir import RunDir
from harness.suite.checkpoint_series import SeriesStep

if TYPE_CHECKING:
    from harness.pipeline.checkpoints.checkpoint import Checkpoint
    from harness.pipeline.prepared_suite import BoundEvaluation, PreparedSuite
    from harness.pipeline.records.record_cache import RecordCache
    from harness.pipeline.run_context import RunContext
    from harness.suite.suite import Suite

Judge = Callable[[str], dict[str, str]]
"""A checkpoint's model → gate → its verdict, as if that checkpoint were the one to be released."""
Step = SeriesStep | SeriesStepResult


@dataclass(frozen=True, slots=True)
class StepValues:
    """What chooses a step.

    Attributes:
        metric: `evaluation.metric`; empty where no task has validation data.
        values: model → its value on validation data.
    """

    metric: str
    values: Mapping[str, float]


def series_alphas(counts: Iterable[int]) -> frozenset[float]:
    """The one-sided levels at which bounds are needed for winners among so many checkpoints of each series."""
    return frozenset(alpha for count in counts if count for alpha in (ALPHA, paid(ALPHA, count, TEST)))


def selecting(prepared: PreparedSuite) -> BoundEvaluation | None:
    """The task whose validation data choose a step: the first one that has any."""
    if not prepared.suite.series:
        return None
    able = (
        bound
        for bound in prepared.asked.values()
        if bound.evaluation.role == "task" and all(dataset.size("validation")[0] for dataset in bound.data)
    )
    return next(able, None)


def validation_values(cache: RecordCache, checkpoints: Mapping[str, Checkpoint]) -> StepValues:
    """The value of each checkpoint of a series on the validation data of the selecting task.

    It is that of the task's first metric which every checkpoint has a value of; of the first one with any otherwise.
    """
    bound = selecting(cache.prepared)
    if bound is None:
        tasks = [other for other in cache.prepared.asked.values() if other.evaluation.role == "task" and other.metrics]
        return StepValues(f"{tasks[0].name}.{tasks[0].metrics[0]}" if tasks and cache.prepared.suite.series else "", {})
    models = [step.model for steps in cache.prepared.suite.series.values() for step in steps]
    by_metric = values_on(cache, checkpoints, bound, models, VALIDATION)
    tried = [StepValues(f"{bound.name}.{name.partition('[')[0]}", values) for name, values in by_metric.items()]
    return max(tried, key=lambda made: len(made.values), default=StepValues("", {}))


def series_results(
    context: RunContext,
    prepared: PreparedSuite,
    metrics: list[MetricResult],
    comparisons: list[ComparisonResult],
    evaluations: list[EvaluationResult],
    validation: StepValues,
) -> list[SeriesResult]:
    """The series of a suite, in the order in which it names them."""
    suite, made = prepared.suite, []
    judge = _judge(context.run, suite, metrics, comparisons, evaluations, context.today)
    against = [comparison for comparison in comparisons if comparison.baseline == suite.compare.baseline]
    for name, steps in suite.series.items():
        best = _best(steps, validation, against)
        winner = _winner(steps, validation.metric, against)
        made.append(_judged(SeriesResult(name=name, steps=[_step(step) for step in steps]), judge, best, winner))
    return made


def series_judged_again(
    run: RunDir, suite: Suite, results: Results, *, today: date, believed: bool = True
) -> list[SeriesResult]:
    """The series of a stored run under a suite's gates, with the bounds of its comparisons as they are now.

    Args:
        run: where the records are.
        suite: whose gates judge.
        results: the run's, scored again where that was needed.
        today: for waivers.
        believed: whether figures are believed that the records do not hold: a step's value on validation data.
    """
    judge = _judge(run, suite, results.metrics, results.comparisons, results.evaluations, today)
    against = [comparison for comparison in results.comparisons if comparison.baseline == results.baseline]
    made = []
    for series in results.series:
        best, winner = series.best, series.winner
        if best is not None:
            known = StepValues(best.metric, {best.model: best.value} if believed else {})
            best = _best(series.steps, known, against)
        if winner is not None:
            winner = _winner(series.steps, winner.metric, against)
        made.append(_judged(series, judge, best, winner))
    return made


def _judge(
    run: RunDir,
    suite: Suite,
    metrics: list[MetricResult],
    comparisons: list[ComparisonResult],
    evaluations: list[EvaluationResult],
    today: date,
) -> Judge:
    def judge(model: str) -> dict[str, str]:
        gates = verdicts(run, replace(suite, release=(model,)), metrics, comparisons, evaluations, today=today)
        return {gate.id: gate.verdict for gate in gates if gate.model == model}

    return judge


def _step(step: SeriesStep) -> SeriesStepResult:
    return SeriesStepResult(step=step.step, model=step.model, folder=step.folder)


def _judged(series: SeriesResult, judge: Judge, best: SeriesChoice | None, winner: SeriesChoice | None) -> SeriesResult:
    steps = [step.model_copy(update={"gates": judge(step.model)}) for step in series.steps]
    failing: dict[str, int] = {}
    for step in steps:
        for gate, verdict in step.gates.items():
            if verdict == "fail":
                failing.setdefault(gate, step.step)
    return SeriesResult(name=series.name, steps=steps, first_failing=failing, best=best, winner=winner)


def _best(
    steps: Sequence[Step], validation: StepValues, comparisons: Sequence[ComparisonResult]
) -> SeriesChoice | None:
    values, metric = validation.values, validation.metric
    lower = any(_of(comparison, metric) and comparison.direction == "lower" for comparison in comparisons)
    known = {step.model: values[step.model] for step in steps if step.model in values}
    best = best_of(known, "lower" if lower else "higher")
    chosen = next((step for step in steps if step.model == best), None)
    if chosen is None:
        return None
    return _choice(chosen, metric, VALIDATION, known[chosen.model], ALPHA, comparisons)


def _winner(steps: Sequence[Step], metric: str, comparisons: Sequence[ComparisonResult]) -> SeriesChoice | None:
    own = [comparison for comparison in comparisons if _of(comparison, metric)]
    values = {comparison.candidate: comparison.delta.value for comparison in own}
    known = {step.model: value for step in steps if (value := values.get(step.model)) is not None}
    best = best_of(known, "lower" if own and own[0].direction == "lower" else "higher")
    chosen = next((step for step in steps if step.model == best), None)
    if chosen is None:
        return None
    return _choice(chosen, metric, TEST, known[chosen.model], paid(ALPHA, len(steps), TEST), comparisons)


def _choice(
    step: Step, metric: str, split: str, value: float, alpha: float, comparisons: Sequence[ComparisonResult]
) -> SeriesChoice:
    compared = next((pair for pair in comparisons if _of(pair, metric) and pair.candidate == step.model), None)
    return SeriesChoice(
        step=step.step,
        model=step.model,
        metric=metric,
        split=split,
        value=value,
        difference=None if compared is None else compared.delta.value,
        bound=None if compared is None else bound_at(compared, alpha),
        alpha=alpha,
        unit="" if compared is None else compared.unit,
    )


def _of(comparison: ComparisonResult, metric: str) -> bool:
    return comparison.slice is None and f"{comparison.evaluation}.{comparison.metric.partition('[')[0]}" == metric


def series_notes(series: Sequence[SeriesResult]) -> list[str]:
    """What is to be said of each series, in sentences."""
    notes = []
    for made in series:
        last = made.steps[-1].step if made.steps else 0
        failing = ", ".join(f"{gate} first at step {step}" for gate, step in made.first_failing.items())
        notes.append(
            f"{made.name}: of {len(made.steps)} checkpoints to step {last}, gates that fail: {failing or 'none'}."
        )
        if made.best is None:
            notes.append(f"{made.name}: no step is chosen, as no answers to validation data are at hand.")
        else:
            notes.append(f"{made.name}: the best step on validation data is {made.best.step}{_said(made.best)}.")
        if made.winner is not None and made.winner.bound is not None:
            notes.append(
                f"{made.name}: whoever picks the winner on the test data picks step {made.winner.step}; paid for the "
                f"choice among {len(made.steps)}, the bound of its change is "
                f"{change(made.winner.bound, made.winner.unit)} ({made.winner.metric}, one-sided, "
                f"alpha {ALPHA:g}/{len(made.steps)})."
            )
    return notes


def _said(choice: SeriesChoice) -> str:
    tested = bound = ""
    if choice.difference is not None:
        tested = f"; on the test data its difference is {change(choice.difference, choice.unit)}"
    if choice.bound is not None:
        bound = f", one-sided bound {change(choice.bound, choice.unit)}"
    return f" ({choice.metric} {choice.value:.4g}){tested}{bound}"
