"""A model that is debiased while it decodes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from harness.core.model_kind import CheckpointFormat, ModelKind
from harness.schema.suite.types import Strict


class SelfDebiasSpec(Strict):
    """A language model that damps what it would write of an unwanted kind (Schick et al. 2021)."""

    from_: str = Field(alias="from", description="Language model to debias.")
    prefixes: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=lambda: ["The following text discriminates against people because of their gender:\n"],
        min_length=1,
        max_length=8,
        description="Prefixes that describe an unwanted kind of text; each adds one forward pass per token.",
    )
    decay: float = Field(
        50.0, ge=0, le=1000, description="Strength with which tokens favored by a description are suppressed."
    )
    seed: int | None = None


class SelfDebiasKind(ModelKind[SelfDebiasSpec]):
    """`self_debias`: other token probabilities while decoding."""

    name = "self_debias"
    Options = SelfDebiasSpec
    goal = "not trained here"
    summary = "A language model that downweights tokens made likelier by a description of unwanted text."
    train = "harness.training.stages.self_debias_stage:self_debias"
    key_name = "selfdebias"
    formats = (
        CheckpointFormat(
            "self_debiased",
            opener="harness.models.derived.self_debias_backend:open_self_debiased",
            files=("self_debias.json",),
            stands_on_parent=True,
        ),
    )

    def label(self, options: SelfDebiasSpec) -> str:
        """Whom it asks."""
        return f"{options.from_}, self-debiased at decoding"

    def refuses_child(self, options: SelfDebiasSpec, child: ModelKind[Any]) -> str | None:
        """It has no weights of its own."""
        return "a self-debiased model"
