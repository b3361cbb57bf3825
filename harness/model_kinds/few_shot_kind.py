"""A base model that is shown examples in its prompt."""

from __future__ import annotations

from pydantic import Field

from harness.schema.suite.types import Count, Strict


class PromptModel(Strict):
    prompt: PromptSpec


class PromptSpec(Strict):
    """A base asked behind worked examples of a task's training split; nothing is trained."""

    from_: str = Field(alias="from", description="Model to prompt.")
    task: str = Field(description="Task that supplies the training examples.")
    num_fewshot: int = Field(8, ge=0, le=256, description="Number of worked examples before every question.")
    separator: str = Field("\n\n", min_length=1, description="Text after each example.")
    max_train_rows: Count | None = Field(
        None, description="Choose examples from this many training rows (chosen by hash)."
    )
    seed: int | None = None
