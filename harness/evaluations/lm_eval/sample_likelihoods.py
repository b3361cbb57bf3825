"""Likelihoods of targets and of whole documents in a log of lm-eval."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from harness.core.evaluation import Item
from harness.core.requests import Failure
from harness.evaluations.lm_eval.logged_figures import Ours, ReadDocuments, Sample, contradiction, settle
from harness.evaluations.lm_eval.logged_task import LoggedTask, is_number
from harness.evaluations.record_builders import failed, outcome

_UNITS = {"word_perplexity": "words", "byte_perplexity": "bytes", "bits_per_byte": "bytes"}
_COUNTED = "counts"


def target_records(samples: Sequence[Sample], task: LoggedTask) -> ReadDocuments:
    """Documents of which the likelihood of a target after a context was asked.

    Raises:
        DataError: for a figure that the log-likelihoods contradict, with both values.
    """
    read = ReadDocuments()
    sound: list[Sample] = []
    for sample in samples:
        try:
            context, target = str(sample.arguments[0][0]), str(sample.arguments[0][1])
            value, greedy = float(sample.replies[0][0]), {"True": 1.0, "False": 0.0}[str(sample.replies[0][1])]
        except (TypeError, ValueError, IndexError, KeyError) as error:
            read.failures[sample.identity] = f"{sample.where}: invalid sample: {error}"
            continue
        texts = {"text": context, "target": target}
        item = Item(sample.identity, {"target": target}, texts, target, {"parent": sample.identity})
        if not math.isfinite(value):
            failure = Failure("nan", f"the log-likelihood of the target is {value}")
            read.made.append((item, failed(item, failure)))
            continue
        sound.append(sample)
        stats = {"nll_target": -value, "targets": 1.0, "greedy_match": greedy}
        read.made.append((item, outcome(item, response={"log_likelihood": value}, stats=stats)))
    kept = [record.stats for _, record in read.made if record.stats]
    for figure, metric, values in (
        ("perplexity", "target_perplexity", [-stats["nll_target"] for stats in kept]),
        ("acc", "greedy_match", [stats["greedy_match"] for stats in kept]),
    ):
        if settle(figure, sound, {"": values} if sound else {}, task, "answers") is not None:
            read.settled[figure] = Ours(metric)
    return read


def document_records(samples: Sequence[Sample], task: LoggedTask) -> ReadDocuments:
    """Documents of which the likelihood of the whole text was asked.

    Counts of words and bytes are those of the text, unless code of the task counts in another one.

    Raises:
        DataError: for a figure that the log-likelihoods contradict, with both values.
    """
    read = ReadDocuments()
    sound: list[tuple[Sample, Item, float, dict[str, float]]] = []
    for sample in samples:
        try:
            text, value = str(sample.arguments[0][0]), float(sample.replies[0])
        except (TypeError, ValueError, IndexError, KeyError) as error:
            read.failures[sample.identity] = f"{sample.where}: invalid sample: {error}"
            continue
        item = Item(sample.identity, {"text": text}, {"text": text}, clusters={"parent": sample.identity})
        if not math.isfinite(value):
            failure = Failure("nan", f"the log-likelihood of the document is {value}")
            read.made.append((item, failed(item, failure)))
            continue
        counts = {"bytes": float(len(text.encode())), "words": float(len(re.split(r"\s+", text)))}
        sound.append((sample, item, value, counts))
    units = _logged_counts(read, [(sample, value, counts) for sample, _, value, counts in sound], task)
    for sample, item, value, counts in sound:
        counts |= {unit: float(sample.raw[figure][1]) for figure, unit in units.items()}
        read.made.append((item, outcome(item, response={"log_likelihood": value}, stats={"nll": -value, **counts})))
    return read


def _logged_counts(
    read: ReadDocuments, sound: Sequence[tuple[Sample, float, dict[str, float]]], task: LoggedTask
) -> dict[str, str]:
    """Checks the logged pairs (log-likelihood, count); the figures whose counts are taken as logged, with the unit."""
    given: dict[str, str] = {}
    for figure, unit in _UNITS.items():
        pairs = [sample.raw.get(figure) for sample, _, _ in sound]
        if not pairs or not all(_is_pair(pair) for pair in pairs):
            continue
        places = [sample.where for sample, _, _ in sound]
        likelihoods = [float(pair[0]) for pair in pairs if pair]
        values = [value for _, value, _ in sound]
        if any(abs(a - b) > 1e-6 * max(1.0, abs(b)) for a, b in zip(likelihoods, values, strict=True)):
            raise contradiction(f"{figure} (log-likelihoods)", likelihoods, values, places, "answers")
        read.settled[figure] = Ours(figure)
        counted = [
            Sample(sample.identity, sample.where, {figure: float(sample.raw[figure][1])}, (), ())
            for sample, _, _ in sound
        ]
        reading = {_COUNTED: [counts[unit] for _, _, counts in sound]}
        if settle(figure, counted, reading, task, f"texts, counted in {unit},") is None:
            given[figure] = unit
    if given:
        read.notes.append(
            f"counts of {' and '.join(dict.fromkeys(given.values()))} are taken as lm-eval logged them: they are not "
            "those of the scored text."
        )
    return given


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(is_number(part) for part in value)
