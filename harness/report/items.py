"""The item browser's data: texts, answers and margins of every model, within a byte budget."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.core.records import FloatArray, Records
from harness.report.text import cut
from harness.report.view import RunView

TEXT_LIMIT = 1200


@dataclass(frozen=True, slots=True)
class _Side:
    """One model's columns in the order of the items; NaN and None where it has no record."""

    margins: FloatArray
    correct: FloatArray
    predictions: list[str | None]


def browser(view: RunView, budget: int) -> list[dict[str, Any]]:
    """One entry per evaluation with flips; together about `budget` bytes of JSON.

    Items are ranked by their largest change of margin in any comparison; those beyond the budget
    are left out and counted in `total`.
    """
    names = list(dict.fromkeys(flip.evaluation for flip in view.results.flips))
    smallest_first = sorted(names, key=lambda name: (view.evaluations[name].n if name in view.evaluations else 0, name))
    entries: dict[str, dict[str, Any]] = {}
    for place, name in enumerate(smallest_first):
        entry, used = _entry(view, name, budget // (len(names) - place))
        budget -= used
        if entry is not None:
            entries[name] = entry
    return [entries[name] for name in names if name in entries]


def _entry(view: RunView, name: str, budget: int) -> tuple[dict[str, Any] | None, int]:
    pairs = [(flip.baseline, flip.candidate) for flip in view.results.flips if flip.evaluation == name]
    models = list(dict.fromkeys(model for pair in pairs for model in pair))
    items = sorted(view.items(name), key=lambda item: item.id)
    ids = [item.id for item in items]
    sides = {model: _side(records, ids) for model in models if (records := view.records(name, model)) is not None}
    pairs = [pair for pair in pairs if pair[0] in sides and pair[1] in sides]
    if not pairs or not items:
        return None, 0
    answers: dict[str, int] = {}
    groups: dict[str, int] = {}
    shorten = _shortest(ids)
    fields = list(dict.fromkeys(field for item in items for field in item.texts))
    rows: list[list[Any]] = []
    used = 0
    for place in _ranked(pairs, sides):
        item = items[place]
        row = [
            item.id[:shorten],
            [cut(item.texts.get(field, ""), TEXT_LIMIT) for field in fields],
            _index(answers, item.target),
            [_index(groups, group) for group in item.slices],
            [
                [_index(answers, side.predictions[place]), _rounded(side.margins[place]), _flag(side.correct[place])]
                for side in sides.values()
            ],
        ]
        size = len(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
        if used + size > budget:
            break
        used += size
        rows.append(row)
    order = list(sides)
    entry = {
        "name": name,
        "models": order,
        "pairs": [[order.index(base), order.index(candidate)] for base, candidate in pairs],
        "contests": [view.contest_of(name, *pair).key for pair in pairs],
        "fields": fields,
        "answers": [cut(answer, 120) for answer in answers],
        "slices": [cut(group, 120) for group in groups],
        "rows": rows,
        "total": len(items),
    }
    return entry, used


def _side(records: Records, ids: list[str]) -> _Side:
    place = {item: row for row, item in enumerate(records.item_ids)}
    rows = np.array([place.get(item, -1) for item in ids], dtype=np.int64)
    known = rows >= 0
    answers = records.texts("prediction")
    if "correct" in records.stat_names:
        correct = records.stat("correct")
    else:
        both = zip(records.texts("target"), answers, strict=True)
        correct = np.array([np.nan if target is None else float(target == answer) for target, answer in both])
    correct = np.where(records.ok, correct, np.nan)

    def aligned(column: FloatArray) -> FloatArray:
        return np.where(known, column[rows], np.nan) if len(column) else np.full(len(ids), np.nan)

    predictions = [answers[row] if row >= 0 else None for row in rows]
    return _Side(aligned(records.numbers("margin")), aligned(correct), predictions)


def _ranked(pairs: list[tuple[str, str]], sides: dict[str, _Side]) -> list[int]:
    """Places of items by their largest |candidate margin − baseline margin|, ties by id; without
    margins an item counts as moved by one when its outcome changed."""
    largest = np.zeros(len(next(iter(sides.values())).margins))
    for base, candidate in pairs:
        moved = np.abs(sides[candidate].margins - sides[base].margins)
        changed = np.abs(sides[candidate].correct - sides[base].correct)
        change = np.where(np.isfinite(moved), moved, np.nan_to_num(changed))
        largest = np.maximum(largest, change)
    return [int(place) for place in np.argsort(-largest, kind="stable")]


def _index(table: dict[str, int], value: str | None) -> int:
    return -1 if value is None else table.setdefault(value, len(table))


def _rounded(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None


def _flag(value: float) -> int:
    return -1 if np.isnan(value) else int(value >= 0.5)


def _shortest(ids: list[str]) -> int:
    """The shortest prefix length, at least 10, that keeps ids apart."""
    longest = max((len(item) for item in ids), default=10)
    for length in range(10, longest):
        if len({item[:length] for item in ids}) == len(ids):
            return length
    return longest
