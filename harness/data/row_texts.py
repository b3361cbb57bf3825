"""What of a row is text that can be found again in other rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

_WORDS = 3
"""Shorter fields beside `text` are labels and names: every row with the same label would be found."""


def row_texts(fields: Mapping[str, Any], *, without: Collection[str] = ()) -> Iterator[str]:
    """The texts of a row, whatever their column; lists of words as one text, nested values one by one.

    Args:
        without: columns that hold no text, such as labels.
    """
    for column, value in fields.items():
        if column not in without:
            yield from _texts(value, column == "text")


def _texts(value: Any, whole: bool) -> Iterator[str]:
    if isinstance(value, str):
        if whole or len(value.split()) >= _WORDS:
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part, whole=False)
    elif isinstance(value, list | tuple):
        if value and all(isinstance(word, str) and len(word.split()) == 1 for word in value):
            yield from _texts(" ".join(value), whole)
        else:
            for part in value:
                yield from _texts(part, whole=False)
