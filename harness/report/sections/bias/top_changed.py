"""The probe items that moved most between a baseline and a candidate, with differing words marked."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import numpy as np

from harness.report.view.item_columns import Side, aligned_side
from harness.report.view.run_view import ModelPair, RunView
from harness.report.wording.safe_text import cut
from harness.schema.results import number_format

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


def moved(view: RunView, contest: ModelPair, evaluation: str, limit: int) -> list[Moved]:
    """At most `limit` items, ranked by how far their measure moved; ties by id."""
    base = view.records(evaluation, view.against(contest, evaluation))
    candidate = view.records(evaluation, contest.candidate)
    table = view.item_table(evaluation)
    if base is None or candidate is None or table is None or not len(table):
        return []
    measures = view.evaluations[evaluation].item_measures
    before, after = aligned_side(base, measures, table.ids), aligned_side(candidate, measures, table.ids)
    change = after.value - before.value
    size = np.where(np.isfinite(change), np.abs(change), 0.0)
    places = [int(place) for place in np.argsort(-size, kind="stable")[:limit] if size[place] > 0]
    slices = table.values("slices", places)
    return [
        Moved(
            table.ids[place],
            marked(texts),
            tuple(names),
            number_format.fixed(float(before.value[place]), 3, sign=True),
            number_format.fixed(float(after.value[place]), 3, sign=True),
            number_format.fixed(float(change[place]), 3, sign=True),
            _answer(before, place) != _answer(after, place),
        )
        for place, texts, names in zip(places, table.texts(places), slices, strict=True)
    ]


def _answer(side: Side, place: int) -> str | None:
    return side.answers[side.answer[place]] if side.answer[place] >= 0 else None


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
