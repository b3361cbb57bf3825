"""Multiple choice: which of several answers is the likeliest after the question."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.digests import fraction
from harness.core.errors import DataError
from harness.core.evaluation import EvaluationContext, Item, ItemMeasure
from harness.core.examples import PromptTarget
from harness.core.model import ModelFacts
from harness.core.records import Record, Records
from harness.core.requests import Continuations, Failure, PseudoLikelihood, Request, Response
from harness.evaluations.chat_options import NO_CHAT_LIKELIHOODS, Asked, ChatOptions, turns_of
from harness.evaluations.columns import text_of
from harness.evaluations.item_measures import MARGIN_OF_CORRECT
from harness.evaluations.prompts.prompt_template import ColumnTemplate
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens, whole_likelihood
from harness.evaluations.row_task import PARENT, RowTask, texts_in
from harness.metrics.capability.choice_accuracy import best_choices, choice_statistics

CONTINUATIONS, PSEUDO, CHAT = "continuations", "pseudo_likelihood_choice", "chat_continuations"
_LETTERS = "ABCDEFGHIJ"
_DIGITS = 9
AnswerReading = Literal["text", "letter", "index"]
"""What names the correct choice: its text, its letter, or its index from 0."""


class MultipleChoiceOptions(ChatOptions):
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
    answer_is: AnswerReading | None = Field(
        None,
        description="What `answer` holds: the `letter`, the `index` from 0, or the `text` of the correct choice. "
        "Found from the whole column; needed where several fit.",
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

    def __init__(self, name: str, options: MultipleChoiceOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self._readings: dict[str, AnswerReading] = {}
        template = None if options.messages is not None else options.prompt
        self.asked = Asked(options, template, f"{self.role} {self.name!r}")

    def spec(self) -> Mapping[str, Any]:
        """As of every task; `chat` came later and counts only where it is set."""
        made = super().spec()
        options = {name: value for name, value in made["options"].items() if name != "chat" or value}
        return {**made, "options": options}

    def check_data(self, data: Sequence[Dataset]) -> None:
        """As of every task; conversations are checked as they are read."""
        (dataset,) = data
        if self.asked.columns(dataset) is None:
            super().check_data(data)
        else:
            for column in self.columns():
                dataset.require(column)

    def remarks(self, data: Sequence[Dataset], split: str) -> Sequence[str]:
        """The shape of the conversations, where they are some."""
        shape = self.asked.shape(data[0])
        return [] if shape is None else [f"Conversations are read in the shape of {shape}."]

    def columns(self) -> Sequence[str]:
        choices = self.options.choices
        return [*([choices] if isinstance(choices, str) else choices), self.options.answer]

    @property
    def prompt(self) -> str | None:
        return None if self.options.messages is not None else self.options.prompt

    def answer_columns(self) -> Sequence[str]:
        return [self.options.answer]

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        choices, answer = self._cells(dataset, row)
        reading = self._reading(dataset)
        right = _PLACES[reading](answer, choices)
        if right is None or len(choices) < 2:
            raise DataError(
                f"{dataset.place(row)}: the answer {answer[:40]!r} is not one of the "
                f"{len(choices)} choices (it is read as {_NAMES[reading]}, as in most rows).",
                hint="use the letter of a choice (A, B, …), its index from 0, or its text, and the same in all rows; "
                "`answer_is` says which.",
            )
        question, _ = self.asked.payload(dataset, row)
        yield Item(
            id=row.id,
            payload={**question, "choices": choices, "right": right},
            texts={"text": question["prompt"], "choices": "\n".join(choices)},
            target=choices[right],
            clusters={PARENT: row.cluster},
            slices=row.slices,
        )

    def _cells(self, dataset: Dataset, row: Row) -> tuple[list[str], str]:
        """The choices and the cell that names the correct one."""
        named = self.options.choices
        if isinstance(named, str):
            choices = texts_in(dataset, row, named, "list")
        else:
            choices = [text_of(dataset, row, column) for column in named]
        return choices, text_of(dataset, row, self.options.answer)

    def _reading(self, dataset: Dataset) -> AnswerReading:
        """What the answer column holds: decided once for all rows, of all splits."""
        if self.options.answer_is is not None:
            return self.options.answer_is
        if dataset.fingerprint not in self._readings:
            rows = [row for split in dataset.rows.values() for row in split]
            self._readings[dataset.fingerprint] = _column_reading(
                [self._cells(dataset, row) for row in rows], dataset.name, self.options.answer
            )
        return self._readings[dataset.fingerprint]

    def examples(self, dataset: Dataset, split: str) -> list[PromptTarget]:
        """Each question with its right choice, for training."""
        return [self._example(item) for item in self.every_item([dataset], split)]

    def _example(self, item: Item) -> PromptTarget:
        right = str(item.payload["choices"][item.payload["right"]])
        if self.options.chat:
            return PromptTarget(right, messages=turns_of(item.payload), form=self.asked.form(item.payload))
        return PromptTarget(target=" " + right, prompt=item.payload["prompt"])

    def protocol(self, facts: ModelFacts) -> str | None:
        if self.options.chat:
            if facts.language_model is None and Continuations.kind in facts.supports:
                return CONTINUATIONS  # a rule that reads no prompt
            asked = facts.language_model == "causal" and facts.chat_likelihoods and self.asked.can_chat(facts)
            return CHAT if asked else None
        if Continuations.kind in facts.supports or facts.language_model == "causal":
            return CONTINUATIONS
        return PSEUDO if facts.language_model == "masked" else None

    def unsupported(self, facts: ModelFacts) -> str:
        if self.options.chat and not facts.chat_likelihoods:
            return NO_CHAT_LIKELIHOODS
        if self.options.chat and facts.language_model == "causal":
            return "it has no chat template, and the task requires one (`chat: true`)"
        return f"it provides no text likelihoods (it is of the kind {facts.family})"

    def answer_warnings(self, records: Records) -> list[str]:
        """How many questions have no single best choice, and what becomes of them."""
        tied = sum(map(bool, records.texts("tied")))
        if not tied:
            return list(super().answer_warnings(records))
        rule = "each of the best choices has its share of the point, and a hash of the item chooses the one shown"
        return [*super().answer_warnings(records), f"{tied} of {len(records)} questions have tied choices: {rule}."]

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        prompt = item.payload["prompt"]
        if protocol == CHAT:
            form, choices = self.asked.form(item.payload), tuple(item.payload["choices"])
            alone = (("user", self.options.unconditional),)
            return [
                Continuations("", choices, messages=turns_of(item.payload), form=form),
                Continuations("", choices, messages=alone, form=replace(form, tools="")),
            ]
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
    totals = []
    for response in responses:
        likelihood = whole_likelihood(response)
        if isinstance(likelihood, Failure):
            return likelihood
        totals.append(likelihood.total)
    return tuple(totals)


def _letter_place(answer: str, choices: Sequence[str]) -> int | None:
    text = answer.strip().upper()
    return _within(_LETTERS.find(text) if len(text) == 1 else -1, choices)


def _index_place(answer: str, choices: Sequence[str]) -> int | None:
    text = answer.strip()
    return _within(int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else -1, choices)


def _text_place(answer: str, choices: Sequence[str]) -> int | None:
    return choices.index(answer) if answer in choices else None


def _within(place: int, choices: Sequence[str]) -> int | None:
    return place if 0 <= place < len(choices) else None


_PLACES: Mapping[AnswerReading, Callable[[str, Sequence[str]], int | None]] = {
    "text": _text_place,
    "letter": _letter_place,
    "index": _index_place,
}
_NAMES: Mapping[AnswerReading, str] = {"text": "a text", "letter": "a letter", "index": "an index from 0"}


def _column_reading(cells: Sequence[tuple[Sequence[str], str]], data: str, column: str) -> AnswerReading:
    """The reading under which every answer is one of its choices.

    Where none fits every row, that which fits most, so that the row that does not fit is named.

    Raises:
        DataError: when several readings fit every row and point to other choices.
    """
    places = {reading: [place(answer, choices) for choices, answer in cells] for reading, place in _PLACES.items()}
    fitting = [reading for reading, columns in places.items() if None not in columns]
    if not fitting:
        return max(places, key=lambda reading: sum(place is not None for place in places[reading]))
    first = fitting[0]
    for other in fitting[1:]:
        for number, (choices, answer) in enumerate(cells):
            one_place, other_place = places[first][number], places[other][number]
            if one_place != other_place and one_place is not None and other_place is not None:
                raise DataError(
                    f"data {data!r}: the column {column!r} can be read as {_NAMES[first]} ({answer!r} is "
                    f"{choices[one_place][:40]!r}) or as {_NAMES[other]} "
                    f"({answer!r} is {choices[other_place][:40]!r}).",
                    hint=f"set `answer_is: {first}` or `answer_is: {other}` in the task.",
                )
    return first
