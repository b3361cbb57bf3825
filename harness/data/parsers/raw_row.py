"""What all parsers share: the raw row and the reading of UTF-8."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from harness.core.errors import DataError, Where
from harness.storage.text_decoding import decode


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
