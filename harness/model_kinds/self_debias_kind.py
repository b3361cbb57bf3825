"""A model that is debiased while it decodes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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


class SelfDebiasModel(Strict):
    self_debias: SelfDebiasSpec
