"""The page's larger data: JSON, gzip, base64. The browser reads it back with its `DecompressionStream`."""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.records import BoolArray, FloatArray


def json_bytes(value: Any) -> bytes:
    """JSON in UTF-8; lone surrogates become U+FFFD."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")


def compress(value: Any) -> str:
    """A value as base64 of gzipped JSON; equal values give equal text."""
    return base64.b64encode(gzip.compress(json_bytes(value), 6, mtime=0)).decode("ascii")


def rounded(values: FloatArray) -> list[float | None]:
    """Four significant digits, as many as the page can show; None where there is no finite value."""
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in values.tolist()]


def codes(values: npt.NDArray[Any]) -> list[int | None]:
    """Places in a list; None for those below zero."""
    return [value if value >= 0 else None for value in values.tolist()]


def flags(values: FloatArray) -> list[int | None]:
    """1 right, 0 wrong, None not scored."""
    return [None if value != value else int(value >= 0.5) for value in values.tolist()]


def groups(inside: BoolArray) -> tuple[list[list[int]], list[int]]:
    """Which rows of bool[rows, n] hold together: the distinct sets of rows, and a place in these for each of n."""
    packed = np.packbits(inside, axis=0)
    if not len(packed):
        return [[]], [0] * inside.shape[1]
    _, first, place = np.unique(packed, axis=1, return_index=True, return_inverse=True)
    return [np.flatnonzero(inside[:, at]).tolist() for at in first], place.reshape(-1).tolist()


def cut_bytes(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, whole characters, and how many characters are missing."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return text
    kept = raw[:limit].decode("utf-8", "ignore")
    return f"{kept}… ({len(text) - len(kept):,} more characters)"
