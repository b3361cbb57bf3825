"""What all parsers share: the raw row and the reading of UTF-8."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, overload

from harness.core.errors import DataError, Where
from harness.storage.text_decoding import decode


@dataclass(frozen=True, slots=True)
class Raw:
    """One row as read: the parser's columns and the line (or row number) it stands on, from 1."""

    line: int
    fields: Mapping[str, Any]


class RawRows(Sequence[Raw]):
    """Rows as read, kept as columns: a row is made when it is looked at.

    Args:
        lines: of the rows.
        columns: their column → its cells; `ABSENT` where a row has no such cell.
    """

    def __init__(self, lines: Sequence[int], columns: Mapping[str, Sequence[Any]]) -> None:
        self.lines = lines
        self.columns = columns

    @classmethod
    def of(cls, rows: Iterable[Raw]) -> RawRows:
        """Columns of rows, which are read one by one; short texts that occur again are held once."""
        if isinstance(rows, RawRows):
            return rows
        lines: array[int] = array("q")
        columns: dict[str, list[Any]] = {}
        short: dict[str, str] = {}
        for count, row in enumerate(rows):
            lines.append(row.line)
            for name, cell in row.fields.items():
                if name not in columns:
                    columns[name] = [ABSENT] * count
                if type(cell) is str and len(cell) <= _SHORT and len(short) < _MOST_SHORT:
                    cell = short.setdefault(cell, cell)
                columns[name].append(cell)
            if len(row.fields) < len(columns):
                for cells in columns.values():
                    if len(cells) == count:
                        cells.append(ABSENT)
        return cls(lines, columns)

    def cells(self, name: str) -> list[Any]:
        """One column; None where a row has no such cell."""
        return [None if cell is ABSENT else cell for cell in self.columns.get(name, [None] * len(self))]

    def take(self, places: Sequence[int]) -> RawRows:
        """Some of the rows."""
        columns = {name: [cells[place] for place in places] for name, cells in self.columns.items()}
        return RawRows(array("q", (self.lines[place] for place in places)), columns)

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, place: int) -> Raw: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Raw]: ...

    def __getitem__(self, place: int | slice) -> Raw | Sequence[Raw]:
        if isinstance(place, slice):
            return self.take(range(len(self))[place])
        cells = ((name, column[place]) for name, column in self.columns.items())
        return Raw(self.lines[place], {name: cell for name, cell in cells if cell is not ABSENT})


ABSENT = object()
_SHORT, _MOST_SHORT = 40, 4096
"""Characters of a text that may be a label or a name; so many different ones are looked for."""


def text_of(content: bytes, where: str) -> str:
    """The text of UTF-8 bytes; a byte order mark is dropped, line ends become `\\n`.

    Raises:
        DataError: for bytes that are not UTF-8 (with offset and line), and for binary content.
    """
    return decode(content, where, "utf-8").text


_SCALARS = (str, int, float, bool)


_WRITTEN = (date, time, timedelta, Decimal)


def plain(value: Any) -> Any:
    """A scalar as columns keep it: text, whole number, number, truth value or None; dates and decimals are texts."""
    if value is None or isinstance(value, _SCALARS):
        return value
    if isinstance(value, _WRITTEN):
        return str(value)
    return value.item() if hasattr(value, "item") else value


def number_of(value: Any, name: str, place: Where) -> float:
    """The finite number that a value holds.

    Raises:
        DataError: when it is none.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"column {name!r}: expected a number, found {str(value)[:60]!r}.", where=place)
    return number
