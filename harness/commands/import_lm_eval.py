"""Logs of lm-evaluation-harness → a run directory that compare, gate and report work on."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.comparisons.meanings import meanings
from harness.core.digests import digest, file_digest
from harness.core.errors import DataError, Where
from harness.core.metric import MetricContext
from harness.core.records import Records, RecordsHead
from harness.core.reporter import Reporter
from harness.evaluations.lm_eval.lm_eval_task import LmEvalTask
from harness.evaluations.lm_eval.logged_figures import agree
from harness.evaluations.lm_eval.logged_task import LoggedTask
from harness.evaluations.lm_eval.samples import Answered, ReadSamples, filters_of, read_samples
from harness.metrics.build_metrics import build_metrics, factory
from harness.metrics.logged_figure import LOGGED
from harness.pipeline import provenance
from harness.pipeline.results.assembly import record_counts
from harness.pipeline.results.gate_verdicts import verdicts, wanted_pairs
from harness.pipeline.results.scoring import ScoringContext, ScoringSpec, score
from harness.schema.results.inputs import DataResult, EvaluationResult, ItemMeasureResult, ModelResult
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo
from harness.storage import plain_files, run_folders
from harness.storage.items_file import write_items
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir

_UNKNOWN_TRAINING = "rows may have been trained on: the logs do not say what the models learned from."
_SAMPLES = re.compile(r"samples_(?P<task>.+?)(_\d{4}-\d\d-\d\dT[\d.:-]+)?\.jsonl\Z")


@dataclass(frozen=True, slots=True)
class Source:
    """What lm-eval wrote of one model: its name here, and a folder or a samples file."""

    name: str
    path: Path


def import_lm_eval(
    sources: Sequence[Source], *, suite: str, out: Path, reporter: Reporter, chosen_filter: str | None = None
) -> RunDir:
    """Makes a finished run of the samples of several models; the first one is the baseline.

    Args:
        suite: names the folder of the run.
        out: folder of runs (`reports`).
        chosen_filter: which filter of generation tasks.

    Raises:
        DataError: when a source holds no samples, or nothing is answered by two models.
    """
    files = {source.name: samples_of(source.path) for source in sources}
    names = [name for name in next(iter(files.values())) if all(name in tasks for tasks in files.values())]
    if not names:
        raise DataError(
            "no task has samples from every model.",
            notes=[f"{name}: {', '.join(tasks)}" for name, tasks in files.items()],
            hint="run lm-eval on the same tasks for every model, with `--log_samples --output_path`.",
        )
    tasks: dict[str, ImportedTask] = {}
    refused: list[DataError] = []
    for task in names:
        try:
            tasks[task] = read_task({source.name: files[source.name][task] for source in sources}, task, chosen_filter)
        except DataError as error:
            place = f"{error.where}: " if error.where is not None else ""
            refused.append(error)
            skipped = f"skipping {task}: {place}{error.message}"
            reporter.warn(skipped)
    if not tasks:
        raise DataError(
            refused[0].message,
            where=refused[0].where,
            notes=[*refused[0].notes, *(str(error) for error in refused[1:])],
            hint=refused[0].hint,
        )
    for task, imported in tasks.items():
        for note in imported.notes:
            reporter.warn(f"{task}: {note}")
    notes = [f"skipped {error.where}: {error.message}" for error in refused]
    names = list(tasks)
    reporter.warn(_UNKNOWN_TRAINING)
    identity = digest({"files": {name: [file_digest(tasks[task]) for task in names] for name, tasks in files.items()}})
    text = _suite(suite, [source.name for source in sources], tasks)
    with run_folders.claim(out, suite, identity, resume=False) as (run, _):
        _write(run, suite, text, sources, files, tasks, notes, reporter)
    return run


@dataclass(frozen=True, slots=True)
class ImportedTask:
    """One task of all models.

    Attributes:
        answered: model → its documents, the broken ones as failures.
        metrics: our metrics, those that every log has.
        notes: what a reader of the figures must know.
    """

    answered: dict[str, list[Answered]]
    metrics: tuple[str, ...]
    notes: tuple[str, ...]


def read_task(files: Mapping[str, Path], task: str, chosen_filter: str | None) -> ImportedTask:
    """The logs of one task, all read with one filter.

    Args:
        files: model → its log.

    Raises:
        DataError: when a log cannot be read, no filter is in every log, or figures contradict each other.
    """
    chosen, notes = _filter(files, chosen_filter)
    pages = {model: LoggedTask.of(_results(file), _logged_name(file, task)) for model, file in files.items()}
    read = {model: read_samples(file, chosen, pages[model]) for model, file in files.items()}
    for model, file in files.items():
        _check_totals(file, chosen, read[model], pages[model])
    items = {answer.item.id: answer.item for documents in read.values() for answer in documents.answered}
    said = [f"{model}: {note}" for model, documents in read.items() for note in documents.notes]
    every = [documents.metrics for documents in read.values()]
    metrics = tuple(name for name in every[0] if all(name in others for others in every))
    if not metrics:
        raise DataError(
            "no figure of the documents can be read from every log.",
            where=Where(next(iter(files.values()))),
            notes=said,
            hint="run the task with harness itself (`lm_eval`).",
        )
    lost = dict.fromkeys(name for names in every for name in names if name not in metrics)
    if lost:
        notes.append(f"only some of the logs have {', '.join(lost)}; left out.")
    return ImportedTask(
        {model: documents.complete(items) for model, documents in read.items()},
        metrics,
        tuple(dict.fromkeys([*notes, *said])),
    )


def _filter(files: Mapping[str, Path], chosen: str | None) -> tuple[str, list[str]]:
    """The filter of all logs: the chosen one, else the first that every log has."""
    if chosen is not None:
        return chosen, []
    filters = {model: filters_of(file) for model, file in files.items()}
    first = next(iter(filters.values()))
    common = [name for name in first if all(name in others for others in filters.values())]
    if not common:
        raise DataError(
            "no filter is in the logs of every model.",
            where=Where(next(iter(files.values()))),
            notes=[f"{model}: {', '.join(names)}" for model, names in filters.items()],
            hint="run lm-eval with the same task file for every model.",
        )
    if len(common) == 1:
        return common[0], []
    others = ", ".join(common[1:])
    return common[0], [f"read with the filter {common[0]} for all models; --filter chooses another one ({others})."]


def _check_totals(file: Path, chosen: str, read: ReadSamples, task: LoggedTask) -> None:
    """Refuses a log whose documents do not add up to the results file beside it."""
    if read.broken or any(not answer.record.stats for answer in read.answered):
        return
    records = Records.of(RecordsHead("", "", read.answered[0].protocol), [answer.record for answer in read.answered])
    for theirs, ours in read.settled.items():
        logged = task.total(theirs, chosen)
        own = task.aggregation(theirs)
        if ours is None or logged is None or own is None or (own != "mean" and LOGGED in factory(ours.metric).needs):
            continue
        (metric,) = build_metrics([ours.metric], MetricContext(cluster_unit=LmEvalTask.cluster_unit))
        rows = metric.stats(records)
        value = float(metric.value(rows.sum(axis=0), len(rows))) * ours.scale
        if not agree(logged, 0.0 if math.isnan(value) else value):
            raise DataError(
                f"lm-eval's results say {theirs} {logged:.6g}, and the {len(rows)} logged documents give {value:.6g}.",
                where=Where(file),
                hint="the samples are not those of the results file beside them; keep each run in a folder of its own.",
            )


def _logged_name(file: Path, task: str) -> str:
    match = _SAMPLES.match(file.name)
    return match.group("task") if match is not None else task


def _results(file: Path) -> dict[str, Any]:
    """The results file beside a log, by lm-eval's time stamp where there are several; {} without one."""
    stamp = file.name.removesuffix(".jsonl").rpartition("_")[2]
    named = file.parent / f"results_{stamp}.json"
    files = [named] if named.is_file() else sorted(file.parent.glob("results_*.json"))
    if len(files) != 1:
        return {}
    try:
        value = plain_files.read_json(files[0])
    except (OSError, ValueError) as error:
        raise DataError("cannot read the lm-eval results.", where=Where(files[0])) from error
    return value if isinstance(value, dict) else {}


def samples_of(path: Path) -> dict[str, Path]:
    """Task → its newest samples file, in a file or anywhere below a folder.

    Raises:
        DataError: when there is none.
    """
    files: dict[str, Path] = {}
    for file in [path] if path.is_file() else sorted(path.rglob("samples_*.jsonl"), key=lambda file: file.name):
        match = _SAMPLES.match(file.name)
        task = match.group("task") if match is not None else file.stem
        files[_plain(task)] = file
    if not files:
        raise DataError(
            "no lm-eval samples found.",
            where=Where(path),
            hint="run lm-eval with `--log_samples --output_path FOLDER`, and pass that folder.",
        )
    return files


def _plain(task: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", task.lower()).strip("-_")[:64] or "task"


def _suite(name: str, models: Sequence[str], imported: Mapping[str, ImportedTask]) -> str:
    """A suite that names what was imported, so that gates can be judged again."""
    base = {"test_split": "test", "doc_to_text": "", "doc_to_target": "", "doc_to_choice": []}
    types = {
        "continuations": "multiple_choice",
        "target_likelihood": "loglikelihood",
        "rolling_likelihood": "loglikelihood_rolling",
        "generation": "generate_until",
    }
    tasks = {}
    for name_of_task, task in imported.items():
        protocol = next(iter(task.answered.values()))[0].protocol
        described = {**base, "output_type": types[protocol]}
        tasks[name_of_task] = {"lm_eval": {"task": described, "metrics": list(task.metrics)}}
    value = {
        "name": name,
        "title": f"{', '.join(models[1:]) or models[0]}, run with lm-evaluation-harness",
        "models": {model: {"load": f"./{model}"} for model in models},
        "compare": {"baseline": models[0]},
        "tasks": tasks,
    }
    return json.dumps(value, indent=1) + "\n"


def _write(
    run: RunDir,
    name: str,
    text: str,
    sources: Sequence[Source],
    files: Mapping[str, Mapping[str, Path]],
    tasks: Mapping[str, ImportedTask],
    notes: Sequence[str],
    reporter: Reporter,
) -> None:
    from harness.gates.overall_verdict import overall
    from harness.suite.load_suite import parse_suite

    suite = parse_suite(text, run.path / "suite.yaml")
    started = run_folders.now()
    models = {source.name: _said(source.path) for source in sources}
    digests = {
        source.name: digest({"lm_eval": [file_digest(file) for file in files[source.name].values()]})
        for source in sources
    }
    evaluations = [_evaluation(run, task, imported, models, digests) for task, imported in tasks.items()]
    pairs = wanted_pairs(suite, evaluations)
    scoring = ScoringContext(alphas=lambda metric: (), seed=suite.seed, reporter=reporter)
    scores = score(run, [ScoringSpec.of(evaluation) for evaluation in evaluations], pairs, scoring)
    gates = verdicts(run, suite, scores.metrics, scores.comparisons, evaluations, today=datetime.now(UTC).date())
    results = Results(
        suite=name,
        suite_digest=suite.digest,
        title=suite.title,
        seed=suite.seed,
        baseline=suite.compare.baseline,
        candidates=list(suite.candidates),
        release=list(suite.release),
        models=[_model(source.name, models[source.name], digests, suite.compare.baseline) for source in sources],
        data=[_data(task, imported.answered) for task, imported in tasks.items()],
        evaluations=evaluations,
        metrics=scores.metrics,
        comparisons=scores.comparisons,
        flips=scores.flips,
        tables=scores.tables,
        gates=gates,
        verdict=overall(gates),
        notes=[
            "lm-evaluation-harness ran the models; harness computed the metrics and intervals.",
            f"{_UNKNOWN_TRAINING[0].upper()}{_UNKNOWN_TRAINING[1:]}",
            *notes,
        ],
    )
    info = RunInfo(
        run_id=run.path.name,
        suite=name,
        suite_text=text,
        command=["harness", "import", "lm-eval"],
        state="finished",
        started=started,
        finished=run_folders.now(),
        versions=provenance.versions(),
        hardware=provenance.hardware(),
        seed=suite.seed,
    )
    run.write(results, info)
    from harness.report.formats.write_reports import write_reports

    write_reports(run)


def _evaluation(
    run: RunDir,
    task: str,
    imported: ImportedTask,
    models: Mapping[str, Mapping[str, Any]],
    digests: Mapping[str, str],
) -> EvaluationResult:
    answered = imported.answered
    items = {answer.item.id: answer.item for answers in answered.values() for answer in answers}
    target = run.items_path(task)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_items(target, items.values())
    records: dict[str, Records] = {}
    for model, answers in answered.items():
        facts = {"family": "lm-eval", "max_length": models[model].get("max_length")}
        head = RecordsHead(task, digests[model], answers[0].protocol, facts=facts)
        records[model] = Records.of(head, [answer.record for answer in answers])
        path = run.records_path(task, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_records(path, records[model])
    prompts = {
        model: {answer.item.id: answer.prompt for answer in answers if answer.prompt}
        for model, answers in answered.items()
    }
    first = next(iter(prompts.values()))
    notes = [
        f"{model}: {count} prompts differ from those of {next(iter(prompts))} (examples, template or description)."
        for model, asked in prompts.items()
        if (count := sum(first.get(item, prompt) != prompt for item, prompt in asked.items()))
    ]
    metrics = list(imported.metrics)
    return EvaluationResult(
        name=task,
        role="task",
        kind="lm_eval",
        summary="An lm-evaluation-harness task, read from its logged samples.",
        data=[task],
        split="test",
        n=len(items),
        clusters={"parent": len(items)},
        cluster_unit=LmEvalTask.cluster_unit,
        protocols={model: answers[0].protocol for model, answers in answered.items()},
        coverage={model: len(answers) / len(items) for model, answers in answered.items()},
        counts={model: record_counts(counted) for model, counted in records.items()},
        caveats=list(imported.notes),
        comparability=notes,
        metrics=metrics,
        meanings=meanings(build_metrics(metrics, MetricContext(cluster_unit=LmEvalTask.cluster_unit))),
        item_measures=[ItemMeasureResult(**asdict(measure)) for measure in LmEvalTask.item_measures],
        baseline=next(iter(answered)),
    )


def _said(path: Path) -> dict[str, Any]:
    """What the results file beside the samples says of model and version; {} without one."""
    files = sorted((path if path.is_dir() else path.parent).rglob("results_*.json"), key=lambda file: file.name)
    if not files:
        return {}
    try:
        value = plain_files.read_json(files[-1])
    except (OSError, ValueError) as error:
        raise DataError("cannot read the lm-eval results.", where=Where(files[-1])) from error
    kept = ("model_name", "lm_eval_version", "transformers_version", "max_length", "chat_template_sha")
    return {key: value[key] for key in kept if isinstance(value, dict) and isinstance(value.get(key), str | int)}


def _data(task: str, answered: Mapping[str, Sequence[Answered]]) -> DataResult:
    items = sorted({answer.item.id for answers in answered.values() for answer in answers})
    return DataResult(
        name=task,
        fingerprint=digest(items),
        rows={"test": len(items)},
        clusters={"test": len(items)},
        license="not stated",
        source="the logged samples of lm-evaluation-harness",
    )


def _model(name: str, said: Mapping[str, Any], digests: Mapping[str, str], baseline: str) -> ModelResult:
    version = f" {said['lm_eval_version']}" if "lm_eval_version" in said else ""
    return ModelResult(
        name=name,
        role="baseline" if name == baseline else "candidate",
        made_by="load",
        label=f"run with lm-evaluation-harness{version}",
        digest=digests[name],
        facts=dict(said),
    )


def named(texts: Sequence[str]) -> list[Source]:
    """`NAME=PATH` or `PATH` of the command line; without a name, what lm-eval called the model.

    Raises:
        DataError: for a path that does not exist, or one name twice.
    """
    sources: list[Source] = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or Path(text).exists():
            name, path = "", text
        if not Path(path).exists():
            raise DataError("no such file or folder.", where=Where(path))
        chosen = _plain(name or str(_said(Path(path)).get("model_name", Path(path).stem)).rstrip("/").split("/")[-1])
        if chosen in {source.name for source in sources}:
            raise DataError(f"two models have the name {chosen!r}.", hint="use distinct names: NAME=PATH.")
        sources.append(Source(chosen, Path(path)))
    return sources
