"""What lm-eval wrote with `--log_samples`: one line a document, read into items and records.

The log-likelihoods and texts are lm-eval's. Every figure that they settle is computed here by lm-eval's own rule (the
first of the best choices) and must agree with the logged one, else the task is refused with both values. A figure
that they do not settle is taken as given, under a name that says so (`as_logged[…]`). A document that cannot be read is
one failure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digests import digest
from harness.core.errors import DataError, Where
from harness.core.evaluation import Item
from harness.core.requests import Failure
from harness.core.storable import REPLACED, stored
from harness.data.parsers.json_documents import unique_pairs
from harness.evaluations.answers.answered_item import Answered
from harness.evaluations.lm_eval.logged_figures import Ours, ReadDocuments, Sample, with_given
from harness.evaluations.lm_eval.logged_task import UNKNOWN, LoggedTask
from harness.evaluations.lm_eval.sample_choices import choice_records
from harness.evaluations.lm_eval.sample_likelihoods import document_records, target_records
from harness.evaluations.lm_eval.sample_texts import written_records
from harness.evaluations.record_builders import failed
from harness.metrics.build_metrics import factory
from harness.storage import plain_files
from harness.storage.text_decoding import Decoded, decode

METRICS: Mapping[str, tuple[str, ...]] = {
    "continuations": ("acc", "acc_norm_chars", "acc_norm_bytes", "acc_mutual_info"),
    "target_likelihood": ("target_perplexity", "greedy_match"),
    "rolling_likelihood": ("bits_per_byte", "byte_perplexity", "word_perplexity"),
    "generation": (),
}
"""Our metrics of what a log holds, by protocol, where it does not name them; the first one leads."""

_NEEDED = ("doc", "doc_hash", "target", "arguments", "resps", "filtered_resps")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ReadSamples:
    """The documents of one log.

    Attributes:
        broken: id of a document whose line cannot be read → why.
        notes: what a reader of the figures must know.
        settled: lm-eval's figure → ours; None for one that is no metric here.
    """

    answered: list[Answered]
    broken: dict[str, str]
    notes: tuple[str, ...]
    settled: Mapping[str, Ours | None]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Our metrics of these documents, lm-eval's own figures first."""
        named = [ours.metric for ours in self.settled.values() if ours is not None]
        rows = [answered.record.stats for answered in self.answered if answered.record.stats]
        usual = [
            name
            for name in METRICS[self.answered[0].protocol]
            if rows and all(need in stats for stats in rows for need in factory(name).needs)
        ]
        return tuple(dict.fromkeys([*usual, *named]))

    def complete(self, items: Mapping[str, Item]) -> list[Answered]:
        """The documents, with a failed record for each broken one that another model's log describes."""
        first = self.answered[0]
        made = [
            Answered(items[identity], failed(items[identity], Failure("error", reason)), first.protocol, "")
            for identity, reason in self.broken.items()
            if identity in items
        ]
        return [*self.answered, *made]


def filters_of(path: Path) -> list[str]:
    """The filters of a log, in the order in which they occur.

    Raises:
        DataError: when the file cannot be read or holds no samples.
    """
    samples = _samples(_decoded(path).text)
    filters = dict.fromkeys(str(sample.get("filter", "none")) for _, sample, _ in samples if sample is not None)
    if not filters:
        read_samples(path)
    return list(filters)


def read_samples(path: Path, chosen: str | None = None, task: LoggedTask = UNKNOWN) -> ReadSamples:
    """The documents of one `samples_*.jsonl`.

    Args:
        chosen: which of the task's filters, where it has several; the first in the file when left out.
        task: what the results file beside the log says of the task.

    Raises:
        DataError: for a file without a readable sample, and for figures that contradict each other, with both.
    """
    decoded = _decoded(path)
    lines = list(_samples(decoded.text))
    wanted = chosen
    broken: dict[str, str] = {}
    lost = [f"{Where(path, number)}: {reason}" for number, sample, reason in lines if sample is None]
    kept: list[Sample] = []
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
            continue
        try:
            kept.append(_sample(sample, identity, Where(path, number)))
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            broken[identity] = f"{Where(path, number)}: invalid sample: {error}"
    if not lines:
        raise DataError("the file contains no samples.", where=Where(path), hint="log them with --log_samples.")
    if not kept and not broken and not lost:
        raise DataError(
            f"the file contains no samples of the filter {wanted!r}.", where=Where(path), hint="remove --filter."
        )
    answered, read = _read(kept, broken, task)
    if not answered:
        reasons = [*broken.values(), *lost]
        raise DataError(
            f"no sample can be read: {reasons[0].partition(': ')[2]}.",
            where=Where(path, lines[0][0]),
            notes=reasons[1:_SHOWN],
            hint="run lm-eval with `--log_samples` (0.4.5 or later), and check that the file is complete.",
        )
    told = _told(path, lost, broken, lines)
    if decoded.guessed:
        told.append(f"{path.name}: read as {decoded.encoding}, guessed from the bytes; lm-eval writes UTF-8.")
    return ReadSamples(answered, broken, (*told, *read.notes), read.settled)


def _told(path: Path, lost: Sequence[str], broken: Mapping[str, str], lines: Sequence[Any]) -> list[str]:
    notes = []
    for reasons, what in ((lost, "lines are no samples and are left out"), (list(broken.values()), "samples fail")):
        if reasons:
            shown = "; ".join(reasons[:_SHOWN]) + ("; …" if len(reasons) > _SHOWN else "")
            notes.append(f"{len(reasons)} {what}: {shown}.")
    if any(sample is not None and "\ufffd" in str(sample) for _, sample, _ in lines):
        notes.append(f"{path.name}: texts held {REPLACED}.")
    return notes


def _decoded(path: Path) -> Decoded:
    try:
        return decode(plain_files.read_bytes(path), str(path))
    except OSError as error:
        raise DataError(f"cannot read the samples: {type(error).__name__}.", where=Where(path)) from error


def _samples(text: str) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
    """Line number, sample, and what is wrong with it; no sample where the line holds none."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            # As in data files, a key that occurs twice has two readings; unlike there, NaN is a figure that failed.
            sample = json.loads(line, object_pairs_hook=unique_pairs)
        except json.JSONDecodeError:
            yield number, None, "the line is not JSON"
            continue
        except ValueError as error:
            yield number, None, str(error)
            continue
        except RecursionError:
            yield number, None, "the line is nested too deeply"
            continue
        if not isinstance(sample, dict):
            yield number, None, "the line is not an object"
            continue
        sample = stored(sample)
        missing = [key for key in _NEEDED if key not in sample]
        yield number, sample, f"{missing[0]!r} is missing" if missing else ""


def _sample(raw: dict[str, Any], identity: str, where: Where) -> Sample:
    replies = [reply[0] if isinstance(reply, list) and reply else reply for reply in raw["resps"]]
    sample = Sample(identity, where, raw, replies, _arguments(raw["arguments"]))
    if len(sample.arguments) != len(replies) or not all(sample.arguments):
        raise ValueError(f"{len(replies)} answers to {sum(map(bool, sample.arguments))} questions")
    _kind(sample)
    return sample


def _read(samples: Sequence[Sample], broken: dict[str, str], task: LoggedTask) -> tuple[list[Answered], ReadDocuments]:
    """The documents of the kind that the first one has; others are broken, and so are those without a figure."""
    if not samples:
        return [], ReadDocuments()
    protocol = _kind(samples[0])
    counted = Counter(name for sample in samples for name in sample.figures if sample.raw[name] is not None)
    usual = [name for name, count in counted.items() if 2 * count > len(samples)]
    kept: list[Sample] = []
    for sample in samples:
        kind, missing = _kind(sample), [name for name in usual if sample.raw.get(name) is None]
        if kind != protocol:
            broken[sample.identity] = f"{sample.where}: it is of the kind {kind}, the others are {protocol}"
        elif missing:
            broken[sample.identity] = f"{sample.where}: {missing[0]!r} is missing"
        else:
            kept.append(sample)
    read = _READERS[protocol](kept, task)
    with_given(read, kept, task)
    broken.update(read.failures)
    prompts = {sample.identity: digest([str(argument[0]) for argument in sample.arguments]) for sample in kept}
    return [Answered(item, record, protocol, prompts[item.id]) for item, record in read.made], read


def _kind(sample: Sample) -> str:
    """How a document was asked about, by its requests and answers."""
    answer = sample.replies[0]
    if len(sample.arguments[0]) == 1:
        return "rolling_likelihood"
    if isinstance(answer, str):
        return "generation"
    if not isinstance(answer, list):
        raise ValueError(f"an answer is {answer!r}")
    likelihood = len(sample.replies) == 1 and not {"acc_norm", "acc_bytes"} & sample.raw.keys()
    return "target_likelihood" if likelihood else "continuations"


def _arguments(given: Any) -> list[list[Any]]:
    if isinstance(given, dict):
        return [[entry[key] for key in sorted(entry)] for entry in given.values()]
    return [list(entry) for entry in given]


_READERS = {
    "continuations": choice_records,
    "target_likelihood": target_records,
    "rolling_likelihood": document_records,
    "generation": written_records,
}
