"""Asks one model everything that one evaluation wants to know, and makes records of the answers."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.core.errors import IncompleteError
from harness.core.evaluation import Evaluation, Item
from harness.core.metric_structure import SCORING_ABSOLUTE, SCORING_RELATIVE
from harness.core.model import Model
from harness.core.records import FAILED, OK, Record, Records, RecordsHead
from harness.core.reporter import Reporter, Task
from harness.core.requests import Continuations, Failure, Generate, Request, Response
from harness.evaluations.probe_guards import Frames
from harness.pipeline.records.held_items import SHARD, HeldItems
from harness.pipeline.records.protocol_facts import protocol_facts

_WINDOW_ENDS = (10, 20, 50, 100, 200, *range(500, SHARD, 500))


def ask(
    evaluation: Evaluation, items: Sequence[Item], model: Model, protocol: str, *, reporter: Reporter, title: str
) -> Records:
    """The records of one model on the items, whatever order it answers in.

    Items go through in the order of their ids, by which limits choose, in shards, so that requests and answers in
    memory stay bounded, and in windows that end where people set limits: with `--limit 50`, the answers that are asked
    for are the first ones of the whole, and known to it. A request that the model cannot answer makes its item
    `failed`; it never becomes a number.

    Raises:
        IncompleteError: when requests are `unavailable`: asking again may answer them.
    """
    facts = model.facts
    unanswered: list[Failure] = []
    frames = Frames(evaluation)
    held = items if isinstance(items, HeldItems) else HeldItems(items)
    messages = held.first is not None and _by_messages(evaluation.requests(held.first, protocol))
    known = {
        "asked": protocol_facts(evaluation, protocol, facts, messages=messages),
        "family": facts.family,
        "tokenizer": facts.tokenizer_digest,
        "bos": facts.bos,
        "chat_template": facts.chat_template,
        "messages": messages,
        "dtype": facts.dtype,
        "device": facts.device,
        "max_length": facts.max_length,
        "tolerance": [SCORING_ABSOLUTE, SCORING_RELATIVE],
    }
    with reporter.task(title, total=len(held), unit="items") as task:
        records = Records.of(
            RecordsHead(evaluation.name, facts.digest, protocol, facts=known),
            frames.guarded(
                record
                for shard in held.shards()
                for record in _shard(evaluation, shard, model, protocol, Noted(task, unanswered, frames))
            ),
        )
    if unanswered:
        raise IncompleteError(
            f"{title}: {len(unanswered)} requests returned no answer; the last one: {unanswered[-1].message}.",
            hint="rerun to resume; received answers are kept, and only the missing ones are requested.",
        )
    return records


def _by_messages(requests: Sequence[Request]) -> bool:
    """Whether an evaluation asks through the chat template."""
    return any(isinstance(request, Generate | Continuations) and request.messages for request in requests)


@dataclasses.dataclass(frozen=True, slots=True)
class Noted:
    """What is noted while items are asked: progress, requests without an answer, what was read of each item."""

    task: Task
    unanswered: list[Failure]
    frames: Frames


def _shard(
    evaluation: Evaluation, items: Sequence[Item], model: Model, protocol: str, noted: Noted
) -> Iterator[Record]:
    wanted = [tuple(evaluation.requests(item, protocol)) for item in items]
    answers: dict[Request, Response] = {}
    ends = [end for end in _WINDOW_ENDS if end < len(items)]
    for start, end in pairwise([0, *ends, len(items)]):
        window = dict.fromkeys(request for requests in wanted[start:end] for request in requests)
        distinct = [request for request in window if request not in answers]
        noted.task.advance(0 if distinct else end - start)
        for request, response in model.answer(distinct):
            answers[request] = response
            if isinstance(response, Failure) and response.reason == "unavailable":
                noted.unanswered.append(response)
            noted.task.advance((end - start) / len(distinct))
    for item, requests in zip(items, wanted, strict=True):
        responses = [
            answers.get(request, Failure("error", "the model returned no answer to this request"))
            for request in requests
        ]
        noted.frames.add(item, responses)
        yield _checked(evaluation.record(item, protocol, responses))


def _checked(record: Record) -> Record:
    """A record whose numbers are not finite is a failed one: NaN never passes for an answer."""
    if record.status != OK or all(math.isfinite(value) for value in record.stats.values()):
        return record
    failure = {"failure": "nan", "message": "a statistic is not finite"}
    margin = record.margin if record.margin is not None and math.isfinite(record.margin) else None
    return dataclasses.replace(record, status=FAILED, prediction=None, response=failure, margin=margin, stats={})


_LASTING = ("unsupported", "no_token")


def unable(records: Records) -> str | None:
    """Why a model cannot do an evaluation at all: every item failed for one and the same lasting reason; else None.

    Lasting are what the model does not support, and words that are no tokens of it (those of a gap).
    """
    responses = [json.loads(entry) for entry in records.texts("response")]
    said = {(response.get("failure"), response.get("message")) for response in responses}
    return str(responses[0]["message"]) if len(said) == 1 and responses[0].get("failure") in _LASTING else None
