"""Delimited text → a header and numbered rows. The delimiter is given, or found in the first rows and told."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from harness.core.errors import DataError, Where

USUAL = ","
_DELIMITERS = (USUAL, ";", "\t", "|")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SAMPLE_ROWS = 50
_SAMPLE_CHARACTERS = 1 << 18
_LARGEST_CELL = (1 << 31) - 1
"""As much as `csv` takes on every system; its own limit is 128 KiB."""
_DECLARED = "sep="
"""Excel's first line that names the delimiter: `sep=;`."""

NumberedRow = tuple[int, list[str]]
"""The line on which a row starts, and its cells."""


@dataclass(frozen=True, slots=True)
class Delimiter:
    """What separates cells.

    Attributes:
        guessed: neither the caller nor the file says so, and it is not the usual comma.
    """

    character: str
    guessed: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """The guess in a sentence; none where nothing was guessed."""
        if not self.guessed:
            return ()
        name = _NAMES[self.character]
        told = f"read with {name} between cells, guessed from the first rows; set `delimiter` to confirm or correct it"
        return (told,)


def find_delimiter(text: str, where: str) -> Delimiter:
    """The delimiter of a text: the one that gives its first rows equally many cells, more than one.

    A text that no delimiter splits evenly has commas, so that the reader names the row that does not fit.

    Raises:
        DataError: when the comma and another delimiter both fit; both readings are shown.
    """
    if text.startswith(_DECLARED) and text[len(_DECLARED) + 1 : len(_DECLARED) + 2] in ("\n", ""):
        return Delimiter(text[len(_DECLARED)], False)
    headers = {character: header for character in _DELIMITERS if (header := _even_header(text, character)) is not None}
    if not headers:
        return Delimiter(USUAL, False)
    if len(headers) > 1:
        (first, first_header), (second, other) = islice(headers.items(), 2)
        raise DataError(
            f"the rows can be read with {_NAMES[first]} between cells (columns {', '.join(first_header)}) or with "
            f"{_NAMES[second]} (columns {', '.join(other)}).",
            where=Where(where, 1),
            hint=f"set `delimiter: {first!r}` or `delimiter: {second!r}`.",
        )
    (character,) = headers
    return Delimiter(character, character != USUAL)


def _even_header(text: str, delimiter: str) -> list[str] | None:
    """The header where the first rows have equally many cells, more than one; else None."""
    sample = text[:_SAMPLE_CHARACTERS]
    cut = len(sample) < len(text)
    rows: list[list[str]] = []
    try:
        for _, cells in islice(delimited_rows(sample, "", delimiter), _SAMPLE_ROWS + 1):
            rows.append(cells)
    except DataError:
        # The sample may end within a quoted cell.
        if not cut or not rows:
            return None
        cut = False
    if cut and len(rows) > 1 and len(rows) <= _SAMPLE_ROWS:
        rows.pop()
    sizes = {len(cells) for cells in rows}
    return rows[0] if rows and len(sizes) == 1 and max(sizes) > 1 else None


def delimited_rows(
    text: str, where: str, delimiter: str, *, quoted: bool = True, cells: int = 0
) -> Iterator[NumberedRow]:
    """The rows that are not empty, with their lines; cells of any length.

    Args:
        quoted: cells may stand in double quotes, as in RFC 4180; else quotes are characters like any other.
        cells: split a line into at most so many cells; 0 for no limit. Only without quotes.

    Raises:
        DataError: for quotes that do not close, or that stand within a cell.
    """
    start = 1
    if text.startswith(f"{_DECLARED}{delimiter}\n"):
        text, start = text[len(_DECLARED) + 2 :], 2
    if not quoted:
        lines = enumerate(text.split("\n"), start)
        yield from ((number, content.split(delimiter, cells - 1)) for number, content in lines if content.strip())
        return
    csv.field_size_limit(_LARGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + start
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"invalid CSV: {error}.",
                where=Where(where, line),
                hint="put fields that contain quotes, delimiters, or line breaks in double quotes, and double the "
                "quotes inside.",
            ) from None
        if row:
            yield line, row


def with_header(
    rows: Iterator[NumberedRow], where: str, header: Sequence[str] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows by column name; the first row names the columns unless `header` does.

    Raises:
        DataError: for a name that occurs twice, or a row of more or fewer cells.
    """
    for line, cells in rows:
        if header is None:
            header = _header(cells, where, line)
            continue
        if len(cells) != len(header):
            raise DataError(
                f"expected {len(header)} fields ({', '.join(header)}), found {len(cells)}.",
                where=Where(where, line),
                hint="check the delimiter and the quotes on this line and the previous one.",
            )
        yield line, dict(zip(header, cells, strict=True))


def _header(cells: list[str], where: str, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(
            f"the header contains {twice[0]!r} twice.", where=Where(where, line), hint="rename one of them."
        )
    return [name or f"column_{index}" for index, name in enumerate(names, 1)]
