"""Puts results.json together from the run directory and what is known of models and data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from harness.comparisons.meanings import meanings
from harness.core.dataset import Dataset
from harness.core.records import Records
from harness.core.reporter import Reporter
from harness.evaluations.probes.inference_cost import timing_note
from harness.metrics.build_metrics import build_metrics
from harness.pipeline.answered_evaluation import BaseChoice, SuiteAnswers
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.prepared_suite import BoundEvaluation, PreparedSuite
from harness.pipeline.private_messages import PrivateWords, private_words
from harness.pipeline.results.choices import choice_notes, choice_result, paid_gates, released
from harness.pipeline.results.data_audits import audits_of, write_audits
from harness.pipeline.results.gate_verdicts import verdicts, wanted_pairs
from harness.pipeline.results.record_counts import (
    cut_conversations,
    label_balance,
    lacking,
    record_counts,
    replaced_answers,
    slice_counts_of,
)
from harness.pipeline.results.scoring import ScoringContext, ScoringSpec, score, store_memo
from harness.pipeline.results.series_results import StepValues, series_alphas, series_notes, series_results
from harness.pipeline.run_context import RunContext
from harness.schema.results.inputs import DataResult, EvaluationResult, ItemMeasureResult, ModelResult
from harness.schema.results.results_file import Results
from harness.statistics.crossed_seeds import RECIPE
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.suite.suite import Suite


Remarked = TypeVar("Remarked", EvaluationResult, DataResult)
_TEXTS = {
    "none": "The files of this run hold no text of an item",
    "flips": "The files of this run hold the texts of items that a released model fixed or broke, and no others",
}


def assemble(
    context: RunContext,
    prepared: PreparedSuite,
    checkpoints: Mapping[str, Checkpoint],
    answers: SuiteAnswers,
    baselines: Mapping[str, BaseChoice],
    validation: StepValues,
    chosen_by: Mapping[str, float],
) -> Results:
    """Scores the run's records, compares, judges the gates and returns the whole.

    Args:
        validation: of the checkpoints of a series, on the data that choose among them.
        chosen_by: model → its value on validation data, of those that `compare.choose` chooses among.
    """
    from harness.gates.alpha_levels import alpha_levels, is_sequential
    from harness.gates.overall_verdict import overall
    from harness.suite.unknown_training import unknown_training

    run, suite = context.run, prepared.suite
    unknown = unknown_training(suite)
    seeds = {model: spec.seeds or 1 for model, spec in suite.models.items()}
    evaluations = [
        _evaluation(run, bound, answers, baselines[name], seeds, context.reporter).model_copy(
            update={"unknown_training": unknown.get(name)}
        )
        for name, bound in prepared.reported.items()
    ]
    words = private_words(suite)
    evaluations = [_private(evaluation, words) for evaluation in evaluations]
    winners = series_alphas([*(len(steps) for steps in suite.series.values()), _chosen_among(suite)])
    judging = (suite.gates, paid_gates(suite))
    scoring = ScoringContext(
        alphas=lambda metric: tuple(
            sorted({*winners, *(alpha for gates in judging for alpha in alpha_levels(gates, metric))})
        ),
        anytime=lambda metric: is_sequential(suite.gates, metric),
        seed=suite.seed,
        reporter=context.reporter,
        memo=store_memo(context.store),
        code=prepared.code,
    )
    specs = [ScoringSpec.of(evaluation) for evaluation in evaluations]
    scores = score(run, specs, wanted_pairs(suite, evaluations), scoring)
    choice = choice_result(suite, chosen_by, scores.metrics, scores.comparisons)
    for note in choice_notes(choice):
        context.reporter.info(note)
    suite = released(suite, choice)
    gates = verdicts(
        run, suite, scores.metrics, scores.comparisons, evaluations, today=context.today,
        attempt=context.attempt,
    )  # fmt: skip
    series = series_results(context, prepared, scores.metrics, scores.comparisons, evaluations, validation)
    for note in series_notes(series):
        context.reporter.info(note)
    audits = audits_of(prepared, context.store, context.reporter)
    if suite.texts != "all":
        audits = [audit.model_copy(update={"examples": []}) for audit in audits]
    write_audits(run, audits)
    return Results(
        suite=suite.name,
        suite_digest=suite.digest,
        title=suite.title or suite.name,
        seed=suite.seed,
        baseline=suite.compare.baseline,
        candidates=list(suite.candidates),
        release=list(suite.release),
        limit=context.settings.limit,
        texts=suite.texts,
        policies=[policy.result for policy in suite.policies],
        changed=dict(context.settings.overrides.get("set", {})),
        models=[_model(name, suite, checkpoints[name], answers.facts(name)) for name in suite.models],
        data=[_private(_data(dataset), words) for dataset in prepared.datasets.values()],
        evaluations=evaluations,
        metrics=scores.metrics,
        comparisons=scores.comparisons,
        flips=scores.flips,
        tables=scores.tables,
        gates=gates,
        audits=audits,
        series=series,
        choice=choice,
        verdict=overall(gates, evaluations),
        notes=[
            *_left_out(prepared),
            *([f"{_TEXTS[suite.texts]} (`texts: {suite.texts}`)."] if suite.texts in _TEXTS else []),
            *series_notes(series),
            *choice_notes(choice),
            *(_reading(model, checkpoints[model]) for model in suite.release if _trained_below(suite, model, RECIPE)),
        ],
    )


def _chosen_among(suite: Suite) -> int:
    return 0 if suite.compare.choose is None else len(suite.release)


def _private(entry: Remarked, words: PrivateWords | None) -> Remarked:
    """An evaluation or a dataset whose remarks quote no row, where the suite keeps texts private."""
    if words is None:
        return entry
    remarks = {
        key: [words.of(text) for text in getattr(entry, key)] for key in ("caveats", "notes") if hasattr(entry, key)
    }
    return entry.model_copy(update=remarks)


def _left_out(prepared: PreparedSuite) -> list[str]:
    """How many rows of each data set are left out because a compared model was trained on them."""
    return [
        f"Data {name}: {note}."
        for name, dataset in prepared.datasets.items()
        for note in dataset.facts.get("left_out_notes") or []
    ]


def _trained_below(suite: Suite, model: str, seeds: int) -> bool:
    count = suite.models[model].seeds
    return count is not None and count < seeds


def _reading(model: str, checkpoint: Checkpoint) -> str:
    return (
        f"{model}: the results describe this checkpoint (training seed {checkpoint.seed}), not the training "
        f"recipe; `seeds: {RECIPE}` trains {RECIPE} checkpoints and judges the recipe."
    )


def _evaluation(
    run: RunDir,
    bound: BoundEvaluation,
    answers: SuiteAnswers,
    baseline: BaseChoice,
    seeds: Mapping[str, int],
    reporter: Reporter,
) -> EvaluationResult:
    evaluation = bound.evaluation
    context = evaluation.metric_context()
    items = answers.item_sets[bound.name]
    own = answers.of(bound.name)
    protocols = {answered.model: answered.protocol for answered in own if answered.protocol is not None}
    records = {model: run.records(bound.name, model) for model in protocols}
    warnings = _warnings(bound, records)
    for warning in warnings:
        reporter.warn(f"{bound.name}: {warning}")
    return EvaluationResult(
        name=bound.name,
        role=evaluation.role,
        kind=evaluation.kind,
        summary=evaluation.summary,
        data=[dataset.name for dataset in bound.data],
        split=bound.split,
        n=items.n,
        clusters=dict(items.clusters),
        cluster_unit=evaluation.cluster_unit,
        labels=list(context.labels),
        protocols=protocols,
        protocol_digests={
            model: str(model_records.head.facts["asked"]["digest"])
            for model, model_records in records.items()
            if "asked" in model_records.head.facts
        },
        skipped={answered.model: answered.skipped for answered in own if answered.skipped is not None},
        coverage={
            model: min(
                float(seed_records.ok.mean()) if len(seed_records) else 0.0
                for seed_records in run.replicates(bound.name, model)
            )
            for model in records
        },
        seeds={
            model: count
            for model, count in seeds.items()
            if model in records and count > 1 and evaluation.role != "cost"
        },
        counts={model: record_counts(model_records) for model, model_records in records.items()},
        balance=label_balance(context.labels, records.values()),
        slice_counts={model: slice_counts_of(model_records) for model, model_records in records.items()}
        if evaluation.role == "probe"
        else {},
        caveats=[
            *warnings,
            *evaluation.caveats,
            *evaluation.remarks(bound.data, bound.split),
            *filter(None, dict.fromkeys(timing_note(model_records) for model_records in records.values())),
        ],
        metrics=list(bound.metrics),
        meanings=meanings(build_metrics(bound.metrics, context)),
        item_measures=[ItemMeasureResult(**asdict(measure)) for measure in evaluation.item_measures],
        scorer=context.scorer,
        baseline=baseline.model,
        baseline_reason=baseline.reason,
    )


def _warnings(bound: BoundEvaluation, records: Mapping[str, Records]) -> list[str]:
    """What must be known of the data, and of the answers of each model."""
    evaluation = bound.evaluation
    of_models = [
        f"{model}: {text}"
        for model, model_records in records.items()
        for text in [
            *evaluation.answer_warnings(model_records),
            *replaced_answers(model_records),
            *filter(None, [lacking(model_records)]),
        ]
    ]
    return [*evaluation.warnings(bound.data, bound.split), *of_models, *cut_conversations(records)]


def _model(name: str, suite: Suite, checkpoint: Checkpoint, facts: dict[str, Any]) -> ModelResult:
    spec = suite.models[name]
    made = {key: value for key, value in checkpoint.meta.items() if key not in {"measured", "digest"}}
    training: dict[str, Any] = {**made, "goal": spec.goal}
    return ModelResult(
        name=name,
        role=_role(name, suite),
        made_by=spec.made_by,
        label=spec.label,
        parent=spec.parent,
        implied_for=suite.implied.get(name),
        digest=checkpoint.digest,
        facts=facts,
        training=training,
    )


def _role(name: str, suite: Suite) -> Any:
    if name == suite.compare.baseline:
        return "baseline"
    if name in suite.release:
        return "release"
    return "candidate" if name in suite.candidates else "control"


def _data(dataset: Dataset) -> DataResult:
    facts = dataset.facts
    return DataResult(
        name=dataset.name,
        fingerprint=dataset.fingerprint,
        rows={split: dataset.size(split)[0] for split in dataset.rows},
        clusters={split: dataset.size(split)[1] for split in dataset.rows},
        license=facts.get("license"),
        citation=facts.get("citation"),
        source=facts.get("source"),
        digests=dict(facts.get("digests") or {}),
        caveats=list(facts.get("caveats") or []),
        notes=list(facts.get("notes") or []),
        left_out=dict(facts.get("left_out") or {}),
    )
