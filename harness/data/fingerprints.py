"""Identities: of rows, of splits, of whole datasets."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.core.dataset import SPLITS, Row
from harness.core.digests import digest

ID_DIGITS = 20
"""80 bits: among a million rows, two share an id with a chance of about 4e-13."""


class RowIds:
    """Ids from content: origin (part and original id) and fields; equal rows are numbered."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def next(self, origin: str, fields: Mapping[str, Any]) -> str:
        full = digest([origin, dict(fields)])
        packed = bytes.fromhex(full)
        self._seen[packed] += 1
        count = self._seen[packed]
        return (full if count == 1 else digest([full, count]))[:ID_DIGITS]


def fingerprint(rows: Mapping[str, Sequence[Row]], columns: Iterable[str], labels: Mapping[str, Sequence[str]]) -> str:
    """SHA-256 over every split's rows in order (ids hold the fields), columns and labels."""
    hasher = hashlib.sha256(digest([list(columns), {name: list(known) for name, known in labels.items()}]).encode())
    for split in SPLITS:
        hasher.update(f"\n{split}".encode())
        for row in rows.get(split, ()):
            hasher.update("\0".join((row.id, row.cluster, *row.slices)).encode("utf-8", "surrogatepass") + b"\n")
    return hasher.hexdigest()
