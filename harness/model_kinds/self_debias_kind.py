"""A model that is debiased while it decodes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.schema.suite.types import Strict


class SelfDebiasSpec(Strict):
    """A language model that damps what it would write of an unwanted kind (Schick et al. 2021)."""

    from_: str = Field(alias="from", description="The language model that is asked.")
    prefixes: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=lambda: ["The following text discriminates against people because of their gender:\n"],
        min_length=1,
        max_length=8,
        description="What is put before a text to describe an unwanted kind; each costs one more reading.",
    )
    decay: float = Field(50.0, ge=0, le=1000, description="How strongly tokens that a description favors are damped.")
    seed: int | None = None


class SelfDebiasModel(Strict):
    self_debias: SelfDebiasSpec
