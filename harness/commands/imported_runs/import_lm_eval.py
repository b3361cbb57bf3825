"""Logs of lm-evaluation-harness → a run directory that compare, gate and report work on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.commands.imported_runs.foreign_formats import LM_EVAL, LM_EVAL_SAMPLES, with_format_named
from harness.commands.imported_runs.imported_run import (
    ImportedModel,
    ImportedRun,
    ImportedTask,
    plain_name,
    write_imported,
)
from harness.core.digests import digest, file_digest
from harness.core.errors import DataError, Where
from harness.core.metric import MetricContext
from harness.core.records import Records, RecordsHead
from harness.core.reporter import Reporter
from harness.evaluations.lm_eval.lm_eval_task import LmEvalTask
from harness.evaluations.lm_eval.logged_figures import agree
from harness.evaluations.lm_eval.logged_task import LoggedTask
from harness.evaluations.lm_eval.samples import ReadSamples, filters_of, read_samples
from harness.metrics.build_metrics import build_metrics, factory
from harness.metrics.logged_figure import LOGGED
from harness.storage import plain_files
from harness.storage.run_dir import RunDir


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
        apart = DataError(
            "no task has samples from every model.",
            notes=[f"{name}: {', '.join(tasks)}" for name, tasks in files.items()],
            hint="run lm-eval on the same tasks for every model, with `--log_samples --output_path`.",
        )
        raise with_format_named(apart, sources[0].path, LM_EVAL)
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
        first = refused[0]
        notes = [*first.notes, *(str(error) for error in refused[1:])]
        none = DataError(first.message, where=first.where, notes=notes, hint=first.hint)
        raise with_format_named(none, sources[0].path, LM_EVAL)
    notes = [f"skipped {error.where}: {error.message}" for error in refused]
    models = [_model(source, files[source.name]) for source in sources]
    imported = ImportedRun(suite, "lm-evaluation-harness", "harness import lm-eval", models, tasks, notes)
    return write_imported(imported, out, reporter)


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
    answered = {model: documents.complete(items) for model, documents in read.items()}
    return ImportedTask(
        answered,
        metrics,
        tuple(dict.fromkeys([*notes, *said])),
        LmEvalTask,
        _described(next(iter(answered.values()))[0].protocol),
        "An lm-evaluation-harness task, read from its logged samples.",
        LmEvalTask.item_measures,
    )


def _described(protocol: str) -> dict[str, Any]:
    """The least of a task file: how its answers are asked for."""
    types = {
        "continuations": "multiple_choice",
        "target_likelihood": "loglikelihood",
        "rolling_likelihood": "loglikelihood_rolling",
        "generation": "generate_until",
    }
    base = {"test_split": "test", "doc_to_text": "", "doc_to_target": "", "doc_to_choice": []}
    return {"task": {**base, "output_type": types[protocol]}}


def _model(source: Source, files: Mapping[str, Path]) -> ImportedModel:
    said = _said(source.path)
    identity = digest({"lm_eval": [file_digest(file) for file in files.values()]})
    version = str(said.get("lm_eval_version", ""))
    return ImportedModel(source.name, identity, said, version)


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
    match = LM_EVAL_SAMPLES.match(file.name)
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
        match = LM_EVAL_SAMPLES.match(file.name)
        task = match.group("task") if match is not None else file.stem
        files[plain_name(task)] = file
    if not files:
        hint = "run lm-eval with `--log_samples --output_path FOLDER`, and pass that folder."
        raise with_format_named(DataError("no lm-eval samples found.", where=Where(path), hint=hint), path, LM_EVAL)
    return files


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
        logged = str(_said(Path(path)).get("model_name", Path(path).stem)).rstrip("/").split("/")[-1]
        chosen = plain_name(name or logged)
        if chosen in {source.name for source in sources}:
            raise DataError(f"two models have the name {chosen!r}.", hint="use distinct names: NAME=PATH.")
        sources.append(Source(chosen, Path(path)))
    return sources
