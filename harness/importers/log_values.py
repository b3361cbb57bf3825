"""Values of foreign JSON, read with care."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, Where
from harness.core.storable import stored
from harness.data.read_rows import content_of
from harness.importers.imported_log import LoggedAnswer
from harness.storage import plain_files

_SHOWN = 5


def json_file(path: Path, tool: str) -> Any:
    """The JSON value of a file, gzipped or not, in any encoding of Unicode, with texts that can be stored.

    Raises:
        DataError: when it cannot be read or is not JSON.
    """
    content = content_of(path)
    try:
        return stored(plain_files.parse_json(content))
    except ValueError as error:
        raise DataError(f"expected a log of {tool} in JSON: {error}.", where=Where(path)) from error


def json_or_nothing(path: Path) -> Any:
    """The JSON value of a file; None of anything else, and of a folder with several files."""
    try:
        return json_file(log_file(path, ""), "")
    except DataError:
        return None


def log_file(path: Path, tool: str) -> Path:
    """The log: a file, or the only one of a folder.

    Raises:
        DataError: when a folder holds none, or several, which are named.
    """
    if not path.is_dir():
        return path
    files = sorted([*path.glob("*.json"), *path.glob("*.json.gz")])
    if len(files) == 1:
        return files[0]
    raise DataError(
        f"expected one log of {tool} (.json) in the folder, found {len(files)}.",
        where=Where(path),
        notes=[file.name for file in files[-_SHOWN:]],
        hint=f"name the file: {files[-1]}" if files else "pass the file.",
    )


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


def count(value: Any) -> int | None:
    """A whole number from 0 on; else None."""
    figure = None if isinstance(value, bool) else number(value)
    return int(figure) if figure is not None and figure >= 0 and figure == int(figure) else None


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; nothing of anything else."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def within_rounding(total: float, own: float, *, digits: int) -> float:
    """`own` where a tool's total is its rounding to so many digits; else the total, which then contradicts it."""
    return own if abs(total - own) <= 0.5 * 10**-digits + 1e-12 else total


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


def numbered_repeats(answers: Iterable[LoggedAnswer]) -> tuple[LoggedAnswer, ...]:
    """The answers with `epoch` as the how-manieth answer to its item each one is, from 1."""
    before: dict[str, int] = {}
    numbered = []
    for answer in answers:
        before[answer.id] = before.get(answer.id, 0) + 1
        numbered.append(replace(answer, epoch=before[answer.id]))
    return tuple(numbered)
