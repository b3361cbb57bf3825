"""How labels are written, compared and ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any


def label_text(value: Any) -> str:
    """The text that stands for a value: whole numbers alike, whatever type holds them."""
    if isinstance(value, Real) and not isinstance(value, float) and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def as_text(value: Any) -> str:
    """The text of a scalar: truth values as in JSON, whole floats without their `.0`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _same_labels(what: str, given: Mapping[str, Any] | None, labels: Sequence[str]) -> None:
    if given is not None and set(given) != set(labels):
        raise ValueError(f"`{what}` has {sorted(given)}, expected exactly the labels {sorted(labels)}")
