"""csv and tsv."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.core.errors import DataError, Where
from harness.data.parsers.raw_row import Raw, text_of

_MAX_FIELD = 1 << 24


def parse_csv(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """Comma-separated, quoted with `"` as in RFC 4180, with a header.

    Options: `header` (names, when the file has no header line), `delimiter`.
    """
    text = text_of(content, where)
    limit = csv.field_size_limit(_MAX_FIELD)
    try:
        reader = csv.reader(io.StringIO(text), delimiter=options.get("delimiter", ","), strict=True)
        yield from _rows(_numbered(reader, where), where, options)
    finally:
        csv.field_size_limit(limit)


def parse_tsv(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """Tab-separated, one row per line; quotes are characters like any other.

    Options: `header` (names, when the file has no header line). With a given header, tabs beyond
    the last column belong to the last column.
    """
    given = options.get("header")
    splits = len(given) - 1 if given else -1
    lines = (
        (number, line.split("\t", splits))
        for number, line in enumerate(text_of(content, where).split("\n"), 1)
        if line.strip()
    )
    yield from _rows(lines, where, options)


def _numbered(reader: Any, where: str) -> Iterator[tuple[int, list[str]]]:
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"invalid CSV: {error}.",
                where=Where(where, start),
                hint="put fields that contain quotes, commas, or line breaks in double quotes, and double the quotes "
                "inside.",
            ) from None
        if row:
            yield start, row


def _rows(lines: Iterator[tuple[int, list[str]]], where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    header: Sequence[str] | None = options.get("header")
    for line, cells in lines:
        if header is None:
            header = _header(cells, where, line)
            continue
        if len(cells) != len(header):
            raise DataError(
                f"expected {len(header)} fields ({', '.join(header)}), found {len(cells)}.",
                where=Where(where, line),
                hint="check the delimiter and the quotes on this line and the previous one.",
            )
        yield Raw(line, dict(zip(header, cells, strict=True)))


def _header(cells: list[str], where: str, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(
            f"the header contains {twice[0]!r} twice.", where=Where(where, line), hint="rename one of them."
        )
    return [name or f"column_{index}" for index, name in enumerate(names, 1)]
