"""Which of several sentences is the right one, by likelihood: grammar, word meaning, common facts.

The sentences differ in little, so a model that learned only to read text can be asked, with no head and no prompt.
Causal models give the likelihood of each sentence, masked models its pseudo-likelihood; the two are different
protocols.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.digests import fraction
from harness.core.errors import DataError
from harness.core.evaluation import Item, ItemMeasure
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Failure, MaskedScorer, PseudoLikelihood, Request, Response, RollingLikelihood
from harness.evaluations.columns import text_of
from harness.evaluations.item_measures import MARGIN_OF_CORRECT
from harness.evaluations.record_builders import failed, outcome, truncated_tokens, whole_likelihood
from harness.evaluations.row_task import PARENT, CellReading, RowOptions, RowTask, texts_in
from harness.metrics.capability.choice_accuracy import best_choices, choice_statistics

CAUSAL = "ll"
SCORER: MaskedScorer = "pll_word_l2r"


class SentenceChoiceOptions(RowOptions):
    """The YAML of a sentence-choice task."""

    correct: str = Field("right", description="Column with the correct sentence.")
    incorrect: str = Field("wrong", description="Column with the incorrect sentence, or a JSON list of them.")
    incorrect_is: CellReading | None = Field(
        None,
        description="What a cell of `incorrect` is: one `text`, or a JSON `list` of sentences. Needed where a file's "
        "cells can be read both ways.",
    )


class SentenceChoice(RowTask[SentenceChoiceOptions]):
    """Compares the likelihood of whole sentences."""

    Options: ClassVar[type[SentenceChoiceOptions]] = SentenceChoiceOptions
    kind: ClassVar[str] = "sentence_choice"
    summary: ClassVar[str] = (
        "Whether the correct sentence is more likely than the incorrect ones (grammar, meaning, facts)."
    )
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN_OF_CORRECT,)
    provides: ClassVar[tuple[str, ...]] = ("acc", "acc_norm_chars", "acc_norm_bytes", "correct", "target", "prediction")
    default_metrics: tuple[str, ...] = ("acc", "acc_norm_chars")

    def columns(self) -> Sequence[str]:
        return [self.options.correct, self.options.incorrect]

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        right = text_of(dataset, row, self.options.correct, empty=False)
        wrong = texts_in(dataset, row, self.options.incorrect, self.options.incorrect_is, "incorrect_is")
        if not wrong or right in wrong:
            raise DataError(
                f"{dataset.place(row)}: expected wrong sentences that differ from the right one.",
                hint=f"write them into the column {self.options.incorrect!r}.",
            )
        yield Item(
            id=row.id,
            payload={"right": right, "wrong": wrong},
            texts={"text": right, "wrong": "\n".join(wrong)},
            target=right,
            clusters={PARENT: row.cluster},
            slices=row.slices,
        )

    def protocol(self, facts: ModelFacts) -> str | None:
        return {"causal": CAUSAL, "masked": SCORER}.get(facts.language_model or "")

    def unsupported(self, facts: ModelFacts) -> str:
        return f"it provides no text likelihoods (it is of the kind {facts.family})"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        sentences = [item.payload["right"], *item.payload["wrong"]]
        if protocol == CAUSAL:
            return [RollingLikelihood(text) for text in sentences]
        return [PseudoLikelihood(text, SCORER) for text in sentences]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        values = []
        for response in responses:
            likelihood = whole_likelihood(response)
            if isinstance(likelihood, Failure):
                return failed(item, likelihood, truncated=truncated)
            values.append(likelihood.total)
        sentences = [item.payload["right"], *item.payload["wrong"]]
        best = best_choices(values)
        chosen = min(best, key=lambda place: fraction(f"{item.id}\n{sentences[place]}"))
        return outcome(
            item,
            prediction=sentences[chosen],
            margin=values[0] - max(values[1:]),
            tied=len(best) > 1,
            truncated=truncated,
            response={"log_likelihoods": values},
            stats={**choice_statistics(values, sentences, 0), "correct": float(chosen == 0)},
        )
