"""Which items come first: those that changed most between the release and its baseline, with a sample of the rest."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.report.view.item_columns import ItemTable, Side

_SAMPLE = 0.2
"""Share of the places that a sample of the unchanged items gets among the changed ones."""


def ranked(table: ItemTable, sides: dict[str, Side], pairs: Sequence[tuple[str, str]]) -> tuple[Any, Any]:
    """Places of items (flips by their largest change, with a sample of the rest mixed in), and bool[n]: which flipped.

    What the first pair shows (the release against its baseline) comes before what only others show.
    """
    n = len(table)
    change, flipped, lead = np.zeros(n), np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    for number, (base, candidate) in enumerate(pairs):
        a, b = sides[base], sides[candidate]
        moved = np.nan_to_num(np.abs(b.value - a.value))
        changed = np.nan_to_num(np.abs(b.correct - a.correct)) > 0
        if not (np.isfinite(a.correct).any() and np.isfinite(b.correct).any()):
            changed = _texts_differ(a, b)
        if number == 0:
            change, lead = moved, changed
        elif lead.any() or not change.any():
            change = np.where(lead, change, np.maximum(change, moved))
        flipped |= changed
    by_change = np.lexsort((np.arange(n), -change, ~flipped, ~lead))
    flips = int(flipped.sum())
    moved, rest = by_change[:flips], by_change[flips:]
    if flips == 0:
        return by_change, flipped
    hashed = np.array([zlib.crc32(table.ids[place].encode("utf-8", "replace")) for place in rest], dtype=np.int64)
    return _interleaved(moved, rest[np.argsort(hashed, kind="stable")]), flipped


def _interleaved(moved: Any, sample: Any) -> Any:
    """Four of the first for one of the second, until one is used up."""
    every = round(1 / _SAMPLE)
    taken = min(len(sample), len(moved) // (every - 1))
    head = moved[: taken * (every - 1)].reshape(taken, every - 1)
    mixed = np.concatenate([head, sample[:taken].reshape(taken, 1)], axis=1).reshape(-1)
    return np.concatenate([mixed, moved[taken * (every - 1) :], sample[taken:]])


def _texts_differ(a: Side, b: Side) -> Any:
    if not a.answers or not b.answers:
        return np.zeros(len(a.answer), dtype=np.bool_)
    known = (a.answer >= 0) & (b.answer >= 0)
    ours, theirs = np.array(a.answers, dtype=object), np.array(b.answers, dtype=object)
    return known & (ours[a.answer] != theirs[b.answer])


def shortest(ids: Sequence[str]) -> int:
    """The shortest prefix length, at least 10, that keeps ids apart."""
    longest = max((len(item) for item in ids), default=10)
    for length in range(10, longest):
        if len({item[:length] for item in ids}) == len(ids):
            return length
    return longest
