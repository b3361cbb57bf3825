"""Multiple choice: which of several answers is the likeliest after the question."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.digests import fraction
from harness.core.errors import DataError
from harness.core.evaluation import Item, ItemMeasure
from harness.core.examples import PromptTarget
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Continuations, Failure, PseudoLikelihood, Request, Response
from harness.evaluations.columns import text_of
from harness.evaluations.item_measures import MARGIN_OF_CORRECT
from harness.evaluations.prompt_template import ColumnTemplate
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens, whole_likelihood
from harness.evaluations.row_task import PARENT, RowOptions, RowTask, fill, texts_in
from harness.metrics.capability.choice_accuracy import best_choices, choice_statistics

CONTINUATIONS, PSEUDO = "continuations", "pseudo_likelihood_choice"
_LETTERS = "ABCDEFGHIJ"


class MultipleChoiceOptions(RowOptions):
    """The YAML of a multiple-choice task."""

    prompt: ColumnTemplate = Field(
        "Question: {question}\nAnswer:", description="Prompt before each choice: a template with {column} placeholders."
    )
    unconditional: str = Field(
        "Answer:", description="Prompt for the unconditional likelihood of a choice, which is subtracted."
    )
    choices: list[str] | str = Field("choices", description="Columns with the choices, or one column with a JSON list.")
    answer: str = Field(
        "answer", description="Column with the correct choice: its letter, its index from 0, or its text."
    )


class MultipleChoice(RowTask[MultipleChoiceOptions]):
    """Compares the likelihood of the choices; see `metrics.choices` for the normalizations."""

    Options: ClassVar[type[MultipleChoiceOptions]] = MultipleChoiceOptions
    kind: ClassVar[str] = "multiple_choice"
    summary: ClassVar[str] = "Multiple choice: which of the given answers is most likely under the model."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN_OF_CORRECT,)
    provides: ClassVar[tuple[str, ...]] = (
        *("acc", "acc_norm_chars", "acc_norm_bytes", "acc_mutual_info", "correct", "target", "prediction"),
    )
    default_metrics: tuple[str, ...] = ("acc", "acc_norm_chars", "acc_norm_bytes", "acc_mutual_info")

    def columns(self) -> Sequence[str]:
        choices = self.options.choices
        return [*([choices] if isinstance(choices, str) else choices), self.options.answer]

    @property
    def prompt(self) -> str | None:
        return self.options.prompt

    def answer_columns(self) -> Sequence[str]:
        return [self.options.answer]

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        named = self.options.choices
        if isinstance(named, str):
            choices = texts_in(dataset, row, named)
        else:
            choices = [text_of(dataset, row, column) for column in named]
        answer = text_of(dataset, row, self.options.answer)
        right = _place(answer, choices)
        if right is None or len(choices) < 2:
            raise DataError(
                f"data {dataset.name!r}, row {row.id}: the answer {answer[:40]!r} is not one of the {len(choices)} "
                f"choices.",
                hint="use the letter of a choice (A, B, …), its index from 0, or its text.",
            )
        prompt = fill(self.options.prompt, dataset, row)
        yield Item(
            id=row.id,
            payload={"prompt": prompt, "choices": choices, "right": right},
            texts={"text": prompt, "choices": "\n".join(choices)},
            target=choices[right],
            clusters={PARENT: row.cluster},
            slices=row.slices,
        )

    def examples(self, dataset: Dataset, split: str) -> list[PromptTarget]:
        """Each question with its right choice, for training."""
        return [
            PromptTarget(target=" " + item.payload["choices"][item.payload["right"]], prompt=item.payload["prompt"])
            for item in self.every_item([dataset], split)
        ]

    def protocol(self, facts: ModelFacts) -> str | None:
        if Continuations.kind in facts.supports or facts.language_model == "causal":
            return CONTINUATIONS
        return PSEUDO if facts.language_model == "masked" else None

    def unsupported(self, facts: ModelFacts) -> str:
        return f"it provides no text likelihoods (it is of the kind {facts.family})"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        prompt = item.payload["prompt"]
        options = tuple(f" {choice}" for choice in item.payload["choices"])
        if protocol == PSEUDO:
            return [PseudoLikelihood(prompt + option) for option in options]
        return [Continuations(prompt, options), Continuations(self.options.unconditional, options)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        choices, right = item.payload["choices"], item.payload["right"]
        alone: tuple[float, ...] | None = None
        if protocol == PSEUDO:
            values = _likelihoods(responses)
        else:
            values = scores(responses[0], len(choices))
            without = scores(responses[1], len(choices))
            alone = None if isinstance(without, Failure) or -math.inf in without else without
        if isinstance(values, Failure):
            return failed(item, values, truncated=truncated)
        if -math.inf in values:
            return failed(item, Failure("nan", "a choice has the likelihood zero"), truncated=truncated)
        best = best_choices(values)
        chosen = min(best, key=lambda place: fraction(f"{item.id}\n{choices[place]}"))
        return outcome(
            item,
            prediction=choices[chosen],
            margin=values[right] - max(value for place, value in enumerate(values) if place != right),
            tied=len(best) > 1,
            truncated=truncated,
            response={"log_likelihoods": list(values)},
            stats={**choice_statistics(values, choices, right, alone), "correct": float(chosen == right)},
        )


def _likelihoods(responses: Sequence[Response]) -> tuple[float, ...] | Failure:
    found = []
    for response in responses:
        likelihood = whole_likelihood(response)
        if isinstance(likelihood, Failure):
            return likelihood
        found.append(likelihood.total)
    return tuple(found)


def _place(answer: str, choices: Sequence[str]) -> int | None:
    """The place of the right choice. A text that is itself a choice counts as that, before letters and numbers."""
    if answer in choices:
        return choices.index(answer)
    text = answer.strip().upper()
    place = _LETTERS.find(text) if len(text) == 1 else -1
    if place < 0 and text.isdecimal():
        place = int(text)
    return place if 0 <= place < len(choices) else None
