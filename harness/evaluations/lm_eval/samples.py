"""What lm-eval wrote with `--log_samples`: one line a document, read into items and records.

The log-likelihoods and texts are lm-eval's; the figures are computed from them here, so that ties share their
point as everywhere in harness. Lines that do not add up are errors, never numbers.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digests import digest, fraction
from harness.core.errors import DataError, Where
from harness.core.evaluation import Item
from harness.core.records import Record
from harness.evaluations.record_builders import outcome
from harness.metrics.capability.choice_accuracy import best_choices, choice_statistics

METRICS: Mapping[str, tuple[str, ...]] = {
    "continuations": ("acc", "acc_norm_chars", "acc_norm_bytes"),
    "target_likelihood": ("target_perplexity", "greedy_match"),
    "rolling_likelihood": ("bits_per_byte", "byte_perplexity", "word_perplexity"),
    "generation": ("exact_match_strict",),
}
"""Our metrics of what a log holds, by protocol; the first one leads."""

_TOLERANCE = 1e-6


class UnreadKindError(DataError):
    """Samples of a kind of task that is not read."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One document that a model answered under lm-eval.

    Attributes:
        prompt: digest of what was asked; another one means other examples, template or description.
    """

    item: Item
    record: Record
    protocol: str
    prompt: str


def metrics_of(found: Sequence[Answered]) -> tuple[str, ...]:
    """Our metrics of a task's samples: those of its protocol, and mutual information where every one has it."""
    mutual = all("acc_mutual_info" in answered.record.stats for answered in found)
    return (*METRICS[found[0].protocol], *(("acc_mutual_info",) if mutual else ()))


def read_samples(path: Path, chosen: str | None = None) -> list[Answered]:
    """The documents of one `samples_*.jsonl`.

    Args:
        chosen: which of the task's filters, where it has several; the first in the file when left out.

    Raises:
        DataError: for lines that are no samples, of several shapes, or whose numbers contradict each other.
    """
    found: list[Answered] = []
    seen: Counter[str] = Counter()
    wanted = chosen
    for number, line in enumerate(_lines(path), 1):
        where = Where(path, number)
        sample = _parsed(line, where)
        name = str(sample.get("filter", "none"))
        wanted = name if wanted is None else wanted
        if name != wanted:
            continue
        content = digest(str(sample["doc_hash"]))
        seen[content] += 1
        found.append(_answered(sample, digest([content, seen[content]])[:20], where))
    if wanted is None:
        raise DataError("the file contains no samples.", where=Where(path), hint="log them with --log_samples.")
    if not found:
        raise DataError(
            f"the file contains no samples of the filter {wanted!r}.", where=Where(path), hint="remove --filter."
        )
    if len({answered.protocol for answered in found}) > 1:
        raise DataError("the samples are of several kinds.", where=Where(path))
    return found


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8") as handle:
            yield from (line for line in handle if line.strip())
    except (OSError, UnicodeError) as error:
        raise DataError(f"cannot read the samples: {type(error).__name__}.", where=Where(path)) from error


def _parsed(line: str, where: Where) -> dict[str, Any]:
    try:
        sample = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError("the line is not JSON.", where=where, hint="check that the file is complete.") from error
    needed = ("doc", "doc_hash", "target", "arguments", "resps", "filtered_resps")
    missing = [key for key in needed if not isinstance(sample, dict) or key not in sample]
    if missing:
        raise DataError(
            f"the line is not an lm-eval sample: {missing[0]!r} is missing.",
            where=where,
            hint="run lm-eval with `--log_samples` (0.4.5 or later).",
        )
    return dict(sample)


def _answered(sample: Mapping[str, Any], identity: str, where: Where) -> Answered:
    try:
        arguments = _arguments(sample["arguments"])
        replies = [reply[0] if isinstance(reply, list) and reply else reply for reply in sample["resps"]]
        prompt = digest([str(argument[0]) for argument in arguments])
        if isinstance(sample.get("word_perplexity", sample.get("bits_per_byte")), list):
            item, record = _rolling(sample, identity, float(replies[0]), arguments)
            return Answered(item, record, "rolling_likelihood", prompt)
        if isinstance(replies[0], list) and len(replies) > 1:
            item, record = _choice(sample, identity, [float(reply[0]) for reply in replies], arguments, where)
            return Answered(item, record, "continuations", prompt)
        if isinstance(replies[0], list) and "perplexity" in sample:
            item, record = _target(sample, identity, replies[0], arguments)
            return Answered(item, record, "target_likelihood", prompt)
        if isinstance(replies[0], str) and "exact_match" in sample:
            item, record = _generated(sample, identity, replies[0], arguments)
            return Answered(item, record, "generation", prompt)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        raise DataError(f"invalid lm-eval sample: {error!r}.", where=where) from error
    raise UnreadKindError(
        "only multiple choice, likelihoods of targets and documents, and exact match are supported.",
        where=where,
        hint="run the task with harness itself (`lm_eval`).",
    )


def _arguments(given: Any) -> list[list[Any]]:
    if isinstance(given, dict):
        return [[entry[key] for key in sorted(entry)] for entry in given.values()]
    return [list(entry) for entry in given]


def _choice(
    sample: Mapping[str, Any], identity: str, values: list[float], arguments: list[list[Any]], where: Where
) -> tuple[Item, Record]:
    alone: list[float] | None = None
    if "acc_mutual_info" in sample and len(values) % 2 == 0:
        half = len(values) // 2
        values, alone, arguments = values[:half], values[half:], arguments[:half]
    if not all(map(math.isfinite, values)):
        raise DataError("a log-likelihood is not finite.", where=where)
    contexts = [str(argument[0]) for argument in arguments]
    same = len(set(contexts)) == 1
    # Choices are told apart by what follows one context, or by the contexts themselves (Winogrande).
    choices = [str(argument[1]).lstrip() for argument in arguments] if same else contexts
    right = _right(sample, choices) if same else _right_context(sample, choices, values)
    each = [choice_statistics(values, choices, place, alone) for place in right]
    stats = {name: sum(one[name] for one in each) for name in each[0]}
    best = best_choices(values)
    if len(best) == 1 and "acc" in sample and abs(float(sample["acc"]) - stats["acc"]) > _TOLERANCE:
        raise DataError(
            f"lm-eval scored this document as {sample['acc']}, but its log-likelihoods give {stats['acc']:g}.",
            where=where,
        )
    chosen = min(best, key=lambda place: fraction(f"{identity}\n{choices[place]}"))
    item = Item(
        identity,
        {"choices": choices, "right": right},
        {"text": contexts[0] if same else "", "choices": "\n".join(choices)},
        choices[right[0]],
        {"parent": identity},
    )
    others = [value for place, value in enumerate(values) if place not in right]
    record = outcome(
        item,
        prediction=choices[chosen],
        margin=max(values[place] for place in right) - max(others) if others else None,
        tied=len(best) > 1,
        response={"log_likelihoods": values},
        stats={**stats, "correct": float(chosen in right)},
    )
    return item, record


def _right(sample: Mapping[str, Any], choices: Sequence[str]) -> list[int]:
    """The right choices: one, or those of a list, which lm-eval writes as text."""
    target = sample["target"]
    if isinstance(target, str) and target not in choices and re.fullmatch(r"\[\d+(, *\d+)*\]", target.strip()):
        target = json.loads(target)
    listed = target if isinstance(target, list) else [target]
    return list(dict.fromkeys(_place(one, choices) for one in listed))


def _right_context(sample: Mapping[str, Any], contexts: Sequence[str], values: Sequence[float]) -> list[int]:
    """The right one of contexts that one continuation follows; lm-eval logs the continuation, and whether it was hit.

    Raises:
        UnreadKindError: when that does not tell: a miss among more than two.
    """
    try:
        return _right(sample, contexts)
    except ValueError:
        said = max(range(len(values)), key=lambda place: values[place])
        if float(sample["acc"]) == 1.0:
            return [said]
        if len(contexts) == 2:
            return [1 - said]
        raise UnreadKindError("the samples do not identify the correct one of several contexts.") from None


def _place(target: Any, choices: Sequence[str]) -> int:
    for value in (target, str(target).strip()):
        if isinstance(value, int) and 0 <= value < len(choices):
            return value
        if isinstance(value, str) and value in choices:
            return choices.index(value)
        if isinstance(value, str) and value.isdecimal() and int(value) < len(choices):
            return int(value)
    raise ValueError(f"the target {target!r} is not one of the choices")


def _target(
    sample: Mapping[str, Any], identity: str, reply: list[Any], arguments: list[list[Any]]
) -> tuple[Item, Record]:
    value, context, target = float(reply[0]), str(arguments[0][0]), str(arguments[0][1])
    if not math.isfinite(value):
        raise ValueError("the log-likelihood is not finite")
    item = Item(identity, {"target": target}, {"text": context, "target": target}, target, {"parent": identity})
    written = {"True": 1.0, "False": 0.0}[str(reply[1])]
    stats = {"nll_target": -value, "targets": 1.0, "greedy_match": written}
    return item, outcome(item, response={"log_likelihood": value}, stats=stats)


def _rolling(sample: Mapping[str, Any], identity: str, value: float, arguments: list[list[Any]]) -> tuple[Item, Record]:
    text = str(arguments[0][0])
    item = Item(identity, {"text": text}, {"text": text}, clusters={"parent": identity})
    if not math.isfinite(value):
        raise ValueError("the log-likelihood is not finite")
    stats = {
        "nll": -value,
        "bytes": float(len(text.encode("utf-8", "surrogatepass"))),
        "words": float(len(re.split(r"\s+", text))),
    }
    return item, outcome(item, response={"log_likelihood": value}, stats=stats)


def _generated(sample: Mapping[str, Any], identity: str, text: str, arguments: list[list[Any]]) -> tuple[Item, Record]:
    right = float(sample["exact_match"])
    if right not in (0.0, 1.0):
        raise ValueError(f"exact_match is {right}")
    target = str(sample["target"])
    kept = sample["filtered_resps"]
    prediction = str(kept[0] if isinstance(kept, list) and kept else kept)
    item = Item(
        identity, {"target": target}, {"text": str(arguments[0][0]), "target": target}, target, {"parent": identity}
    )
    stats = {"exact_match_strict": right, "correct": right}
    return item, outcome(item, prediction=prediction, response={"generated": text}, stats=stats)
