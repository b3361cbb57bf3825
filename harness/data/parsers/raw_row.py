"""What all parsers share: the raw row and the reading of UTF-8."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.errors import DataError, Where

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Raw:
    """One row as read: the parser's columns and the line (or row number) it stands on, from 1."""

    line: int
    fields: Mapping[str, Any]


def text_of(content: bytes, where: str) -> str:
    """The text of UTF-8 bytes; a byte order mark is dropped, line ends become `\\n`.

    Raises:
        DataError: for bytes that are not UTF-8 (with offset and line), and for binary content.
    """
    if content.startswith(_UTF16):
        raise DataError(
            "expected UTF-8, found UTF-16 (byte order mark at byte 0).",
            where=Where(where, 1),
            hint="save it as UTF-8: `iconv -f UTF-16 -t UTF-8 in > out`.",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = error.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        line = content.count(b"\n", 0, offset) + 1
        raise DataError(
            f"expected UTF-8, found the byte 0x{content[offset]:02x} at offset {offset}.",
            where=Where(where, line),
            hint="save it as UTF-8: `iconv -f WINDOWS-1252 -t UTF-8 in > out`, if that is its encoding.",
        ) from None
    zero = text.find("\0")
    if zero >= 0:
        raise DataError(
            "expected text, found a null byte; the file looks binary.",
            where=Where(where, text.count("\n", 0, zero) + 1),
            hint="use a csv, tsv, jsonl, json, parquet, or txt file, and set `format` if the extension does not match.",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


_SCALARS = (str, int, float, bool)


def plain(value: Any) -> Any:
    """A scalar as columns keep it: text, whole number, number, truth value or None."""
    if value is None or isinstance(value, _SCALARS):
        return value
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
