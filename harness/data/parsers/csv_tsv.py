"""csv and tsv."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.errors import DataError, Where
from harness.data.parsers.raw_row import Raw, text_of
from harness.storage.delimited_rows import USUAL, NumberedRow, delimited_rows, with_header


def parse_csv(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """Delimited text, quoted with `"` as in RFC 4180, with a header.

    Options: `header` (names, when the file has no header line), `delimiter`.
    """
    delimiter = options.get("delimiter") or USUAL
    yield from _rows(delimited_rows(text_of(content, where), where, delimiter), where, options)


def parse_tsv(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """Tab-separated, one row per line; quotes are characters like any other.

    Options: `header` (names, when the file has no header line), `delimiter`. With a given header, tabs beyond
    the last column belong to the last column.

    Raises:
        DataError: when all names of columns stand in quotes, so that it is open whose the quotes are.
    """
    given = options.get("header")
    text = text_of(content, where)
    delimiter = options.get("delimiter") or "\t"
    names = text.partition("\n")[0].split(delimiter)
    if given is None and not options.get("quotes_are_text") and all(_in_quotes(name) for name in names):
        plain = ", ".join(name[1:-1] for name in names)
        raise DataError(
            f"the quotes can belong to the columns' names ({', '.join(names)}) or enclose them ({plain}).",
            where=Where(where, 1),
            hint='set `format: csv, delimiter: "\\t"` when quotes enclose cells, or `format: tsv` when they are text.',
        )
    rows = delimited_rows(text, where, delimiter, quoted=False, cells=len(given) if given else 0)
    yield from _rows(rows, where, options)


def _in_quotes(cell: str) -> bool:
    return len(cell) > 1 and cell.startswith('"') and cell.endswith('"')


def _rows(rows: Iterator[NumberedRow], where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    for line, fields in with_header(rows, where, options.get("header")):
        yield Raw(line, fields)
