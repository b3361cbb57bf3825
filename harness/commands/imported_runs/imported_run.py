"""Writes what was read of another tool's logs as a finished run, which compare, gate and report work on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.comparisons.meanings import meanings
from harness.core.digests import digest
from harness.core.evaluation import Evaluation, ItemMeasure
from harness.core.metric import MetricContext
from harness.core.records import Records, RecordsHead
from harness.core.reporter import Reporter
from harness.evaluations.answers.answered_item import Answered
from harness.metrics.build_metrics import build_metrics
from harness.pipeline import provenance
from harness.pipeline.results.gate_verdicts import verdicts, wanted_pairs
from harness.pipeline.results.record_counts import record_counts
from harness.pipeline.results.scoring import ScoringContext, ScoringSpec, score
from harness.schema.results.inputs import DataResult, EvaluationResult, ItemMeasureResult, ModelResult
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo
from harness.storage import run_folders
from harness.storage.items_file import write_items
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir

_UNKNOWN_TRAINING = "rows may have been trained on: the logs do not say what the models learned from."


@dataclass(frozen=True, slots=True)
class ImportedTask:
    """One task of all models.

    Attributes:
        answered: model → its items, the broken ones as failures.
        metrics: our metrics, those that every log has.
        notes: what a reader of the figures must know.
        evaluation: stands for the task in the run's suite.
        options: the YAML below its kind, but for the metrics.
        summary: what the task is, in a sentence.
        measures: what its items are ordered by.
    """

    answered: dict[str, list[Answered]]
    metrics: tuple[str, ...]
    notes: tuple[str, ...]
    evaluation: type[Evaluation]
    options: Mapping[str, Any]
    summary: str
    measures: Sequence[ItemMeasure]


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """One model.

    Attributes:
        digest: of its log.
        facts: what the log says of the model.
        version: the tool's; empty where the log does not say.
    """

    name: str
    digest: str
    facts: Mapping[str, Any]
    version: str


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """Everything that becomes the run; the first model is the baseline.

    Attributes:
        tool: its name, as people write it.
        command: what the person typed, but for the arguments.
        notes: of the whole run.
    """

    suite: str
    tool: str
    command: str
    models: Sequence[ImportedModel]
    tasks: Mapping[str, ImportedTask]
    notes: Sequence[str]


def plain_name(text: str) -> str:
    """A name of a task or model in the form that suites take."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:64] or "task"


def write_imported(imported: ImportedRun, out: Path, reporter: Reporter) -> RunDir:
    """Writes records, results and reports.

    Args:
        out: folder of runs (`reports`).
    """
    for task, read in imported.tasks.items():
        for note in read.notes:
            reporter.warn(f"{task}: {note}")
    reporter.warn(_UNKNOWN_TRAINING)
    identity = digest({"files": {model.name: model.digest for model in imported.models}, "tasks": list(imported.tasks)})
    with run_folders.claim(out, imported.suite, identity, resume=False) as (run, _):
        _write(run, imported, reporter)
    return run


def _suite(imported: ImportedRun) -> str:
    """A suite that names what was imported, so that gates can be judged again."""
    models = [model.name for model in imported.models]
    tasks = {
        name: {task.evaluation.kind: {**task.options, "metrics": list(task.metrics)}}
        for name, task in imported.tasks.items()
    }
    value = {
        "name": imported.suite,
        "title": f"{', '.join(models[1:]) or models[0]}, run with {imported.tool}",
        "models": {model: {"load": f"./{model}"} for model in models},
        "compare": {"baseline": models[0]},
        "tasks": tasks,
    }
    return json.dumps(value, indent=1) + "\n"


def _write(run: RunDir, imported: ImportedRun, reporter: Reporter) -> None:
    from harness.gates.overall_verdict import overall
    from harness.report.formats.write_reports import write_reports
    from harness.suite.load_suite import parse_suite

    text = _suite(imported)
    suite = parse_suite(text, run.path / "suite.yaml", policies=())  # judges nothing
    started = run_folders.now()
    evaluations = [_evaluation(run, name, task, imported) for name, task in imported.tasks.items()]
    pairs = wanted_pairs(suite, evaluations)
    scoring = ScoringContext(alphas=lambda metric: (), seed=suite.seed, reporter=reporter)
    scores = score(run, [ScoringSpec.of(evaluation) for evaluation in evaluations], pairs, scoring)
    gates = verdicts(run, suite, scores.metrics, scores.comparisons, evaluations, today=datetime.now(UTC).date())
    results = Results(
        suite=imported.suite,
        suite_digest=suite.digest,
        title=suite.title,
        seed=suite.seed,
        baseline=suite.compare.baseline,
        candidates=list(suite.candidates),
        release=list(suite.release),
        models=[_model(model, imported.tool, suite.compare.baseline) for model in imported.models],
        data=[_data(name, task, imported.tool) for name, task in imported.tasks.items()],
        evaluations=evaluations,
        metrics=scores.metrics,
        comparisons=scores.comparisons,
        flips=scores.flips,
        tables=scores.tables,
        gates=gates,
        verdict=overall(gates),
        notes=[
            f"The models were run with {imported.tool}; harness computed the metrics and intervals.",
            f"{_UNKNOWN_TRAINING[0].upper()}{_UNKNOWN_TRAINING[1:]}",
            *imported.notes,
        ],
    )
    info = RunInfo(
        run_id=run.path.name,
        suite=imported.suite,
        suite_text=text,
        command=imported.command.split(),
        state="finished",
        started=started,
        finished=run_folders.now(),
        versions=provenance.versions(),
        hardware=provenance.hardware(),
        seed=suite.seed,
    )
    run.write(results, info)
    write_reports(run)


def _evaluation(run: RunDir, name: str, task: ImportedTask, imported: ImportedRun) -> EvaluationResult:
    items = {answer.item.id: answer.item for answers in task.answered.values() for answer in answers}
    target = run.items_path(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_items(target, items.values())
    records: dict[str, Records] = {}
    for model in imported.models:
        answers = task.answered[model.name]
        facts = {"family": imported.tool, "max_length": model.facts.get("max_length")}
        head = RecordsHead(name, model.digest, answers[0].protocol, facts=facts)
        records[model.name] = Records.of(head, [answer.record for answer in answers])
        path = run.records_path(name, model.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_records(path, records[model.name])
    prompts = {
        model: {answer.item.id: answer.prompt for answer in answers if answer.prompt}
        for model, answers in task.answered.items()
    }
    first = next(iter(prompts.values()))
    notes = [
        f"{model}: {count} prompts differ from those of {next(iter(prompts))} (examples, template or description)."
        for model, asked in prompts.items()
        if (count := sum(first.get(item, prompt) != prompt for item, prompt in asked.items()))
    ]
    unit = task.evaluation.cluster_unit
    metrics = list(task.metrics)
    return EvaluationResult(
        name=name,
        role="task",
        kind=task.evaluation.kind,
        summary=task.summary,
        data=[name],
        split="test",
        n=len(items),
        clusters={unit: len({item.clusters[unit] for item in items.values()})},
        cluster_unit=unit,
        protocols={model: answers[0].protocol for model, answers in task.answered.items()},
        coverage={model: float(answered.ok.mean()) for model, answered in records.items()},
        counts={model: record_counts(counted) for model, counted in records.items()},
        caveats=list(task.notes),
        comparability=notes,
        metrics=metrics,
        meanings=meanings(build_metrics(metrics, MetricContext(cluster_unit=unit))),
        item_measures=[ItemMeasureResult(**asdict(measure)) for measure in task.measures],
        baseline=next(iter(task.answered)),
    )


def _data(name: str, task: ImportedTask, tool: str) -> DataResult:
    items = {answer.item.id: answer.item for answers in task.answered.values() for answer in answers}
    unit = task.evaluation.cluster_unit
    return DataResult(
        name=name,
        fingerprint=digest(sorted(items)),
        rows={"test": len(items)},
        clusters={"test": len({item.clusters[unit] for item in items.values()})},
        license="not stated",
        source=f"the logs of {tool}",
    )


def _model(model: ImportedModel, tool: str, baseline: str) -> ModelResult:
    version = f" {model.version}" if model.version else ""
    return ModelResult(
        name=model.name,
        role="baseline" if model.name == baseline else "candidate",
        made_by="load",
        label=f"run with {tool}{version}",
        digest=model.digest,
        facts=dict(model.facts),
    )
