"""The probe items that moved most between a baseline and a candidate, with differing words marked."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import numpy as np

from harness.core.records import FloatArray, Records
from harness.report import figures
from harness.report.text import cut
from harness.report.view import Contest, RunView

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LIMIT = 600

Piece = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Moved:
    """One item; a text is a list of (piece, differs from the first text)."""

    item_id: str
    texts: list[tuple[str, list[Piece]]]
    slices: tuple[str, ...]
    base: str
    candidate: str
    change: str
    flipped: bool


def moved(view: RunView, contest: Contest, evaluation: str, limit: int) -> list[Moved]:
    """At most `limit` items, ranked by how far their margin moved; ties by id."""
    base = view.records(evaluation, view.against(contest, evaluation))
    candidate = view.records(evaluation, contest.candidate)
    if base is None or candidate is None:
        return []
    place = {item: row for row, item in enumerate(base.item_ids)}
    joined = [(place[item], row, item) for row, item in enumerate(candidate.item_ids) if item in place]
    before, after = _margins(base), _margins(candidate)
    ranked = sorted(
        (-abs(after[there] - before[here]), item, here, there)
        for here, there, item in joined
        if np.isfinite(before[here]) and np.isfinite(after[there]) and after[there] != before[here]
    )[:limit]
    items = {item.id: item for item in view.items(evaluation)} if ranked else {}
    answers = base.texts("prediction"), candidate.texts("prediction")
    rows = []
    for _, item_id, here, there in ranked:
        item = items.get(item_id)
        rows.append(
            Moved(
                item_id,
                marked(dict(item.texts)) if item else [],
                item.slices if item else (),
                figures.fixed(float(before[here]), 3, sign=True),
                figures.fixed(float(after[there]), 3, sign=True),
                figures.fixed(float(after[there] - before[here]), 3, sign=True),
                answers[0][here] != answers[1][there],
            )
        )
    return rows


def _margins(records: Records) -> FloatArray:
    """The margin column; counterfactual records without one are ranked by their signed shift."""
    margins = records.numbers("margin")
    return records.stat("shift") if np.isnan(margins).all() and "shift" in records.stat_names else margins


def marked(texts: dict[str, str]) -> list[tuple[str, list[Piece]]]:
    """Each text cut into pieces; pieces that differ from the first text (in the first: from the second) are marked."""
    names = list(texts)[:6]
    shown = {name: _WORDS.findall(cut(texts[name], _LIMIT)) for name in names}
    if len(names) < 2:
        return [(name, [("".join(shown[name]), False)]) for name in names]
    out = [(names[0], _pieces(shown[names[1]], shown[names[0]]))]
    out += [(name, _pieces(shown[names[0]], shown[name])) for name in names[1:]]
    return out


def _pieces(other: list[str], words: list[str]) -> list[Piece]:
    pieces: list[Piece] = []
    for kind, _, _, start, end in difflib.SequenceMatcher(None, other, words, autojunk=False).get_opcodes():
        if start < end:
            pieces.append(("".join(words[start:end]), kind != "equal"))
    return pieces
