"""Asks other models of the suite about the texts that one model wrote, and adds what they say to its records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.errors import IncompleteError, SuiteError
from harness.core.evaluation import Evaluation, Item
from harness.core.model import Model
from harness.core.records import Records
from harness.core.requests import Failure, Request, Response
from harness.evaluations.graders.grader import Reading


def readings_of(evaluation: Evaluation) -> Sequence[Reading]:
    """What an evaluation wants to hear of other models; most want nothing."""
    return evaluation.readings


def read_texts(records: Records, items: Mapping[str, Item], reading: Reading, model: Model, title: str) -> Records:
    """The records with the reading's statistics; items without a text get none.

    Raises:
        SuiteError: when the model cannot be asked this.
        IncompleteError: when requests are `unavailable`: asking again may answer them.
    """
    facts = model.facts
    why_not = reading.unsupported(facts)
    if why_not is not None:
        raise SuiteError(f"{title}: {reading.model!r} cannot grade texts: {why_not}.", hint="choose a different model.")
    texts = [text if ok else None for text, ok in zip(records.texts(reading.source), records.ok, strict=True)]
    asked: list[tuple[Request, ...]] = [
        () if text is None else tuple(reading.requests(items[item], text, facts))
        for item, text in zip(records.item_ids, texts, strict=True)
    ]
    answers: dict[Request, Response] = {}
    for request, response in model.answer(dict.fromkeys(request for requests in asked for request in requests)):
        if isinstance(response, Failure) and response.reason == "unavailable":
            raise IncompleteError(
                f"{title}: {reading.model} returned no answer: {response.message}.",
                hint="rerun to resume; received answers are kept, and only the missing ones are requested.",
            )
        answers[request] = response
    stats: list[Mapping[str, float]] = []
    shown: list[Mapping[str, Any]] = []
    for item, text, requests in zip(records.item_ids, texts, asked, strict=True):
        missing = Failure("error", "the model returned no answer to this request")
        responses = [answers.get(request, missing) for request in requests]
        graded = ({}, {}) if text is None else reading.read(items[item], text, responses)
        stats.append(graded[0])
        shown.append(graded[1])
    return records.with_stats(stats, [json.dumps(text_shown) if text_shown else None for text_shown in shown])
