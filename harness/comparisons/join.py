"""Two sides joined by item id, never by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.records import ITEM, Records

Rows = npt.NDArray[np.int64]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison: two models on one evaluation, by the names that results call them."""

    evaluation: str
    baseline: str
    candidate: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Items that both sides hold.

    Attributes:
        base_rows, candidate_rows: row numbers of the same items on either side, both read well.
        unread_rows: base rows of shared items that a side did not answer readably.
        only_base_rows, only_candidate_rows: rows whose item the other side lacks.
        unread_base, unread_candidate: shared items that the side did not answer readably.
        fault: why the two may not be compared, or None.
    """

    base_rows: Rows
    candidate_rows: Rows
    unread_rows: Rows
    only_base_rows: Rows
    only_candidate_rows: Rows
    unread_base: int
    unread_candidate: int
    fault: str | None


def join(base: Records, candidate: Records, unit: str = ITEM) -> Joined:
    """Joins by item id.

    Equal ids of unequal items (another digest, another cluster of `unit`) are a fault: pairing
    them would compare answers to different questions.
    """
    theirs = {item: row for row, item in enumerate(candidate.item_ids)}
    twice = _repeated(base, "baseline") or _repeated(candidate, "candidate")
    places = np.array([theirs.get(item, -1) for item in base.item_ids], dtype=np.int64)
    left = np.flatnonzero(places >= 0)
    right = places[left]
    only_candidate = np.setdiff1d(np.arange(len(candidate)), right)
    fault = twice or _unequal("content", base.texts("item_digest"), candidate.texts("item_digest"), left, right, base)
    if fault is None and unit != ITEM:
        fault = _unequal(f"{unit} cluster", base.clusters(unit), candidate.clusters(unit), left, right, base)
    base_ok, candidate_ok = base.ok[left], candidate.ok[right]
    both = base_ok & candidate_ok
    return Joined(
        left[both],
        right[both],
        left[~both],
        np.flatnonzero(places < 0),
        only_candidate,
        int(np.count_nonzero(~base_ok)),
        int(np.count_nonzero(~candidate_ok)),
        fault,
    )


def _repeated(records: Records, side: str) -> str | None:
    ids = records.item_ids
    if len(set(ids)) == len(ids):
        return None
    names = sorted(item for item, count in Counter(ids).items() if count > 1)
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"{len(names)} duplicate item ids in the {side}'s records ({shown}): items cannot be paired."


def _unequal(
    what: str, ours: Sequence[str], theirs: Sequence[str], left: Rows, right: Rows, base: Records
) -> str | None:
    wrong = [
        base.item_ids[row]
        for row, other in zip(left.tolist(), right.tolist(), strict=True)
        if ours[row] != theirs[other]
    ]
    if not wrong:
        return None
    names = ", ".join(wrong[:_SHOWN]) + (", …" if len(wrong) > _SHOWN else "")
    return (
        f"{len(wrong)} items have the same id but a different {what} on the two sides ({names}): the sides did not "
        f"use the same items."
    )
