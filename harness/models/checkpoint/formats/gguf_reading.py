"""Reads a GGUF file once where transformers reads it once for each of configuration, tokenizer and weights.

Parsing the vocabulary takes most of the time of a conversion, and the map of the tensors' names is built
again for each part of a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@contextmanager
def read_once() -> Iterator[None]:
    """Files that are opened by `gguf.GGUFReader` in the block are parsed once; they must not change in it."""
    import gguf

    reader, names = gguf.GGUFReader, gguf.get_tensor_name_map
    opened = cache(reader)

    def one(path: str | Path) -> gguf.GGUFReader:
        return opened(str(path))

    gguf.GGUFReader, gguf.get_tensor_name_map = one, cache(names)
    try:
        yield
    finally:
        gguf.GGUFReader, gguf.get_tensor_name_map = reader, names
