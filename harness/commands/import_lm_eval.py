"""Logs of lm-evaluation-harness → a run directory that compare, gate and report work on."""

from __future__ import annotations

import json
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
from harness.evaluations.lm_eval.samples import Answered, UnreadKindError, metrics_of, read_samples
from harness.metrics.build_metrics import build_metrics
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
    names = [name for name in next(iter(files.values())) if all(name in found for found in files.values())]
    if not names:
        raise DataError(
            "no task has samples from every model.",
            notes=[f"{name}: {', '.join(found)}" for name, found in files.items()],
            hint="run lm-eval on the same tasks for every model, with `--log_samples --output_path`.",
        )
    answered: dict[str, dict[str, list[Answered]]] = {}
    unread: DataError | None = None
    for task in names:
        try:
            answered[task] = {source.name: read_samples(files[source.name][task], chosen_filter) for source in sources}
        except UnreadKindError as error:
            reporter.warn(f"skipping {task}: {error.message}")
            unread = error
    if unread is not None and not answered:
        raise unread
    names = list(answered)
    reporter.warn(_UNKNOWN_TRAINING)
    identity = digest({"files": {name: [file_digest(found[task]) for task in names] for name, found in files.items()}})
    text = _suite(suite, [source.name for source in sources], answered)
    with run_folders.claim(out, suite, identity, resume=False) as (run, _):
        _write(run, suite, text, sources, files, answered, reporter)
    return run


def samples_of(path: Path) -> dict[str, Path]:
    """Task → its newest samples file, in a file or anywhere below a folder.

    Raises:
        DataError: when there is none.
    """
    found: dict[str, Path] = {}
    for file in [path] if path.is_file() else sorted(path.rglob("samples_*.jsonl"), key=lambda file: file.name):
        match = _SAMPLES.match(file.name)
        task = match.group("task") if match is not None else file.stem
        found[_plain(task)] = file
    if not found:
        raise DataError(
            "no lm-eval samples found.",
            where=Where(path),
            hint="run lm-eval with `--log_samples --output_path FOLDER`, and pass that folder.",
        )
    return found


def _plain(task: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", task.lower()).strip("-_")[:64] or "task"


def _suite(name: str, models: Sequence[str], answered: Mapping[str, Mapping[str, Sequence[Answered]]]) -> str:
    """A suite that names what was imported, so that gates can be judged again."""
    base = {"test_split": "test", "doc_to_text": "", "doc_to_target": "", "doc_to_choice": []}
    types = {
        "continuations": "multiple_choice",
        "target_likelihood": "loglikelihood",
        "rolling_likelihood": "loglikelihood_rolling",
        "generation": "generate_until",
    }
    tasks = {}
    for task, by_model in answered.items():
        protocol = next(iter(by_model.values()))[0].protocol
        described = {**base, "output_type": types[protocol]}
        metrics = [*metrics_of([one for found in by_model.values() for one in found])]
        tasks[task] = {"lm_eval": {"task": described, "metrics": metrics}}
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
    answered: Mapping[str, Mapping[str, Sequence[Answered]]],
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
    evaluations = [_evaluation(run, task, found, models, digests) for task, found in answered.items()]
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
        data=[_data(task, found) for task, found in answered.items()],
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
    answered: Mapping[str, Sequence[Answered]],
    models: Mapping[str, Mapping[str, Any]],
    digests: Mapping[str, str],
) -> EvaluationResult:
    items = {one.item.id: one.item for found in answered.values() for one in found}
    target = run.items_path(task)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_items(target, items.values())
    records: dict[str, Records] = {}
    for model, found in answered.items():
        facts = {"family": "lm-eval", "max_length": models[model].get("max_length")}
        head = RecordsHead(task, digests[model], found[0].protocol, facts=facts)
        records[model] = Records.of(head, [one.record for one in found])
        path = run.records_path(task, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_records(path, records[model])
    prompts = {model: {one.item.id: one.prompt for one in found} for model, found in answered.items()}
    first = next(iter(prompts.values()))
    notes = [
        f"{model}: {count} prompts differ from those of {next(iter(prompts))} (examples, template or description)."
        for model, asked in prompts.items()
        if (count := sum(first.get(item, prompt) != prompt for item, prompt in asked.items()))
    ]
    metrics = list(metrics_of([one for found in answered.values() for one in found]))
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
        protocols={model: found[0].protocol for model, found in answered.items()},
        coverage={model: len(found) / len(items) for model, found in answered.items()},
        counts={model: record_counts(found) for model, found in records.items()},
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
    items = sorted({one.item.id for found in answered.values() for one in found})
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
