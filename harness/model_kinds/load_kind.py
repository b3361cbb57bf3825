"""A checkpoint that exists already."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.schema.suite.types import Strict


class LoadModel(Strict):
    """A checkpoint that exists already: a folder, a GGUF file, a hub id, or `catalog:NAME`."""

    load: str = Field(description="Folder or GGUF file (relative to the suite file), hub id, or `catalog:NAME`.")
    revision: str | None = Field(None, description="Full commit hash; needed for a hub id.")
    file: str | None = Field(None, description="For a hub id: the one GGUF file to use.")
    adapter: str | None = Field(None, description="A peft adapter on it: folder, or hub id.")
    quantize: Literal["4bit", "8bit"] | None = Field(
        None, description="Hold the weights of its base in 4 or 8 bits, by bitsandbytes (extra `quantize`)."
    )
