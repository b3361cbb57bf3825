"""Values of foreign JSON, read with care."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, Where
from harness.core.storable import stored
from harness.storage import plain_files


def json_file(path: Path, tool: str) -> Any:
    """The JSON value of a file, with texts that can be stored.

    Raises:
        DataError: when it cannot be read or is not JSON.
    """
    try:
        return stored(plain_files.read_json(path))
    except OSError as error:
        raise DataError(f"cannot read the log: {error.strerror}.", where=Where(path)) from error
    except ValueError as error:
        raise DataError(f"expected a log of {tool} in JSON: {error}.", where=Where(path)) from error


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def number(value: Any) -> float | None:
    """A finite number, or a truth value as 0 or 1; else None."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        try:
            return float(value) if math.isfinite(value) else None
        except OverflowError:
            return None
    return None


def text(value: Any) -> str:
    """A text; of a list of messages or parts, their texts in lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, (text(part) for part in value)))
    if isinstance(value, Mapping):
        return text(value.get("content", value.get("text", "")))
    return "" if value is None else str(value)


def texts(value: Any) -> tuple[str, ...]:
    """Right answers: one, or several in a list."""
    if value is None or value == "":
        return ()
    return tuple(text(part) for part in value) if isinstance(value, list) else (text(value),)
