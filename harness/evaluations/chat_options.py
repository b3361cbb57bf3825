"""What tasks take that ask through a chat template: conversations, a system message, tools, template variables."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, field_validator, model_validator

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.core.model import ModelFacts
from harness.core.requests import ChatForm, Messages
from harness.evaluations.conversation_columns import (
    ConversationColumns,
    answer_text,
    conversation_columns,
    refuse_slots,
    shape_of,
    split_answer,
    tools_in,
)
from harness.evaluations.prompts.prompt_template import ColumnTemplate, slots
from harness.evaluations.row_task import RowOptions, fill
from harness.text.conversations import PLAIN_TEMPLATE, transcript

NO_CHAT_LIKELIHOODS = "a server does not say how likely an answer is after messages; ask it without `chat: true`"
"""Why choices and targets are not asked for in a chat."""
_ROLE_AND_TEXT = 2
_OWN = frozenset({"messages", "conversation", "tools", "chat_template", "tokenize", "add_generation_prompt"})


class ChatOptions(RowOptions):
    """What tasks take that can ask through a chat template."""

    chat: bool = Field(False, description="Apply the model's chat template; models without one are skipped.")
    messages: str | None = Field(
        None,
        description="Column with a conversation, in place of `prompt`; or `auto`, to recognize the data's shape.",
    )
    system: ColumnTemplate | None = Field(
        None, description="System message of conversations without one: a template with {column} placeholders."
    )
    tools: str | list[dict[str, Any]] | None = Field(
        None, description="Tools for the chat template: a column with a JSON list, or the list itself."
    )
    template_variables: dict[str, bool | int | float | str] | None = Field(
        None, description="Variables of the chat template, such as {enable_thinking: false} or a date."
    )
    default_template: str | None = Field(
        None, description="Chat template of models without one: `plain`, or the Jinja text."
    )

    @field_validator("template_variables")
    @classmethod
    def _free(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        taken = sorted(_OWN & set(value or ()))
        if taken:
            raise ValueError(f"{taken[0]!r} is given to every template; it cannot be a variable")
        return value

    @model_validator(mode="after")
    def _asked_by_chat(self) -> ChatOptions:
        given = [
            name
            for name in ("messages", "system", "tools", "template_variables", "default_template")
            if getattr(self, name) is not None
        ]
        if given and not self.chat:
            raise ValueError(f"`{given[0]}` goes through the chat template; set `chat: true`")
        if self.messages is not None and "prompt" in self.model_fields_set:
            raise ValueError("`messages` replaces `prompt`; give only one of them")
        return self


class Asked:
    """How one task asks by messages: from the options, once the data is known.

    Args:
        options: of the task; `prompt` is its template.
        task: names it in messages (`task 'qa'`).
    """

    def __init__(self, options: ChatOptions, prompt: str | None, task: str) -> None:
        self._options = options
        self._prompt = prompt
        self._task = task

    def columns(self, dataset: Dataset) -> ConversationColumns | None:
        """The columns of conversations; None where a template is asked.

        A template that is nothing but the slot of such a column is that column.

        Raises:
            DataError: where the template would write a conversation as JSON, or a column is missing.
            SuiteError: where no shape is recognized.
        """
        if self._options.messages is not None:
            return conversation_columns(dataset, self._options.messages, self._task)
        names = slots(self._prompt) if self._prompt is not None else []
        shapes = dataset.facts.get("conversations", {})
        if self._options.chat and len(names) == 1 and names[0] in shapes and self._prompt == f"{{{names[0]}}}":
            return ConversationColumns((names[0],))
        refuse_slots(names, dataset, self._task)
        return None

    def shape(self, dataset: Dataset) -> str | None:
        """How conversations are read, in a few words; None where a template is asked."""
        columns = self.columns(dataset)
        return None if columns is None else shape_of(dataset, columns)

    def payload(self, dataset: Dataset, row: Row) -> tuple[dict[str, Any], str | None]:
        """What an item keeps of its question (`prompt`, `messages`, `tools`), and the answer that its data has.

        `called` says that the answer is a tool call: JSON, and no text that the template writes.

        Raises:
            DataError: for cells that cannot be read.
        """
        options, columns = self._options, self.columns(dataset)
        answer: str | None = None
        called: dict[str, Any] = {}
        if columns is None:
            assert self._prompt is not None
            prompt = fill(self._prompt, dataset, row)
            turns: Messages = (("user", prompt),)
        else:
            turns, last = split_answer(columns.turns(dataset, row))
            answer = None if last is None else answer_text(last)
            called = {"called": True} if last is not None and not last[1] else {}
            if not turns:
                raise DataError(
                    f"{dataset.place(row)}: the conversation has no message before the answer.",
                    hint="remove the row.",
                )
        if options.system is not None and turns[0][0] not in ("system", "developer"):
            turns = (("system", fill(options.system, dataset, row)), *turns)
        prompt = transcript(turns)
        tools = tools_in(dataset, row, options.tools)
        plain = len(turns) == 1 and turns[0][0] == "user" and len(turns[0]) == _ROLE_AND_TEXT
        question = {
            "prompt": prompt,
            **({} if plain else {"messages": [list(turn) for turn in turns]}),
            **({"tools": tools} if tools else {}),
            **called,
        }
        return question, answer

    def can_chat(self, facts: ModelFacts) -> bool:
        """Whether a model can be asked by messages: by its own chat template, or by the one for models without."""
        given = self._options.default_template is not None and facts.language_model == "causal"
        return facts.chat or given

    def form(self, payload: Any) -> ChatForm:
        """What the chat template is given beside the messages of an item."""
        options = self._options
        variables = options.template_variables
        template = {None: "", "plain": PLAIN_TEMPLATE}.get(options.default_template, options.default_template or "")
        return ChatForm(
            tools=str(payload.get("tools", "")),
            variables=json.dumps(variables, sort_keys=True) if variables else "",
            default_template=template,
        )


def turns_of(payload: Any) -> Messages:
    """The messages that an item is asked by."""
    if "messages" in payload:
        return tuple(tuple(turn) for turn in payload["messages"])
    return (("user", str(payload["prompt"])),)
