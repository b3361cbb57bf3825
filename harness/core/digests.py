"""Content keys: what a thing is made of, as one SHA-256 digest.

A key covers content and settings, never a path, a name or a time, so that equal work is
found again and changed work is not.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20
_KEY = re.compile(r"[0-9a-f]{64}\Z")


def canonical_json(value: Any) -> bytes:
    """The one JSON text of a value: sorted keys, no spaces, UTF-8.

    Raises:
        ValueError: on NaN or infinity, which have no JSON form and would make keys collide.
        TypeError: on objects that are not JSON (convert them first, explicitly).
    """
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


_ATOMS = frozenset({str, int, bool, type(None)})


def _plain(value: Any) -> Any:
    if type(value) in _ATOMS:  # most values by far
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"content keys need string keys, found {key!r}")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"content keys cannot hold {value}")
    return value


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def is_key(value: object) -> bool:
    """Whether `value` is a digest as `digest` makes it: 64 lowercase hexadecimal digits, and so never a path."""
    return isinstance(value, str) and _KEY.match(value) is not None


def short(full: str) -> str:
    """The first 12 digits of a digest, for people."""
    return full[:12]


def text_digest(*texts: str) -> str:
    """Digest of an ordered list of texts (lengths are part of it)."""
    return digest(list(texts))


def bytes_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, read in blocks."""
    with path.open("rb") as handle:
        return stream_digest(iter(lambda: handle.read(_BLOCK), b""))


def stream_digest(blocks: Iterable[bytes]) -> str:
    hasher = hashlib.sha256()
    for block in blocks:
        hasher.update(block)
    return hasher.hexdigest()


def fraction(value: str) -> float:
    """A stable number in [0, 1) from a text: the first 53 bits of its SHA-256, scaled.

    Splits are made with it: the same text falls on the same side on every machine.
    """
    bits = int.from_bytes(hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 11
    return bits / float(1 << 53)
