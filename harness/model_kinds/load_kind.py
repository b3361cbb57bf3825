"""A checkpoint that exists already."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.schema.suite.types import Strict


class LoadModel(Strict):
    """A checkpoint that exists already: a folder, a GGUF file, a hub id, or `catalog:NAME`."""

    load: str = Field(description="Folder or GGUF file (relative to the suite file), hub id, or `catalog:NAME`.")
    revision: str | None = Field(None, description="Full commit hash; required for a hub id.")
    file: str | None = Field(None, description="GGUF file to use from a hub id.")
    adapter: str | None = Field(None, description="A peft adapter for this base: folder or hub id.")
    quantize: Literal["4bit", "8bit"] | None = Field(
        None, description="Quantize the weights of the base to 4 or 8 bits with bitsandbytes (extra `quantize`)."
    )
