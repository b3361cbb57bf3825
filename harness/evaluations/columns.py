"""Reading a row's columns as text, with errors that name the row."""

from __future__ import annotations

import json
import math

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError


def text_of(data: Dataset, row: Row, column: str, *, empty: bool = True) -> str:
    """The text in a column.

    Args:
        empty: whether a text without any visible character is allowed.

    Raises:
        DataError: when the cell is missing (or empty, where that is not allowed).
    """
    value = row.fields.get(column)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise DataError(
            f"{data.place(row)}: missing value in the column {column!r}.",
            hint="fill it in or remove the row.",
        )
    text = str(value)
    if not empty and not text.strip():
        raise DataError(f"{data.place(row)}: the column {column!r} is empty.", hint="fill it in or remove the row.")
    return text


def pieces_of(data: Dataset, row: Row, column: str, separator: str, *, empty: bool = True) -> list[str]:
    """The parts of a cell: a list in the file, else a text with separators.

    In data of the catalog any column may hold lists, so a text that only begins like one is split as a text.

    Raises:
        DataError: as `text_of` does.
    """
    cell = text_of(data, row, column, empty=empty)
    if column in data.facts.get("lists", ()) and cell.startswith("["):
        try:
            return [str(piece) for piece in json.loads(cell)]
        except ValueError:
            pass
    return cell.split(separator)


def joined_slices(row: Row, *more: str) -> tuple[str, ...]:
    """The row's slices and further ones, each once."""
    return tuple(dict.fromkeys([*row.slices, *more]))
