"""What lm-eval wrote with `--log_samples`: one line a document, read into items and records.

The log-likelihoods and texts are lm-eval's. Every figure that they settle is computed here by lm-eval's own rule (the
first of the best choices) and must agree with the logged one, else the task is refused with both values. A figure
that they do not settle is taken as given, and a note says so. A document that cannot be read is one failure.
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

from harness.core.digests import digest
from harness.core.errors import DataError, Where
from harness.core.evaluation import Item
from harness.core.records import Record
from harness.core.requests import Failure
from harness.core.storable import REPLACED, stored
from harness.evaluations.lm_eval.sample_choices import ChoiceSample, choice_records
from harness.evaluations.record_builders import failed, outcome
from harness.storage import plain_files
from harness.storage.text_decoding import decode

METRICS: Mapping[str, tuple[str, ...]] = {
    "continuations": ("acc", "acc_norm_chars", "acc_norm_bytes"),
    "target_likelihood": ("target_perplexity", "greedy_match"),
    "rolling_likelihood": ("bits_per_byte", "byte_perplexity", "word_perplexity"),
    "generation": ("exact_match_strict",),
}
"""Our metrics of what a log holds, by protocol; the first one leads."""

_NEEDED = ("doc", "doc_hash", "target", "arguments", "resps", "filtered_resps")
_TOLERANCE = 1e-6
_SHOWN = 3


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


@dataclass(frozen=True, slots=True)
class ReadSamples:
    """The documents of one log.

    Attributes:
        broken: id of a document whose line cannot be read → why.
        notes: what a reader of the figures must know.
    """

    answered: list[Answered]
    broken: dict[str, str]
    notes: tuple[str, ...]

    def complete(self, items: Mapping[str, Item]) -> list[Answered]:
        """The documents, with a failed record for each broken one that another model's log describes."""
        first = self.answered[0]
        made = [
            Answered(items[identity], failed(items[identity], Failure("error", reason)), first.protocol, "")
            for identity, reason in self.broken.items()
            if identity in items
        ]
        return [*self.answered, *made]


def metrics_of(answers: Sequence[Answered]) -> tuple[str, ...]:
    """Our metrics of a task's samples: those of its protocol whose statistics every read one has."""
    read = [answered.record.stats for answered in answers if answered.record.stats]
    chosen = (*METRICS[answers[0].protocol], "acc_mutual_info")
    if answers[0].protocol != "continuations":
        return METRICS[answers[0].protocol]
    return tuple(name for name in chosen if read and all(name in stats for stats in read))


def filters_of(path: Path) -> list[str]:
    """The filters of a log, in the order in which they occur.

    Raises:
        DataError: when the file cannot be read or holds no samples.
    """
    filters = dict.fromkeys(str(sample.get("filter", "none")) for _, sample, _ in _samples(path) if sample is not None)
    if not filters:
        read_samples(path)
    return list(filters)


def read_samples(path: Path, chosen: str | None = None, delimiter: str | None = None) -> ReadSamples:
    """The documents of one `samples_*.jsonl`.

    Args:
        chosen: which of the task's filters, where it has several; the first in the file when left out.
        delimiter: what the task puts between question and choice (`target_delimiter`); found when left out.

    Raises:
        DataError: for a file without a readable sample, and for figures that contradict each other, with both.
    """
    lines = [(number, sample, reason) for number, sample, reason in _samples(path)]
    wanted = chosen
    broken: dict[str, str] = {}
    lost = [f"{Where(path, number)}: {reason}" for number, sample, reason in lines if sample is None]
    kept: list[tuple[Where, dict[str, Any], str]] = []
    seen: Counter[str] = Counter()
    for number, sample, reason in lines:
        if sample is None:
            continue
        name = str(sample.get("filter", "none"))
        wanted = name if wanted is None else wanted
        if name != wanted:
            continue
        content = digest(str(sample.get("doc_hash", number)))
        seen[content] += 1
        identity = digest([content, seen[content]])[:20]
        if reason:
            broken[identity] = f"{Where(path, number)}: {reason}"
        else:
            kept.append((Where(path, number), sample, identity))
    if not lines:
        raise DataError("the file contains no samples.", where=Where(path), hint="log them with --log_samples.")
    if not kept and not broken and not lost:
        raise DataError(
            f"the file contains no samples of the filter {wanted!r}.", where=Where(path), hint="remove --filter."
        )
    answered, notes = _read(kept, broken, delimiter)
    if not answered:
        reasons = [*broken.values(), *lost]
        raise DataError(
            f"no sample can be read: {reasons[0].partition(': ')[2]}.",
            where=Where(path, lines[0][0]),
            notes=reasons[1:_SHOWN],
            hint="run lm-eval with `--log_samples` (0.4.5 or later), and check that the file is complete.",
        )
    return ReadSamples(answered, broken, (*_told(path, lost, broken, lines), *notes))


def _told(path: Path, lost: Sequence[str], broken: Mapping[str, str], lines: Sequence[Any]) -> list[str]:
    notes = []
    for reasons, what in ((lost, "lines are no samples and are left out"), (list(broken.values()), "samples fail")):
        if reasons:
            shown = "; ".join(reasons[:_SHOWN]) + ("; …" if len(reasons) > _SHOWN else "")
            notes.append(f"{len(reasons)} {what}: {shown}.")
    if any(sample is not None and "\ufffd" in str(sample) for _, sample, _ in lines):
        notes.append(f"{path.name}: texts held {REPLACED}.")
    return notes


def _samples(path: Path) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
    """Line number, sample, and what is wrong with it; no sample where the line holds none."""
    try:
        text = decode(plain_files.read_bytes(path), str(path)).text
    except OSError as error:
        raise DataError(f"cannot read the samples: {type(error).__name__}.", where=Where(path)) from error
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            sample = json.loads(line)
        except (ValueError, RecursionError):
            yield number, None, "the line is not JSON"
            continue
        if not isinstance(sample, dict):
            yield number, None, "the line is not an object"
            continue
        sample = stored(sample)
        missing = [key for key in _NEEDED if key not in sample]
        yield number, sample, f"{missing[0]!r} is missing" if missing else ""


def _read(
    kept: Sequence[tuple[Where, dict[str, Any], str]], broken: dict[str, str], delimiter: str | None
) -> tuple[list[Answered], list[str]]:
    """The documents of the kind that the first one has; others are broken."""
    answered: list[Answered] = []
    choices: list[tuple[ChoiceSample, str]] = []
    protocol: str | None = None
    for where, sample, identity in kept:
        try:
            arguments = _arguments(sample["arguments"])
            replies = [reply[0] if isinstance(reply, list) and reply else reply for reply in sample["resps"]]
            kind = _kind(sample, replies, where)
            if protocol is not None and kind != protocol:
                raise ValueError(f"it is of the kind {kind}, the others are {protocol}")
            prompt = digest([str(argument[0]) for argument in arguments])
            if kind == "continuations":
                values = [float(reply[0]) for reply in replies]
                choices.append((ChoiceSample.of(sample, identity, values, arguments, where), prompt))
            else:
                item, record = _READERS[kind](sample, identity, replies, arguments, where)
                answered.append(Answered(item, record, kind, prompt))
            protocol = kind
        except UnreadKindError:
            raise
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            broken[identity] = f"{where}: invalid sample: {error}"
    notes: list[str] = []
    if choices:
        made, failures, notes = choice_records([sample for sample, _ in choices], delimiter)
        broken.update(failures)
        prompts = {sample.identity: prompt for sample, prompt in choices}
        answered = [Answered(item, record, "continuations", prompts[item.id]) for item, record in made]
    if protocol == "generation":
        notes.append("exact_match is taken as lm-eval logged it: what it compares is set in the task file.")
    if protocol == "rolling_likelihood":
        notes.append("counts of words and bytes are taken as lm-eval logged them.")
    return answered, notes


def _kind(sample: Mapping[str, Any], replies: Sequence[Any], where: Where) -> str:
    if isinstance(sample.get("word_perplexity", sample.get("bits_per_byte")), list):
        return "rolling_likelihood"
    if isinstance(replies[0], list) and len(replies) > 1:
        return "continuations"
    if isinstance(replies[0], list) and "perplexity" in sample:
        return "target_likelihood"
    if isinstance(replies[0], str) and "exact_match" in sample:
        return "generation"
    if not isinstance(replies[0], str | list):
        raise ValueError(f"an answer is {replies[0]!r}")
    raise UnreadKindError(
        "only multiple choice, likelihoods of targets and documents, and exact match are supported.",
        where=where,
        hint="run the task with harness itself (`lm_eval`).",
    )


def _arguments(given: Any) -> list[list[Any]]:
    if isinstance(given, dict):
        return [[entry[key] for key in sorted(entry)] for entry in given.values()]
    return [list(entry) for entry in given]


def _agree(name: str, logged: Any, computed: float, where: Where) -> None:
    """Refuses a logged figure that its own answers contradict."""
    if abs(float(logged) - computed) > _TOLERANCE * max(1.0, abs(computed)):
        raise DataError(
            f"lm-eval logged {name} {float(logged):.6g}, and the logged answers give {computed:.6g}.",
            where=where,
            hint="the log was changed, or written by another version; run the task again.",
        )


def _target(
    sample: Mapping[str, Any], identity: str, replies: Sequence[Any], arguments: list[list[Any]], where: Where
) -> tuple[Item, Record]:
    reply = replies[0]
    value, context, target = float(reply[0]), str(arguments[0][0]), str(arguments[0][1])
    item = Item(identity, {"target": target}, {"text": context, "target": target}, target, {"parent": identity})
    if not math.isfinite(value):
        return item, failed(item, Failure("nan", f"the log-likelihood of the target is {value}"))
    greedy = {"True": 1.0, "False": 0.0}[str(reply[1])]
    _agree("perplexity (a log-likelihood)", sample["perplexity"], value, where)
    if "acc" in sample:
        _agree("acc", sample["acc"], greedy, where)
    stats = {"nll_target": -value, "targets": 1.0, "greedy_match": greedy}
    return item, outcome(item, response={"log_likelihood": value}, stats=stats)


def _rolling(
    sample: Mapping[str, Any], identity: str, replies: Sequence[Any], arguments: list[list[Any]], where: Where
) -> tuple[Item, Record]:
    text, value = str(arguments[0][0]), float(replies[0])
    item = Item(identity, {"text": text}, {"text": text}, clusters={"parent": identity})
    if not math.isfinite(value):
        return item, failed(item, Failure("nan", f"the log-likelihood of the document is {value}"))
    counts = {"bytes": float(len(text.encode())), "words": float(len(re.split(r"\s+", text)))}
    for name, unit in (("word_perplexity", "words"), ("byte_perplexity", "bytes"), ("bits_per_byte", "bytes")):
        logged = sample.get(name)
        if isinstance(logged, list):
            _agree(f"{name} (a log-likelihood)", logged[0], value, where)
            counts[unit] = float(logged[1])
    return item, outcome(item, response={"log_likelihood": value}, stats={"nll": -value, **counts})


def _generated(
    sample: Mapping[str, Any], identity: str, replies: Sequence[Any], arguments: list[list[Any]], where: Where
) -> tuple[Item, Record]:
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
    return item, outcome(item, prediction=prediction, response={"generated": replies[0]}, stats=stats)


_READERS = {"target_likelihood": _target, "rolling_likelihood": _rolling, "generation": _generated}
