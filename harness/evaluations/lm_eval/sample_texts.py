"""Written answers in a log of lm-eval: exact match, ROUGE, SQuAD's figures, and corpus scores of their texts."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from harness.core.distribution import install_hint, is_installed
from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import Item
from harness.core.labels import label_text
from harness.core.records import Record
from harness.evaluations.lm_eval.filters import matches
from harness.evaluations.lm_eval.logged_figures import Ours, ReadDocuments, Sample, agree, contradiction, settle
from harness.evaluations.lm_eval.logged_task import LoggedTask, is_number, listed_texts
from harness.evaluations.lm_eval.task_file import OF_EXACT_MATCH
from harness.evaluations.record_builders import outcome
from harness.metrics.capability.answer_match import answer_f1_of, exact_match_of
from harness.metrics.capability.bleu_chrf_ter import NAMES as CORPUS
from harness.metrics.capability.bleu_chrf_ter import translation_statistics
from harness.metrics.capability.rouge import NAMES as ROUGE
from harness.metrics.capability.rouge import rouge_statistics

_SQUAD = {
    "f1": ("squad_f1", answer_f1_of),
    "em": ("squad_exact_match", exact_match_of),
    "exact": ("squad_exact_match", exact_match_of),
    "exact_match": ("squad_exact_match", exact_match_of),
}
_SCALES = {"": 1.0, ", times 100": 100.0}


@dataclass(frozen=True, slots=True)
class _Written:
    """One answer: what the task's filters kept of it, and what it is compared with."""

    sample: Sample
    prediction: str
    golds: tuple[str, ...]


def written_records(samples: Sequence[Sample], task: LoggedTask) -> ReadDocuments:
    """Documents for which a text was written.

    Raises:
        DataError: for a figure that the texts contradict, with both values.
    """
    read = ReadDocuments()
    read_samples: list[Sample] = []
    for sample in samples:
        if not isinstance(sample.replies[0], str):
            read.failures[sample.identity] = f"{sample.where}: invalid sample: an answer is {sample.replies[0]!r}"
            continue
        if sample.target is None:
            read.failures[sample.identity] = f"{sample.where}: 'target' has no value"
            continue
        read_samples.append(sample)
    answers = _answers(read_samples, task)
    stats: list[dict[str, float]] = [{} for _ in answers]
    for settled in (_exact_match, _rouge, _squad, _squad_pairs, _corpus):
        settled(answers, task, read, stats)
    read.made = [_record(answer, row) for answer, row in zip(answers, stats, strict=True)]
    return read


def _record(answer: _Written, stats: Mapping[str, float]) -> tuple[Item, Record]:
    sample = answer.sample
    target = answer.golds[0] if isinstance(sample.target, str | list) else label_text(sample.target)
    target = unicodedata.normalize("NFC", target)
    texts = {"text": str(sample.arguments[0][0]), "target": target}
    item = Item(sample.identity, {"target": "\n".join(answer.golds)}, texts, target, {"parent": sample.identity})
    return item, outcome(
        item, prediction=answer.prediction, response={"generated": str(sample.replies[0])}, stats=stats
    )


def _answers(samples: Sequence[Sample], task: LoggedTask) -> list[_Written]:
    """The answers, with `target` read as a list where it is one for all documents, or where exact match needs it."""
    plain = [_Written(sample, _kept(sample), (str(sample.target),)) for sample in samples]
    lists = [listed_texts(str(sample.target)) for sample in samples]
    if not any(lists):
        return plain
    listed = [replace(answer, golds=tuple(golds or answer.golds)) for answer, golds in zip(plain, lists, strict=True)]
    faults = [_exact_faults(answers, task) for answers in (listed, plain)]
    return listed if faults[0] < faults[1] or (all(lists) and faults[0] == faults[1]) else plain


def _kept(sample: Sample) -> str:
    kept = sample.raw["filtered_resps"]
    while isinstance(kept, list) and kept:
        kept = kept[0]
    return str(kept)


def _exact_faults(answers: Sequence[_Written], task: LoggedTask) -> int:
    logged = [answer.sample.raw.get("exact_match") for answer in answers]
    if not all(is_number(value) for value in logged):
        return 0
    return min(
        sum(not agree(float(value or 0), made) for value, made in zip(logged, computed, strict=True))
        for computed in _exact_readings(answers, task).values()
    )


def _exact_readings(answers: Sequence[_Written], task: LoggedTask) -> dict[str, list[float]]:
    """Exact match by the options that the task states, else by all that lm-eval has but regular expressions."""
    if task.states("exact_match"):
        options = task.options("exact_match")
        choices = [options] if set(options) <= OF_EXACT_MATCH else []
    else:
        names = ("ignore_case", "ignore_punctuation", "ignore_numbers")
        choices = [dict(zip(names, values, strict=True)) for values in product((False, True), repeat=3)]
    readings: dict[str, list[float]] = {}
    for chosen in choices:
        label = ", ".join(name for name, value in chosen.items() if value)
        try:
            readings[label] = [float(matches(answer.prediction, answer.golds, chosen)) for answer in answers]
        except SuiteError:
            continue
    return readings or {"": [math.nan] * len(answers)}


def _exact_match(
    answers: Sequence[_Written], task: LoggedTask, read: ReadDocuments, stats: list[dict[str, float]]
) -> None:
    if not _all_numbers(answers, "exact_match"):
        return
    readings = _exact_readings(answers, task)
    values = [float(answer.sample.raw["exact_match"]) for answer in answers]
    strict = [float(answer.prediction in answer.golds) for answer in answers]
    if not task.code and any(value == 0 and equal for value, equal in zip(values, strict, strict=True)):
        # Whatever lm-eval ignores, equal texts are equal.
        raise contradiction("exact_match", values, strict, [answer.sample.where for answer in answers], "texts")
    if any(math.isnan(value) for value in readings[next(iter(readings))]):
        return
    chosen = settle("exact_match", [answer.sample for answer in answers], readings, task)
    if chosen is None:
        return
    read.settled["exact_match"] = Ours("exact_match_strict")
    for row, value in zip(stats, readings[chosen], strict=True):
        row |= {"exact_match_strict": value, "correct": value}
    if chosen:
        read.notes.append(f"exact_match is computed with {chosen}.")


def _rouge(answers: Sequence[_Written], task: LoggedTask, read: ReadDocuments, stats: list[dict[str, float]]) -> None:
    names = [name for name in ROUGE if _all_numbers(answers, name) and not task.options(name)]
    if not names:
        return
    rows = [rouge_statistics(answer.prediction, answer.golds) for answer in answers]
    for name in names:
        _settle_scaled(name, Ours(name), [row[name] for row in rows], answers, task, read, stats)


def _squad(answers: Sequence[_Written], task: LoggedTask, read: ReadDocuments, stats: list[dict[str, float]]) -> None:
    for name, (metric, measure) in _SQUAD.items():
        if name in read.settled or not _all_numbers(answers, name):
            continue
        if name == "exact_match" and not any(float(answer.sample.raw[name]) for answer in answers):
            continue
        values = [measure(answer.prediction, answer.golds) for answer in answers]
        _settle_scaled(name, Ours(metric), values, answers, task, read, stats)


def _settle_scaled(
    name: str,
    ours: Ours,
    values: Sequence[float],
    answers: Sequence[_Written],
    task: LoggedTask,
    read: ReadDocuments,
    stats: list[dict[str, float]],
) -> None:
    readings = {label: [value * scale for value in values] for label, scale in _SCALES.items()}
    chosen = settle(name, [answer.sample for answer in answers], readings, task)
    if chosen is None:
        return
    read.settled[name] = Ours(ours.metric, _SCALES[chosen])
    for row, value in zip(stats, values, strict=True):
        row[ours.metric] = value
        if ours.metric == "squad_exact_match":
            row.setdefault("correct", value)


def _squad_pairs(
    answers: Sequence[_Written], task: LoggedTask, read: ReadDocuments, stats: list[dict[str, float]]
) -> None:
    """SQuAD's own form: a prediction and its references as two mappings; one figure over all documents, times 100."""
    for name in ("exact", "f1"):
        pairs = [_squad_pair(answer.sample.raw.get(name)) for answer in answers]
        if not pairs or name in read.settled or any(pair is None for pair in pairs):
            continue
        metric, measure = _SQUAD[name]
        read.settled[name] = Ours(metric, 100.0)
        for row, pair in zip(stats, pairs, strict=True):
            if pair is not None:
                row[metric] = measure(*pair)


def _squad_pair(value: Any) -> tuple[str, list[str]] | None:
    try:
        prediction, reference = value
        return str(prediction["prediction_text"]), [str(text) for text in reference["answers"]["text"]]
    except (TypeError, KeyError, ValueError):
        return None


def _corpus(answers: Sequence[_Written], task: LoggedTask, read: ReadDocuments, stats: list[dict[str, float]]) -> None:
    """BLEU, chrF and TER: lm-eval logs the texts of each document, and one score over all."""
    for name in CORPUS:
        pairs = [_pair(answer.sample.raw.get(name)) for answer in answers]
        if not pairs or any(pair is None for pair in pairs):
            continue
        if not is_installed("sacrebleu"):
            read.settled[name] = None
            read.notes.append(f"{name} is left out: sacrebleu is not installed. {install_hint('sacrebleu')}")
            continue
        for answer, pair, row in zip(answers, pairs, stats, strict=True):
            references, hypothesis = pair or ([], "")
            own = hypothesis == answer.prediction and set(references) <= {*answer.golds, str(answer.sample.target)}
            if not own and not task.code:
                raise DataError(
                    f"lm-eval logged {name} of {hypothesis[:60]!r} against {references[0][:60]!r}, and the logged "
                    f"answer is {answer.prediction[:60]!r}, the target {answer.golds[0][:60]!r}.",
                    where=answer.sample.where,
                    hint="the log was changed; run the task again.",
                )
            row |= translation_statistics(hypothesis, references, (name,), one_line=False)
        read.settled[name] = Ours(name)


def _pair(value: Any) -> tuple[list[str], str] | None:
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], str):
        return None
    references = value[0] if isinstance(value[0], list) else [value[0]]
    return (references, value[1]) if references and all(isinstance(text, str) for text in references) else None


def _all_numbers(answers: Sequence[_Written], name: str) -> bool:
    return bool(answers) and all(is_number(answer.sample.raw.get(name)) for answer in answers)
