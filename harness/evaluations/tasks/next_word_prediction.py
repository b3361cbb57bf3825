"""Next word: is the likeliest word the real one, by how frequent the word is in the training text.

Masked models see both sides of the gap, causal models only what stands before, so the two are not comparable. A
causal model writes on greedily, so that a word of several tokens counts as a whole. A gap of a masked model holds one
token: a word that its vocabulary holds only in pieces is left out of the figure for that model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.digests import digest, fraction
from harness.core.evaluation import Item
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Cloze, Completions, Failure, Generate, Generated, Request, Response, TopCompletions
from harness.evaluations.columns import joined_slices, text_of
from harness.evaluations.prompts.label_prompt import GAP
from harness.evaluations.record_builders import failed, outcome
from harness.evaluations.row_task import PARENT, RowOptions, RowTask
from harness.text.chunking import pieces

MASKED, CAUSAL = "gap", "next_word"
BANDS = ((100, "1-100"), (1000, "101-1000"), (10_000, "1001-10000"))
RARE = "rarer"
_WORD = re.compile(r"[^\W\d_]+")
_BEFORE = 4
_LONGEST = 12
"""Tokens that a causal model may write: enough for a word in pieces and what ends it."""


class NextWordOptions(RowOptions):
    """The YAML of a next-word task."""

    text: str = Field("text", description="Column with the text.")
    window: int = Field(24, ge=8, le=512, description="Words per chunk; the model predicts one word of each.")


class NextWord(RowTask[NextWordOptions]):
    """One word a piece of text, chosen by hash; slices `frequency=…` by rank in the training split."""

    Options: ClassVar[type[NextWordOptions]] = NextWordOptions
    kind: ClassVar[str] = "next_word_prediction"
    summary: ClassVar[str] = "How often the most likely next word is correct, for frequent and rare words."
    provides: ClassVar[tuple[str, ...]] = ("correct", "target", "prediction")
    default_metrics: tuple[str, ...] = ("next_word_accuracy",)
    format: ClassVar[int] = 2

    def columns(self) -> Sequence[str]:
        return [self.options.text]

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        yield from self._of_row(dataset, row, {})

    def every_item(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        (dataset,) = data
        dataset.require(self.options.text)
        ranks = _ranks(dataset, self.options.text, "train" if dataset.rows.get("train") else split)
        for row in dataset.split(split):
            yield from self._of_row(dataset, row, ranks)

    def _of_row(self, dataset: Dataset, row: Row, ranks: dict[str, int]) -> Iterator[Item]:
        for number, piece in enumerate(pieces(text_of(dataset, row, self.options.text), self.options.window)):
            words = list(_WORD.finditer(piece))[_BEFORE:]
            if not words:
                continue
            key = digest([row.id, number, piece])
            word = words[int(fraction(key) * len(words))]
            before, after = piece[: word.start()].rstrip().replace(GAP, ""), piece[word.end() :].replace(GAP, "")
            if not before or piece[word.start() - 1] != " ":
                continue
            yield Item(
                id=key,
                payload={"before": before, "after": after, "word": word.group()},
                texts={"text": f"{before} ___{after}"},
                target=word.group(),
                clusters={PARENT: row.cluster},
                slices=joined_slices(row, f"frequency={band(ranks.get(word.group().lower()))}"),
            )

    def protocol(self, facts: ModelFacts) -> str | None:
        if facts.language_model == "causal" and Generate.kind in facts.supports:
            return CAUSAL
        masked = facts.language_model == "masked" and {TopCompletions.kind, Cloze.kind} <= facts.supports
        return MASKED if masked else None

    def unsupported(self, facts: ModelFacts) -> str:
        return f"it neither continues a text nor fills a gap (it is of the kind {facts.family})"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        before, after = item.payload["before"], item.payload["after"]
        if protocol == CAUSAL:
            return [Generate(before, max_tokens=_LONGEST)]
        text = f"{before} {GAP}{after}"
        return [TopCompletions(text, 1), Cloze(text, ((item.payload["word"],),))]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        if protocol == CAUSAL:
            return self._written(item, responses[0])
        response, fits = responses
        if not isinstance(response, Completions) or not response.tokens:
            return failed(item, _fault(response))
        word = response.tokens[0].strip()
        stats = {"correct": float(word.lower() == str(item.target).lower())}
        if isinstance(fits, Failure) and fits.reason == "no_token":
            stats = {}
        elif isinstance(fits, Failure):
            return failed(item, fits)
        shown = {"tokens": list(response.tokens), "scores": list(response.scores), "one_token": bool(stats)}
        return outcome(item, prediction=word, response=shown, stats=stats)

    def _written(self, item: Item, response: Response) -> Record:
        if not isinstance(response, Generated):
            return failed(item, _fault(response))
        match = _WORD.match(response.text.lstrip())
        # A word that goes on to the last token may not be whole.
        whole = match is not None and (match.end() < len(response.text.lstrip()) or response.finish != "length")
        word = match.group() if match is not None and whole else ""
        return outcome(
            item,
            prediction=word,
            response={"text": response.text, "finish": response.finish},
            stats={"correct": float(word.lower() == str(item.target).lower())},
            truncated=response.truncated,
        )


def _fault(response: Response) -> Failure:
    return response if isinstance(response, Failure) else Failure("error", f"no completion: {response!r}")


def band(rank: int | None) -> str:
    """The frequency band of a word by its rank (1 is the most frequent); None: it does not occur."""
    for limit, name in BANDS:
        if rank is not None and rank <= limit:
            return name
    return RARE


def _ranks(dataset: Dataset, column: str, split: str) -> dict[str, int]:
    counts = Counter(word.lower() for text in dataset.texts(split, column) for word in _WORD.findall(text))
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: place for place, word in enumerate(ordered, 1)}
