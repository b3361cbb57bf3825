"""Next-sentence prediction: does the second piece of text follow the first in its document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.digests import digest, fraction
from harness.core.evaluation import Item, ItemMeasure
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Failure, NextSentence, Request, Response
from harness.evaluations.columns import text_of
from harness.evaluations.item_measures import MARGIN_OF_CORRECT
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens
from harness.evaluations.row_task import PARENT, RowOptions, RowTask

HEAD = "next_sentence_head"
FOLLOWS, RANDOM = "follows", "random"
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_SHORTEST = 20


class NextSentenceOptions(RowOptions):
    """The YAML of a next-sentence task."""

    text: str = Field("text", description="Column with texts of several sentences.")


class NextSentenceTask(RowTask[NextSentenceOptions]):
    """One pair a document: half of them real neighbors, half with a sentence of another document."""

    Options: ClassVar[type[NextSentenceOptions]] = NextSentenceOptions
    kind: ClassVar[str] = "next_sentence_prediction"
    summary: ClassVar[str] = "Whether a model distinguishes the next sentence from a sentence of another document."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN_OF_CORRECT,)
    provides: ClassVar[tuple[str, ...]] = ("target", "prediction", "correct", "nll")
    default_metrics: tuple[str, ...] = ("accuracy", "nll")

    def columns(self) -> Sequence[str]:
        return [self.options.text]

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        raise NotImplementedError("pairs need the whole split")

    def every_item(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The pairs of a split. The stranger is the neighbor's counterpart in the document before, in hash order."""
        (dataset,) = data
        dataset.require(self.options.text)
        pairs = []
        for row in dataset.split(split):
            sentences = [
                text
                for text in _SENTENCE.split(text_of(dataset, row, self.options.text))
                if len(text.strip()) >= _SHORTEST
            ]
            if len(sentences) > 1:
                place = int(fraction(row.id) * (len(sentences) - 1))
                pairs.append((row, sentences[place], sentences[place + 1]))
        strangers = sorted(pairs, key=lambda pair: fraction(f"stranger {pair[0].id}"))
        before = {row.id: strangers[number - 1] for number, (row, _, _) in enumerate(strangers)}
        for row, first, second in pairs:
            other, _, stranger = before[row.id]
            follows = fraction(f"follows {row.id}") < 0.5 or other.cluster == row.cluster
            shown = second if follows else stranger
            yield Item(
                id=digest([row.id, first, shown]),
                payload={"first": first, "second": shown},
                texts={"text": first, "second": shown},
                target=FOLLOWS if follows else RANDOM,
                clusters={PARENT: row.cluster},
                slices=row.slices,
            )

    def protocol(self, facts: ModelFacts) -> str | None:
        return HEAD if NextSentence.kind in facts.supports else None

    def unsupported(self, facts: ModelFacts) -> str:
        return "it was not trained for next-sentence prediction"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        return [NextSentence(item.payload["first"], item.payload["second"])]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        values = scores(responses[0], 2)
        if isinstance(values, Failure):
            return failed(item, values, truncated=truncated)
        log_p = dict(zip((FOLLOWS, RANDOM), values, strict=True))
        prediction = FOLLOWS if log_p[FOLLOWS] >= log_p[RANDOM] else RANDOM
        other = RANDOM if item.target == FOLLOWS else FOLLOWS
        return outcome(
            item,
            prediction=prediction,
            margin=log_p[str(item.target)] - log_p[other],
            truncated=truncated,
            response={"log_p": log_p},
            stats={"correct": float(prediction == item.target), "nll": -log_p[str(item.target)]},
        )
