"""NeMo Evaluator's results: what `nel` and benchmarks of one's own (BYOB) write of each answer.

Read are `results.jsonl` (`nel`, 0.3 and later), `byob_predictions.jsonl` (0.2), and the normalized samples of its
containers. The results files beside them hold means alone: they are held against the answers, and never read for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from harness.core.digests import digest, short
from harness.core.errors import DataError, Where
from harness.data.read_rows import TableFormat, content_of, read_rows
from harness.importers.imported_log import LoggedAnswer, LoggedEvaluation, LogImporter, ModelLog
from harness.importers.log_values import (
    count,
    json_file,
    mapping,
    number,
    numbered_repeats,
    text,
    texts,
    within_rounding,
)

_NEL, _BYOB, _SAMPLES = "results.jsonl", "byob_predictions.jsonl", "nemo-evaluator-per-sample-outputs"
_TOTALS = ("results.yml", "byob_results.json", "eval-*.json")
_UNANSWERED = frozenset({"infra_error", "system"})
"""Categories of errors in which the model was not asked; `nel` grades them as 0."""
_BOOKKEEPING = frozenset({"retries_exhausted"})
_WHAT_TO_EXPORT = (
    "`nel` (0.3 and later) keeps results.jsonl; a benchmark of your own (BYOB, 0.2) writes byob_predictions.jsonl "
    "with `--overrides config.params.extra.save_predictions=true`; for its lm-evaluation-harness, log samples and use "
    "`harness import lm-eval`."
)


class NemoImporter(LogImporter):
    """Each score of each sample; repeats are repeats."""

    tool: ClassVar[str] = "NeMo Evaluator"
    summary: ClassVar[str] = (
        "NeMo Evaluator: the output folder of `nel eval run`, or of a benchmark of your own (BYOB)."
    )

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return bool(_files(path)) or any(_present(path, name) for name in _TOTALS[:2])

    def read(self, path: Path, options: Mapping[str, str]) -> Sequence[ModelLog]:
        files = _files(path)
        if not files:
            raise _without_samples(path)
        models: dict[str, dict[str, LoggedEvaluation]] = {}
        facts: dict[str, dict[str, str | int]] = {}
        for file in files:
            read = _nel if file.name == _NEL else _byob if file.name == _BYOB else _samples
            log = read(file)
            evaluations = models.setdefault(log.model, {})
            for task, evaluation in log.evaluations.items():
                if task in evaluations:
                    raise DataError(
                        f"the folder holds the task {task!r} of {log.model!r} twice.",
                        where=Where(file),
                        hint="pass the folder of one run.",
                    )
                evaluations[task] = evaluation
            facts[log.model] = dict(log.facts)
        return [ModelLog(model, evaluations, facts[model]) for model, evaluations in models.items()]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.name in (_NEL, _BYOB) or path.parent.name == _SAMPLES else []
    each = [*path.rglob(_NEL), *path.rglob(_BYOB), *path.rglob(f"{_SAMPLES}/**/*.jsonl")]
    if path.name == _SAMPLES:
        each += path.rglob("*.jsonl")
    return sorted(set(each))


def _present(path: Path, pattern: str) -> bool:
    return path.match(pattern) if path.is_file() else any(path.rglob(pattern))


def _without_samples(path: Path) -> DataError:
    totals = [pattern for pattern in _TOTALS if _present(path, pattern)]
    if totals:
        return DataError(
            f"expected what NeMo Evaluator logged of each sample, found only its totals ({', '.join(totals)}): "
            "two means have no pairs, and no interval of their difference.",
            where=Where(path),
            hint=_WHAT_TO_EXPORT,
        )
    if path.is_dir() and any(path.rglob("samples_*.jsonl")):
        return DataError(
            "these are samples of lm-evaluation-harness, which NeMo Evaluator ran.",
            where=Where(path),
            hint="`harness import lm-eval` reads this folder.",
        )
    return DataError(
        f"expected {_NEL}, {_BYOB}, or {_SAMPLES} of NeMo Evaluator, found none of them.",
        where=Where(path),
        hint=_WHAT_TO_EXPORT,
    )


def _lines(file: Path, needed: Sequence[str]) -> Iterator[tuple[int | None, Mapping[str, Any]]]:
    """The objects of a file of JSON lines, with their lines.

    Raises:
        DataError: when one lacks what each of them has.
    """
    read = read_rows(content_of(file), str(file), TableFormat(name="jsonl"))
    if not read.rows:
        raise DataError("the log has no rows.", where=Where(file))
    for raw in read.rows:
        lacking = [name for name in needed if name not in raw.fields]
        if lacking:
            raise DataError(
                f"expected a sample of NeMo Evaluator with {', '.join(needed)}; {', '.join(lacking)} is missing.",
                where=Where(file, raw.line),
                hint="pass the files as they were written; a table of your own is read by `harness import table`.",
            )
        yield raw.line, raw.fields


def _nel(file: Path) -> ModelLog:
    bundles = sorted(file.parent.glob("eval-*.json"))
    page = mapping(json_file(bundles[-1], NemoImporter.tool)) if bundles else {}
    benchmark, settings = mapping(page.get("benchmark")), mapping(page.get("config"))
    answers = _common(
        [_nel_answer(fields, Where(file, line)) for line, fields in _lines(file, ("problem_idx", "reward"))]
    )
    notes = [] if bundles else ["the run did not end (no eval-*.json): samples may be missing."]
    failed = sum(answer.fault is not None for answer in answers)
    mean = number(mapping(mapping(benchmark.get("scores")).get("summary")).get("mean"))
    if failed:
        whole = "" if mean is None else f" (its mean reward is {mean:.6g})"
        notes.append(f"answers that failed, which nel counts as 0{whole}, and which are failures here: {failed}.")
    model = str(settings.get("model") or file.parent.parent.name or file.stem)
    version = page.get("sdk_version")
    facts = {"model_name": model} | ({"nemo_evaluator_version": version} if isinstance(version, str) else {})
    totals = {} if mean is None else {"reward": mean}
    task = str(benchmark.get("name") or file.parent.name)
    return ModelLog(model, {task: LoggedEvaluation(answers, totals=totals, notes=tuple(notes))}, facts)


def _nel_answer(fields: Mapping[str, Any], where: Where) -> LoggedAnswer:
    details = mapping(fields.get("scoring_details"))
    reward = number(fields.get("reward"))
    fault = text(details.get("error")) or "failed" if details.get("error_category") in _UNANSWERED else None
    if fault is None and reward is None:
        fault = "no reward"
    figures = {"reward": reward, **_numbers(fields.get("scorer_rewards")), **_numbers(details)}
    repeat = count(fields.get("repeat", 0))
    if repeat is None:
        raise DataError(f"expected a whole number in `repeat`, found {fields.get('repeat')!r}.", where=where)
    category = mapping(fields.get("metadata")).get("category")
    return LoggedAnswer(
        id=text(fields.get("problem_idx")),
        text=text(fields.get("prompt")),
        targets=texts(fields.get("expected_answer")),
        answer=None if fault else text(fields.get("extracted_answer")) or text(fields.get("model_response")),
        figures={} if fault else {name: value for name, value in figures.items() if value is not None},
        epoch=repeat + 1,
        fault=fault,
        slices=(f"category={category}",) if isinstance(category, str) and category else (),
    )


def _numbers(value: Any) -> dict[str, float | None]:
    return {str(name): number(given) for name, given in mapping(value).items() if name not in _BOOKKEEPING}


def _common(answers: Sequence[LoggedAnswer]) -> tuple[LoggedAnswer, ...]:
    """The answers with the figures that each sound one has: graders note what else they saw of some."""
    sound = [set(answer.figures) for answer in answers if answer.fault is None]
    kept = set.intersection(*sound) if sound else set()
    return tuple(
        replace(answer, figures={name: value for name, value in answer.figures.items() if name in kept})
        for answer in answers
    )


def _byob(file: Path) -> ModelLog:
    answers = numbered_repeats(_byob_answer(fields) for _, fields in _lines(file, ("prompt", "scores", "status")))
    beside = file.parent / "byob_results.json"
    page = mapping(json_file(beside, NemoImporter.tool)) if beside.exists() else {}
    tasks = mapping(page.get("tasks"))
    task = next(iter(tasks), file.parent.name)
    scores = mapping(mapping(mapping(mapping(tasks.get(task)).get("metrics")).get("pass@1")).get("scores"))
    totals = {str(name): number(mapping(score).get("value")) for name, score in scores.items()}
    sound = [answer for answer in answers if answer.fault is None]
    kept = {name: total for name, total in totals.items() if total is not None}
    folder = file.parent.parent if file.parent.name == task else file.parent
    evaluation = LoggedEvaluation(answers, totals={name: _exact(name, total, sound) for name, total in kept.items()})
    return ModelLog(folder.name or file.stem, {str(task): evaluation}, {})


def _exact(name: str, total: float, sound: Sequence[LoggedAnswer]) -> float:
    values = [answer.figures[name] for answer in sound if name in answer.figures]
    return within_rounding(total, math.fsum(values) / len(values), digits=4) if values else total


def _byob_answer(fields: Mapping[str, Any]) -> LoggedAnswer:
    status = text(fields.get("status"))
    fault = None if status == "scored" else text(fields.get("error")) or status or "not scored"
    prompt, targets = text(fields.get("prompt")), texts(fields.get("target"))
    figures = {name: value for name, value in _numbers(fields.get("scores")).items() if value is not None}
    return LoggedAnswer(
        id=short(digest({"prompt": prompt, "target": list(targets)})),
        text=prompt,
        targets=targets,
        answer=None if fault else text(fields.get("response")),
        figures={} if fault else figures,
        fault=fault,
    )


def _samples(file: Path) -> ModelLog:
    scored, steps = [], 0
    for _, fields in _lines(file, ("id", "generation", "score")):
        score = number(fields.get("score"))
        if score is None:
            steps += 1
            continue
        name = text(fields.get("score_name")) or "score"
        scored.append(
            LoggedAnswer(
                id=text(fields.get("id")),
                text=text(fields.get("query")),
                targets=texts(fields.get("ground_truth")),
                answer=text(fields.get("answer")) or text(fields.get("generation")),
                figures={name: score},
                epoch=(count(fields.get("sub_query_id", 0)) or 0) + 1,
            )
        )
    if not scored:
        raise DataError("no sample has a score.", where=Where(file), hint=_WHAT_TO_EXPORT)
    notes = (f"samples without a score (steps between), left out: {steps}.",) if steps else ()
    place = next(folder for folder in file.parents if folder.name == _SAMPLES)
    return ModelLog(place.parent.name or file.stem, {file.stem: LoggedEvaluation(tuple(scored), notes=notes)}, {})
