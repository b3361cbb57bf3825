"""Tasks with a prompt and a reference text for each row: what is asked, what is right, what training sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.core.evaluation import EvaluationContext, Item
from harness.core.examples import PromptTarget
from harness.evaluations.chat_options import Asked, ChatOptions, turns_of
from harness.evaluations.prompts.prompt_template import ColumnTemplate
from harness.evaluations.row_task import PARENT, CellReading, RowTask, texts_in


class ReferenceOptions(ChatOptions):
    """What tasks with a prompt and a reference text take."""

    prompt: ColumnTemplate = Field("{text}", description="Prompt: a template with {column} placeholders.")
    target: str = Field("target", description="Column with the reference text, or a JSON list of accepted texts.")
    target_is: CellReading | None = Field(
        None,
        description="What a cell of `target` is: one `text`, or a JSON `list` of accepted texts. Needed where a file's "
        "cells can be read both ways.",
    )


ReferenceOptionsT = TypeVar("ReferenceOptionsT", bound=ReferenceOptions)


class ReferenceTask(RowTask[ReferenceOptionsT]):
    """A task with a prompt and accepted texts.

    `separator` stands between prompt and target, and belongs to the target.
    """

    separator: ClassVar[str] = " "
    needs_target: ClassVar[bool] = True
    needs_reference: ClassVar[bool] = True
    """Whether a row without any reference is a fault of the data."""

    def __init__(self, name: str, options: ReferenceOptionsT, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        template = None if options.messages is not None else options.prompt
        self.asked = Asked(options, template, f"{self.role} {name!r}")

    def columns(self) -> Sequence[str]:
        return self.answer_columns()

    @property
    def prompt(self) -> str | None:
        return None if self.options.messages is not None else self.options.prompt

    def check_data(self, data: Sequence[Dataset]) -> None:
        """As of every task; a conversation may hold its answer, and then needs no column for it."""
        (dataset,) = data
        if self.asked.columns(dataset) is None:
            super().check_data(data)
            return
        for column in self.columns():
            if column != self.options.target or not self._answers_itself(dataset, ""):
                dataset.require(column)
        if isinstance(self.options.tools, str):
            dataset.require(self.options.tools)

    def _answers_itself(self, dataset: Dataset, answer: str | None) -> bool:
        """Whether the last turn of a conversation, its `answer`, is what is right, and no column."""
        columns = self.asked.columns(dataset)
        if columns is None:
            return False
        target = self.options.target
        if target in columns.columns:
            return True
        return "target" not in self.options.model_fields_set and (answer is not None or target not in dataset.columns)

    def remarks(self, data: Sequence[Dataset], split: str) -> Sequence[str]:
        """The shape of the conversations, where they are some."""
        shape = self.asked.shape(data[0])
        return [] if shape is None else [f"Conversations are read in the shape of {shape}."]

    def answer_columns(self) -> Sequence[str]:
        return [self.options.target] if self.needs_target else []

    def references(self, dataset: Dataset, row: Row) -> list[str]:
        """The accepted texts of a row, best first.

        Raises:
            DataError: for a row without one, where the task's figures compare with it.
        """
        if not self.needs_target:
            return []
        texts = texts_in(dataset, row, self.options.target, self.options.target_is, "target_is")
        if self.needs_reference and not texts:
            raise DataError(
                f"{dataset.place(row)}: the reference in the column {self.options.target!r} is empty.",
                hint="fill it in or remove the row.",
            )
        return texts

    def extra(self, dataset: Dataset, row: Row) -> dict[str, Any]:
        """What `measure` needs besides the references; becomes part of the payload."""
        return {}

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        question, answer = self.asked.payload(dataset, row)
        references = self._accepted(dataset, row, answer)
        first = references[0] if references else None
        yield Item(
            id=row.id,
            payload={**question, "references": references, **self.extra(dataset, row)},
            texts={"text": question["prompt"], **({"reference": first} if first is not None else {})},
            target=first,
            clusters={PARENT: row.cluster},
            slices=row.slices,
        )

    def accepted(self, dataset: Dataset, row: Row) -> list[str]:
        """The accepted texts of a row, from its column or from the end of its conversation.

        Raises:
            DataError: as `references`.
        """
        answer = None if self.asked.columns(dataset) is None else self.asked.payload(dataset, row)[1]
        return self._accepted(dataset, row, answer)

    def _accepted(self, dataset: Dataset, row: Row, answer: str | None) -> list[str]:
        if self.needs_target and self._answers_itself(dataset, answer):
            return self._own_answer(dataset, row, answer)
        return self.references(dataset, row)

    def _own_answer(self, dataset: Dataset, row: Row, answer: str | None) -> list[str]:
        """The answer that a conversation ends with.

        Raises:
            DataError: for a row without one, where the task's figures compare with it.
        """
        if answer is None and (self.needs_reference or "target" in self.options.model_fields_set):
            columns = self.asked.columns(dataset)
            named = ", ".join(columns.columns if columns is not None else ())
            raise DataError(
                f"{dataset.place(row)}: the conversation in {named} does not end with an assistant's message.",
                hint="remove the row, or name the column with the answer under `target`.",
            )
        return [] if answer is None else [answer]

    def examples(self, dataset: Dataset, split: str) -> list[PromptTarget]:
        """Each prompt with its first reference, for training; items without one are left out.

        Of a conversation every answer of the assistant is learned; one that ends with a tool call is left out.
        """
        made = []
        for item in self.every_item([dataset], split):
            if item.payload["references"] and not item.payload.get("called"):
                prompt, target = item.payload["prompt"], item.payload["references"][0]
                if self.options.chat:
                    turns = turns_of(item.payload)
                    several = any(turn[0] == "assistant" for turn in turns)
                    form = self.asked.form(item.payload)
                    made.append(PromptTarget(target=target, messages=turns, form=form, every_answer=several))
                else:
                    made.append(PromptTarget(target=self.separator + target, prompt=prompt))
        return made
