"""A base model that is shown examples in its prompt."""

from __future__ import annotations

from pydantic import Field

from harness.schema.suite.types import Count, Strict


class PromptModel(Strict):
    prompt: PromptSpec


class PromptSpec(Strict):
    """A base asked behind worked examples of a task's training split; nothing is trained."""

    from_: str = Field(alias="from", description="The model that is asked.")
    task: str = Field(description="The task whose training examples are shown.")
    num_fewshot: int = Field(8, ge=0, le=256, description="How many worked examples stand before every question.")
    separator: str = Field("\n\n", min_length=1, description="What stands after each of them.")
    max_train_rows: Count | None = Field(None, description="Choose among this many training rows (chosen by hash).")
    seed: int | None = None
