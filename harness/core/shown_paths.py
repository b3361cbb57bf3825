"""What a copy in the store is called in messages: by the folder that a person named, and no other is known to them."""

from __future__ import annotations

from pathlib import Path

_ORIGINALS: dict[str, str] = {}


def show_as(copy: Path, original: Path) -> None:
    """From now on, messages of this process name `original` where they would name `copy`."""
    _ORIGINALS[str(copy)] = shown(str(original))


def shown(text: str) -> str:
    """A message with the paths that people know."""
    for copy, original in _ORIGINALS.items():
        text = text.replace(copy, original)
    return text
