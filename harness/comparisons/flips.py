"""Item by item: what was fixed, what was broken, what moved most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.comparisons.join import join
from harness.core.records import BoolArray, Records
from harness.schema.results.metrics import FlipsResult

CORRECT = "correct"

MovedKind = Literal["fixed", "broken", "both_wrong", "moved"]


@dataclass(frozen=True, slots=True)
class MovedItem:
    """An item whose answer or margin changed.

    Attributes:
        kind: `fixed` (wrong → right), `broken` (right → wrong), `both_wrong`, or `moved` (both
            right, or a probe without right answers).
        base_margin, candidate_margin: None where a side has none.
    """

    item_id: str
    kind: MovedKind
    base_margin: float | None
    candidate_margin: float | None
    base_prediction: str | None
    candidate_prediction: str | None


def flips(
    base: Records, candidate: Records, *, evaluation: str, baseline: str, candidate_name: str
) -> FlipsResult | None:
    """The 2×2 table of right and wrong; None without the statistic `correct`, or for unequal items."""
    if CORRECT not in base.stat_names or CORRECT not in candidate.stat_names:
        return None
    joined = join(base, candidate)
    if joined.fault is not None:
        return None
    ours, theirs = base.take(joined.base_rows), candidate.take(joined.candidate_rows)
    before, after = ours.stat(CORRECT), theirs.stat(CORRECT)
    known = ~np.isnan(before) & ~np.isnan(after)
    right, now = before > 0.5, after > 0.5
    changed = _other_answers(ours, theirs)

    def count(mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
        return int(np.count_nonzero(known & mask))

    return FlipsResult(
        evaluation=evaluation,
        baseline=baseline,
        candidate=candidate_name,
        both_right=count(right & now),
        fixed=count(~right & now),
        broken=count(right & ~now),
        both_wrong=count(~right & ~now),
        changed_wrong=count(~right & ~now & changed),
    )


def moved_items(base: Records, candidate: Records, limit: int = 50) -> list[MovedItem]:
    """Items ranked by the size of their margin's change, ties by item id; at most `limit`.

    Items that did not move at all are left out. An item without margins is ranked as if its
    margin had not changed, and listed when its answer did.
    """
    joined = join(base, candidate)
    if joined.fault is not None or limit < 1:
        return []
    ours, theirs = base.take(joined.base_rows), candidate.take(joined.candidate_rows)
    margins = ours.numbers("margin"), theirs.numbers("margin")
    change = np.nan_to_num(np.abs(margins[1] - margins[0]), nan=0.0)
    changed = _other_answers(ours, theirs)
    scored = all(CORRECT in side.stat_names for side in (ours, theirs))
    right = [side.stat(CORRECT) if scored else np.full(len(side), np.nan) for side in (ours, theirs)]
    moved = np.flatnonzero((change > 0) | changed)
    order = sorted(moved.tolist(), key=lambda row: (-change[row], ours.item_ids[row]))[:limit]
    places = np.array(order, np.int64)
    return [
        MovedItem(
            ours.item_ids[row],
            _kind(right[0][row], right[1][row]),
            _number(margins[0][row]),
            _number(margins[1][row]),
            *answers,
        )
        for row, *answers in zip(order, ours.at("prediction", places), theirs.at("prediction", places), strict=True)
    ]


def _other_answers(ours: Records, theirs: Records) -> BoolArray:
    """bool[n]: where the two models' answers differ."""
    answers = zip(ours.each("prediction"), theirs.each("prediction"), strict=True)
    return np.fromiter((x != y for x, y in answers), np.bool_, len(ours))


def _kind(before: float, after: float) -> MovedKind:
    if np.isnan(before) or np.isnan(after):
        return "moved"
    if before > 0.5:
        return "moved" if after > 0.5 else "broken"
    return "fixed" if after > 0.5 else "both_wrong"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
