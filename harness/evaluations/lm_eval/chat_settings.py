"""How lm-eval's tasks are asked through a chat template, in lm-eval's own way."""

from __future__ import annotations

import json

from pydantic import Field, model_validator

from harness.core.requests import ChatForm
from harness.schema.suite.evaluation_options import EvaluationOptions

CHAT_FIELDS = {"chat", "multiturn", "system", "template_variables", "think_end_token"}
"""The fields of `LmEvalChatOptions`, which are part of a task's identity where they are set."""


class LmEvalChatOptions(EvaluationOptions):
    """What both kinds of lm-eval tasks take."""

    chat: bool = Field(
        False,
        description="Apply the model's chat template, as `--apply_chat_template`; models without one are skipped.",
    )
    multiturn: bool = Field(
        True, description="With `chat`: examples as turns of their own; otherwise all stand in one message."
    )
    system: str | None = Field(None, description="Text before the task's description, as `--system_instruction`.")
    template_variables: dict[str, bool | int | float | str] | None = Field(
        None, description="Variables of the chat template, such as {enable_thinking: false}."
    )
    think_end_token: str | None = Field(
        None,
        description="Text that ends a thought, as lm-eval's argument of that name: the answer follows the last one.",
    )

    @model_validator(mode="after")
    def _asked_by_chat(self) -> LmEvalChatOptions:
        given = [name for name in ("multiturn", "template_variables") if name in self.model_fields_set]
        if given and not self.chat:
            raise ValueError(f"`{given[0]}` goes through the chat template; set `chat: true`")
        return self

    @property
    def form(self) -> ChatForm:
        """What the chat template is given; its text is a text like any other."""
        variables = self.template_variables
        return ChatForm(variables=json.dumps(variables, sort_keys=True) if variables else "", as_text=True)

    def answer(self, written: str) -> str:
        """What lm-eval takes for the answer: all behind the last end of a thought; without one the whole text."""
        return written.split(self.think_end_token)[-1].lstrip() if self.think_end_token else written
