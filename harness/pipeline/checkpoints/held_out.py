"""No stage trains on a row that an evaluation asks about.

The splits of one data set are disjoint already. This keeps rows of other data sets out that are the
same row under another name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.core.dataset import Dataset, Row
from harness.core.digests import digest
from harness.data.splits import normalised

_WORDS = 3
"""Shorter fields (labels, names, years) do not make two rows the same."""


class HeldOut:
    """The rows of every split that some evaluation of the suite asks about.

    Args:
        asked: (data set, split) of each evaluation. A training split that an evaluation asks about by
            name is left in training: who wants to measure memory says so.
    """

    def __init__(self, asked: Iterable[tuple[Dataset, str]]) -> None:
        self._ids: set[str] = set()
        self._rows: dict[str, set[int]] = {}
        seen: set[tuple[str, str]] = set()
        number = 0
        for dataset, split in asked:
            if split == "train" or (dataset.fingerprint, split) in seen:
                continue
            seen.add((dataset.fingerprint, split))
            for row in dataset.rows.get(split, ()):
                self._ids.add(row.id)
                for text in _texts(row):
                    self._rows.setdefault(text, set()).add(number)
                number += 1

    def holds(self, row: Row) -> bool:
        """Whether a training row is one of them: by its id, or because all its texts stand in one of them."""
        if row.id in self._ids:
            return True
        texts = _texts(row)
        if not texts:
            return False
        shared = set.intersection(*(self._rows.get(text, set()) for text in texts))
        return bool(shared)

    def without(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """The rows that may be trained on."""
        return tuple(row for row in rows if not self.holds(row))


def _texts(row: Row) -> list[str]:
    """Digests of a row's texts, after case folding, Unicode composition and white space."""
    fields: Mapping[str, object] = row.fields
    found = [normalised(value) for value in fields.values() if isinstance(value, str)]
    return sorted({digest(text) for text in found if len(text.split()) >= _WORDS})
