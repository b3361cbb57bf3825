"""A base model that is shown examples in its prompt."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from harness.core.model_kind import CheckpointFormat, ModelKind, TrainingNeed
from harness.schema.suite.types import Count, Strict


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


class PromptKind(ModelKind[PromptSpec]):
    """`prompt`: few-shot prompting."""

    name = "prompt"
    Options = PromptSpec
    goal = "not trained here"
    summary = "A base model prompted with worked examples of a task."
    train = "harness.training.stages.few_shot_stage:make_prompt"
    audited = False
    formats = (
        CheckpointFormat(
            "prompted",
            opener="harness.models.derived.few_shot_backend:open_prompted",
            files=("prompt.json",),
            stands_on_parent=True,
        ),
    )

    def label(self, options: PromptSpec) -> str:
        """Whom it asks, and behind how many examples."""
        return f"{options.from_} behind {options.num_fewshot} worked examples of {options.task}"

    def learns_from(self, options: PromptSpec) -> TrainingNeed:
        """What a prompt can show."""
        return TrainingNeed.DEMONSTRATIONS

    def refuses_child(self, options: PromptSpec, child: ModelKind[Any]) -> str | None:
        """It has no weights of its own."""
        return "a few-shot model"
