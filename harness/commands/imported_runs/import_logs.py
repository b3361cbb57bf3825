"""Logs of other tools → a run: the same items of every model, figures held against the answers where they can be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from harness.commands.imported_runs.foreign_formats import with_format_named
from harness.commands.imported_runs.imported_run import (
    ImportedModel,
    ImportedRun,
    ImportedTask,
    plain_name,
    write_imported,
)
from harness.core import registry
from harness.core.digests import digest, text_digest
from harness.core.errors import DataError, Where, unknown
from harness.core.evaluation import Item, ItemMeasure
from harness.core.reporter import Reporter
from harness.core.requests import Failure
from harness.evaluations.answers.answered_item import Answered
from harness.evaluations.record_builders import failed, outcome
from harness.evaluations.tasks.imported import Imported
from harness.importers.imported_log import LoggedAnswer, LoggedEvaluation, LogImporter, ModelLog
from harness.metrics.capability.answer_match import exact_match_of
from harness.metrics.logged_figure import LOGGED, figure_name, logged_metric
from harness.storage.run_dir import RunDir

GROUP = "importers"
_PROTOCOL = "generation"
_STRICT, _SQUAD = "exact_match_strict", "squad_exact_match"
_TOLERANCE = 1e-6
_MODEL = "#"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class LogSource:
    """What the person named: `NAME=PATH#MODEL`, name and model where they were given."""

    name: str | None
    path: Path
    model: str | None

    @classmethod
    def of(cls, text: str) -> LogSource:
        """Reads an argument of the command line.

        Raises:
            DataError: when there is no such file.
        """
        name, equals, rest = text.partition("=")
        if not equals or Path(text).exists():
            name, rest = "", text
        path, _, model = (rest, "", "") if Path(rest).exists() else rest.rpartition(_MODEL)
        if not Path(path or rest).exists():
            raise DataError("no such file or folder.", where=Where(rest))
        return cls(plain_name(name) if name else None, Path(path or rest), model or None)


def importer(name: str) -> LogImporter:
    """The importer that is registered under a name.

    Raises:
        SuiteError: for an unknown one.
    """
    made: LogImporter = registry.load(GROUP, name)()
    return made


def import_logs(
    name: str, sources: Sequence[LogSource], options: Mapping[str, str], *, suite: str, out: Path, reporter: Reporter
) -> RunDir:
    """Makes a finished run; the first model is the baseline.

    Args:
        name: of the importer.
        options: of the importer.
        suite: names the folder of the run.
        out: folder of runs (`reports`).

    Raises:
        DataError: when a log cannot be read, holds no model that was named, or shares no task with the others.
    """
    reads = importer(name)
    for key in options:
        if key not in reads.options:
            raise DataError(unknown("option", key, reads.options), hint=_options(reads))
    logs = _named(sources, name, options)
    if len(logs) < 2:
        raise DataError(
            f"one model ({next(iter(logs))}) has nothing to be compared with.",
            hint="give the logs of two models: base=… tuned=…",
        )
    every = [set(log.evaluations) for log in logs.values()]
    common = [task for task in next(iter(logs.values())).evaluations if all(task in tasks for tasks in every)]
    if not common:
        raise DataError(
            "no task is in the logs of every model.",
            notes=[f"{model}: {', '.join(log.evaluations)}" for model, log in logs.items()],
        )
    names = _task_names(common)
    tasks = {
        names[task]: _task(reads.tool, {model: log.evaluations[task] for model, log in logs.items()}) for task in common
    }
    models = [
        ImportedModel(model, _digest(log), dict(log.facts), str(_version(log.facts))) for model, log in logs.items()
    ]
    left = sorted({task for log in logs.values() for task in log.evaluations} - set(common))
    notes = [f"not in the logs of every model, and left out: {', '.join(left)}."] if left else []
    return write_imported(ImportedRun(suite, reads.tool, f"harness import {name}", models, tasks, notes), out, reporter)


def _task_names(tasks: Sequence[str]) -> dict[str, str]:
    """Names that a suite takes, each of its own: `sums:a` and `sums/a` would both be `sums-a`."""
    names: dict[str, str] = {}
    for task in tasks:
        plain = plain_name(task)
        names[task] = plain if plain not in names.values() else f"{plain[:55]}-{digest(task)[:8]}"
    return names


def _options(reads: LogImporter) -> str | None:
    return "; ".join(f"{key}: {about}" for key, about in reads.options.items()) or "it has no options."


def _named(sources: Sequence[LogSource], name: str, options: Mapping[str, str]) -> dict[str, ModelLog]:
    reads = importer(name)
    logs: dict[str, ModelLog] = {}
    for source in sources:
        try:
            read = list(reads.read(source.path, options))
        except DataError as error:
            raise with_format_named(error, source.path, name) from error
        if source.model is not None:
            chosen = [log for log in read if log.model == source.model]
            if not chosen:
                raise DataError(unknown("model", source.model, [log.model for log in read]), where=Where(source.path))
            read = chosen
        if source.name is not None and len(read) > 1:
            raise DataError(
                f"the log holds {len(read)} models ({', '.join(log.model for log in read)}).",
                where=Where(source.path),
                hint=f"choose one: {source.name}={source.path}{_MODEL}{read[0].model}",
            )
        for log in read:
            model = source.name or plain_name(log.model.rstrip("/").rpartition("/")[2])
            if model in logs:
                raise DataError(f"two models have the name {model!r}.", hint="use distinct names: NAME=PATH.")
            logs[model] = log
    return logs


def _digest(log: ModelLog) -> str:
    return digest(
        {
            "model": log.model,
            "answers": {
                task: [[each.id, each.epoch, each.answer, dict(each.figures), each.fault] for each in logged.answers]
                for task, logged in log.evaluations.items()
            },
        }
    )


def _version(facts: Mapping[str, str | int]) -> str | int:
    return next((value for key, value in facts.items() if key.endswith("_version")), "")


def _task(tool: str, logs: Mapping[str, LoggedEvaluation]) -> ImportedTask:
    answers = {model: _unique(logged.answers, model) for model, logged in logs.items()}
    notes = [f"{model}: {note}" for model, logged in logs.items() for note in logged.notes]
    _require_pairs(answers)
    verdicts = frozenset(name for logged in logs.values() for name in logged.verdicts)
    figures = _common_figures(answers, verdicts, notes)
    answers = _lacking_as_faults(answers, figures)
    directions = {name: way for logged in logs.values() for name, way in logged.directions.items()}
    for model, logged in logs.items():
        _check_totals(model, logged, figures)
    metrics: list[tuple[str, str]] = []
    """(figure, the metric that it is); verdicts stay as logged beside what they are computed as."""
    for figure in figures:
        same = _recomputed(figure, answers)
        if same in [metric for _, metric in metrics]:
            same = None
        if same is not None:
            metrics.append((figure, same))
            notes.append(f"{figure} is computed here, as {same}; it agrees with every logged value.")
        if same is None or figure in verdicts:
            metrics.append((figure, logged_metric(figure_name(figure), directions.get(figure, "higher"))))
    if not figures:
        metrics.append((_STRICT, _STRICT))
    repeated = any(answer.epoch > 1 for of_model in answers.values() for answer in of_model.values())
    if repeated:
        notes.append("items were answered several times; the answers to one item stand together in every interval.")
    items = {key: _item(answer, repeated) for of_model in answers.values() for key, answer in of_model.items()}
    return ImportedTask(
        {
            model: [_answered(items[key], of_model.get(key), metrics, tool) for key in sorted(items)]
            for model, of_model in answers.items()
        },
        tuple(metric for _, metric in metrics),
        tuple(notes),
        Imported,
        {"tool": tool},
        f"Answers that {tool} logged.",
        [
            ItemMeasure(_statistic(figure, metric), figure, better=directions.get(figure, "higher"))
            for figure, metric in metrics
        ],
    )


Key = tuple[str, int]


def _unique(answers: Sequence[LoggedAnswer], model: str) -> dict[Key, LoggedAnswer]:
    unique: dict[Key, LoggedAnswer] = {}
    for answer in answers:
        key = (answer.id, answer.epoch)
        if key in unique:
            raise DataError(
                f"{model}: the item {answer.id!r} is answered twice"
                + (f" in epoch {answer.epoch}." if answer.epoch > 1 else "."),
                hint="every item needs its own id, and repeated answers need the number of the repeat.",
            )
        unique[key] = answer
    return unique


def _require_pairs(answers: Mapping[str, Mapping[Key, LoggedAnswer]]) -> None:
    """Checks that every model shares items with the baseline, and that one id is one item.

    Raises:
        DataError: when models share no item, or one id stands for items with other right answers.
    """
    baseline, *others = answers
    for model in others:
        pairs = [(answers[baseline][key], answer) for key, answer in answers[model].items() if key in answers[baseline]]
        if not pairs:
            raise DataError(
                f"no item of {model} is an item of {baseline}: their ids begin with "
                f"{_first(answers[model])} and {_first(answers[baseline])}.",
                hint="import logs of the same data; items are paired by their ids.",
            )
        other = [pair for pair in pairs if pair[0].targets and pair[1].targets and pair[0].targets != pair[1].targets]
        if other:
            first, second = other[0]
            raise DataError(
                f"{len(other)} of {len(pairs)} items have the same id but different right answers, so they cannot be "
                f"paired: {first.id!r} has {_shortened(first.targets)} in {baseline}, {_shortened(second.targets)} "
                f"in {model}.",
                hint="import logs of the same data, or name the column that holds the items' own ids.",
            )


def _first(of_model: Mapping[Key, LoggedAnswer]) -> str:
    return repr(next(iter(of_model), ("", 1))[0][:40])


def _shortened(targets: Sequence[str]) -> str:
    return repr(targets[0][:40]) + (f" and {len(targets) - 1} more" if len(targets) > 1 else "")


def _common_figures(
    answers: Mapping[str, Mapping[Key, LoggedAnswer]], verdicts: Set[str], notes: list[str]
) -> list[str]:
    """The figures of every item; other ones are noted, but for verdicts of single checks."""
    sound = [answer for of_model in answers.values() for answer in of_model.values() if answer.fault is None]
    if not sound:
        faults = dict.fromkeys(str(answer.fault) for of_model in answers.values() for answer in of_model.values())
        raise DataError("no answer of any model can be used.", notes=list(faults)[:_SHOWN])
    names = list(dict.fromkeys(name for answer in sound for name in answer.figures))
    common = [name for name in names if _everywhere(name, answers, always=name in verdicts)]
    lost = [name for name in names if name not in common and name not in verdicts]
    if lost:
        notes.append(f"only some answers have {', '.join(lost)}; left out.")
    if names and not common:
        raise DataError("no figure is given for every item.", notes=[f"figures: {', '.join(names)}"])
    return common


def _everywhere(figure: str, answers: Mapping[str, Mapping[Key, LoggedAnswer]], *, always: bool) -> bool:
    """Whether every model has a figure, and every item has it of some model; of all of them where it is `always`."""
    holds = [
        {key: figure in answer.figures for key, answer in of_model.items() if answer.fault is None}
        for of_model in answers.values()
    ]
    if always:
        return all(all(each.values()) for each in holds)
    having = {key for each in holds for key, has in each.items() if has}
    return all(any(each.values()) or not each for each in holds) and all(
        key in having for each in holds for key in each
    )


def _lacking_as_faults(
    answers: Mapping[str, Mapping[Key, LoggedAnswer]], figures: Sequence[str]
) -> dict[str, dict[Key, LoggedAnswer]]:
    """The answers; one that lacks a figure which its item has of another model is a failure."""
    whole: dict[str, dict[Key, LoggedAnswer]] = {}
    for model, of_model in answers.items():
        whole[model] = {}
        for key, answer in of_model.items():
            lacking = [name for name in figures if name not in answer.figures] if answer.fault is None else []
            fault = f"no figure {', '.join(lacking)}" if lacking else answer.fault
            whole[model][key] = replace(answer, fault=fault) if lacking else answer
    return whole


def _check_totals(model: str, logged: LoggedEvaluation, figures: Sequence[str]) -> None:
    """Refuses a log whose answers do not add up to the tool's own mean."""
    if any(answer.fault is not None for answer in logged.answers):
        return
    for figure, total in logged.totals.items():
        values = [answer.figures[figure] for answer in logged.answers if figure in answer.figures]
        if figure in figures and values:
            own = math.fsum(values) / len(values)
            if abs(own - total) > _TOLERANCE * max(1.0, abs(own)):
                raise DataError(
                    f"{model}: the log says {figure} {total:.6g}; its {len(values)} answers give {own:.6g}.",
                    hint="the log was changed, or counts differently; run the tool again.",
                )


def _strict(answer: str, targets: Sequence[str]) -> float:
    return float(answer in targets)


_RECOMPUTED: Mapping[str, Callable[[str, Sequence[str]], float]] = {_STRICT: _strict, _SQUAD: exact_match_of}


def _recomputed(figure: str, answers: Mapping[str, Mapping[Key, LoggedAnswer]]) -> str | None:
    """Our metric under which every logged value comes out; None where there is none."""
    sound = [answer for of_model in answers.values() for answer in of_model.values() if answer.fault is None]
    if not sound or any(not answer.targets or answer.answer is None for answer in sound):
        return None
    for metric, computed in _RECOMPUTED.items():
        if all(computed(answer.answer or "", answer.targets) == answer.figures[figure] for answer in sound):
            return metric
    return None


def _statistic(figure: str, metric: str) -> str:
    return metric if metric in _RECOMPUTED else f"{LOGGED}.{figure_name(figure)}"


def _item(answer: LoggedAnswer, repeated: bool) -> Item:
    identity = f"{answer.id}#{answer.epoch}" if repeated else answer.id
    payload = {"text": answer.text, "targets": list(answer.targets)}
    texts = {"text": answer.text}
    target = answer.targets[0] if answer.targets else None
    return Item(identity, payload, texts, target, {Imported.cluster_unit: answer.id}, slices=answer.slices)


def _answered(item: Item, answer: LoggedAnswer | None, metrics: Sequence[tuple[str, str]], tool: str) -> Answered:
    if answer is None:
        return Answered(item, failed(item, Failure("missing", f"{tool} logged no answer")), _PROTOCOL, "")
    prompt = text_digest(answer.text)
    if answer.fault is not None:
        return Answered(item, failed(item, Failure("error", answer.fault)), _PROTOCOL, prompt)
    written = answer.answer or ""
    stats: dict[str, float] = {}
    for figure, metric in metrics:
        if metric in _RECOMPUTED:
            stats[metric] = stats["correct"] = _RECOMPUTED[metric](written, answer.targets)
        else:
            stats[_statistic(figure, metric)] = answer.figures[figure]
    record = outcome(item, prediction=written, response={"generated": written}, stats=stats)
    return Answered(item, record, _PROTOCOL, prompt)
