"""Columns of numbers and lists of texts as deflated base64, for a page that unpacks them itself."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.records import FloatArray

MISSING = 0xFFFF
"""An index column's "none"."""
_KEPT_BITS = 0xFFFFF800
_HALF = 0x400


def deflated(data: bytes) -> str:
    """zlib, then base64; a browser reads it back with `DecompressionStream("deflate")`."""
    return base64.b64encode(zlib.compress(data, 6)).decode("ascii")


def texts(rows: Sequence[Any]) -> bytes:
    """JSON in UTF-8; lone surrogates become U+FFFD."""
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def floats(values: FloatArray) -> bytes:
    """float32 rounded to 12 bits of mantissa (four digits), its bytes in four planes, so that they deflate well."""
    bits = np.ascontiguousarray(values, dtype="<f4").view("<u4")
    rounded = np.where(np.isnan(values), bits, ((bits.astype(np.uint64) + _HALF) & _KEPT_BITS).astype("<u4"))
    return np.ascontiguousarray(rounded.astype("<u4")).view(np.uint8).reshape(-1, 4).T.tobytes()


def indices(values: npt.NDArray[Any]) -> bytes:
    """uint16 in two planes; below zero is `MISSING`."""
    short = np.where(values < 0, MISSING, values).astype("<u2")
    return np.ascontiguousarray(short).view(np.uint8).reshape(-1, 2).T.tobytes()


def flags(values: FloatArray) -> bytes:
    """0 wrong, 1 right, 2 not scored, one byte each."""
    return np.where(np.isnan(values), 2, values >= 0.5).astype(np.uint8).tobytes()


def cut_bytes(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, whole characters, and how many characters are missing."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return text
    kept = raw[:limit].decode("utf-8", "ignore")
    return f"{kept}… ({len(text) - len(kept):,} more characters)"
