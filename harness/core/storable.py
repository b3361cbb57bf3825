"""Texts that files can hold: halves of surrogate pairs, which JSON can spell and UTF-8 cannot, are put right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")
REPLACED = "half of a surrogate pair (a character that was cut in two); the half was replaced by U+FFFD"


def has_halves(text: str) -> bool:
    """Whether a text holds halves of surrogate pairs."""
    return not text.isascii() and _HALF.search(text) is not None


def replaced_note(cells: int) -> str:
    """How many cells were changed, in a sentence."""
    return f"{cells} {'cell' if cells == 1 else 'cells'} held {REPLACED}"


def storable(text: str) -> str:
    """The text with both halves of a surrogate pair joined, and a half that stands alone replaced by U+FFFD."""
    return text if not has_halves(text) else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def holds_halves(value: Any) -> bool:
    """Whether a text of a JSON value holds halves of surrogate pairs."""
    if isinstance(value, str):
        return has_halves(value)
    if isinstance(value, Mapping):
        return any(has_halves(key) or holds_halves(item) for key, item in value.items())
    return isinstance(value, list) and any(map(holds_halves, value))


def stored(value: Any) -> Any:
    """A JSON value whose texts can be stored."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [stored(item) for item in value]
    if isinstance(value, Mapping):
        return {stored(key): stored(item) for key, item in value.items()}
    return value
