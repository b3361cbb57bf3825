"""The item browser's data: every item's numbers, and the texts of those that changed most, within a byte budget.

Flips come first, by the change of their margin; a fifth of the room is kept for a sample of the rest (by a
hash of the id, so that it depends on nothing else). What did not fit is counted, never hidden.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.report.sections.item_evidence import extras, readable, tells
from harness.report.view.item_columns import ItemTable, Side, measure, membership, side
from harness.report.view.item_ranking import ranked, shortest
from harness.report.view.run_view import LANGUAGE_MODELLING, RunView
from harness.report.web import packed_columns
from harness.report.wording.glossary import FIELDS
from harness.report.wording.safe_text import cut, visible, visible_tree

TEXT_BYTES = 2000
"""A single text longer than this many bytes of UTF-8 is cut."""
TOKEN_ITEMS = 30
"""Log-likelihoods by token stand in the page for this many items an evaluation, of the first pair of models."""
SLICES = 60
ANSWERS = 400
ANSWER_LENGTH = 120
_DEFLATED = 0.45
"""First guess of what a byte of text costs in the page (deflated, then base64)."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What the page gets of one evaluation.

    Attributes:
        head: small facts, part of the page's main data.
        blobs: deflated base64 columns by name.
        shown, total: items with texts in the page, and all of them.
        flips, flips_shown: items whose outcome changed in any comparison, and those with their texts.
    """

    head: dict[str, Any]
    blobs: dict[str, str]
    shown: int
    total: int
    flips: int
    flips_shown: int

    @property
    def size(self) -> int:
        return sum(map(len, self.blobs.values()))


def load(view: RunView) -> list[Loaded]:
    """The evaluations of which the run holds items and the records of two compared models."""
    return [found for name in view.evaluations if (found := Loaded.open(view, name)) is not None]


def browsers(loaded: Sequence[Loaded], budget: int) -> list[Browser]:
    """One entry for each evaluation, together about `budget` bytes.

    Smaller evaluations are served first, so that what they leave goes to the larger ones; those with right
    and wrong answers get four times the room of running text, probes twice.
    """
    fixed = [one.numbers() for one in loaded]
    room = budget - sum(len(text) for blobs in fixed for text in blobs.values())
    made: dict[int, Browser] = {}
    order = sorted(range(len(loaded)), key=lambda k: (len(loaded[k].table), k))
    for done, place in enumerate(order):
        weights = [loaded[k].weight for k in order[done:]]
        made[place] = loaded[place].finish(fixed[place], max(0, room * weights[0] // sum(weights)))
        room -= len(made[place].blobs["texts"])
    return [made[place] for place in range(len(loaded))]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An evaluation's items and models, read and ranked."""

    view: RunView
    name: str
    table: ItemTable
    sides: dict[str, Side]
    pairs: list[tuple[str, str]]
    order: Any
    flipped: Any

    @classmethod
    def open(cls, view: RunView, name: str) -> Loaded | None:
        table = view.item_table(name)
        if table is None or not len(table):
            return None
        wanted = view.pairs(name)
        models = list(dict.fromkeys(model for pair in wanted for model in pair))
        measures = view.evaluations[name].item_measures
        sides = {
            model: side(records, measures, table.ids)
            for model in models
            if (records := view.records(name, model)) is not None and len(records)
        }
        pairs = [pair for pair in wanted if pair[0] in sides and pair[1] in sides]
        if not pairs:
            return None
        return cls(view, name, table, sides, pairs, *ranked(table, sides, pairs))

    @property
    def weight(self) -> int:
        """Its share of the room for texts."""
        evaluation = self.view.evaluations[self.name]
        return 1 if evaluation.kind == LANGUAGE_MODELLING else 2 if evaluation.role == "probe" else 4

    def numbers(self) -> dict[str, str]:
        """Columns of all items, in rank order."""
        order = self.order
        names, inside, _ = membership(self.table.table, SLICES)
        bits = np.packbits(inside[:, order], axis=1, bitorder="little") if names else np.zeros((0, 0), np.uint8)
        ids = self.table.ids
        short = shortest(ids)
        columns = [packed_columns.indices(self._targets()[1][order])]
        unlisted: dict[str, int] = {}
        for one in self.sides.values():
            answers = self._offset(one) if self._listed(one) else self._unlisted(one, unlisted)
            columns += [packed_columns.indices(answers[order]), packed_columns.flags(one.correct[order])]
            columns.append(packed_columns.floats(one.value[order]))
        return {
            "ids": packed_columns.deflated(packed_columns.texts(visible_tree([ids[place][:short] for place in order]))),
            "numbers": packed_columns.deflated(b"".join(columns)),
            "slices": packed_columns.deflated(bits.tobytes()),
        }

    def finish(self, blobs: dict[str, str], budget: int) -> Browser:
        """Adds as many texts as fit and says what was left out."""
        texts, shown = self._texts(budget)
        names, _, left = membership(self.table.table, SLICES)
        kind = self.view.evaluations[self.name].kind
        known = self.view.evaluations[self.name].item_measures
        what = next((found for one in self.sides.values() if (found := measure(one.records, known)[1])), None)
        models = list(self.sides)
        flips, flips_shown = int(self.flipped.sum()), int(self.flipped[self.order[:shown]].sum())
        head = {
            "name": self.name,
            "kind": kind,
            "variants": self.view.evaluations[self.name].role == "probe",
            "models": models,
            "pairs": [[models.index(base), models.index(candidate)] for base, candidate in self.pairs],
            "contests": [self.view.contest_of(self.name, *pair).key for pair in self.pairs],
            "fields": [FIELDS.get(field, field.replace("_", " ")) for field in self.table.fields],
            "answers": [cut(answer, ANSWER_LENGTH) for answer in self._answers()],
            "slices": [cut(name, 120) for name in names],
            "slicesLeft": left,
            "measure": [what.label, what.unit, what.better] if what is not None else ["", "", None],
            "scored": any(bool(np.isfinite(one.correct).any()) for one in self.sides.values()),
            "total": len(self.table),
            "shown": shown,
            "flips": flips,
            "flipsShown": flips_shown,
            "idLength": shortest(self.table.ids),
        }
        return Browser(head, {**blobs, "texts": texts}, shown, len(self.table), flips, flips_shown)

    def _texts(self, budget: int) -> tuple[str, int]:
        """Texts of the first rows of the rank order, as many as deflate to `budget` bytes."""
        guess, rows, raw = 0, list[Any](), 0
        while guess < len(self.order) and raw * _DEFLATED < budget * 1.15:
            step = self.order[guess : guess + 512]
            fresh = self._rows(step, guess)
            rows += fresh
            raw += sum(len(packed_columns.texts(row)) for row in fresh)
            guess += len(step)
        packed = packed_columns.deflated(packed_columns.texts(rows))
        while len(packed) > budget and rows:
            rows = rows[: int(len(rows) * min(0.98, budget / len(packed)))]
            packed = packed_columns.deflated(packed_columns.texts(rows))
        return packed, len(rows)

    def _rows(self, places: Any, first: int = 0) -> list[Any]:
        """Texts and evidence of some items; `first` is the rank of the first one."""
        evaluation = self.view.evaluations[self.name]
        none: list[dict[str, Any]] = [{}] * len(places)
        responses = [one.responses(places) if tells(one) else none for one in self.sides.values()]
        lead = self.pairs[0]
        for number, model in enumerate(self.sides):
            if model not in lead:
                responses[number] = [{k: v for k, v in one.items() if k != "pieces"} for one in responses[number]]
        rows = []
        for at, texts in enumerate(self.table.texts(places)):
            place = int(places[at])
            shown = [packed_columns.cut_bytes(texts.get(field, ""), TEXT_BYTES) for field in self.table.fields]
            given = [answers[at] for answers in responses]
            if first + at >= TOKEN_ITEMS:
                given = [{key: value for key, value in one.items() if key != "pieces"} for one in given]
            long = [
                None if self._listed(one) or one.answer[place] < 0 else one.answers[one.answer[place]]
                for one in self.sides.values()
            ]
            whole = shown[0] if shown and visible(shown[0]) == texts.get(self.table.fields[0]) else ""
            extra = extras(evaluation.kind, given, len(self.table.fields), len(whole))
            if any(long):
                extra["answers"] = [
                    None if text is None else packed_columns.cut_bytes(text, TEXT_BYTES) for text in long
                ]
                target = self._target(place)
                if target is not None:
                    extra["target"] = packed_columns.cut_bytes(target, TEXT_BYTES)
            rows.append(visible_tree([*shown, extra] if extra else shown))
        return rows

    def row(self, item: str) -> list[Any] | None:
        """One item's texts and evidence by its id or the beginning of it; None when it is unknown."""
        at = bisect.bisect_left(self.table.ids, item)
        if at == len(self.table) or not self.table.ids[at].startswith(item):
            return None
        found: list[Any] = self._rows(np.array([at]))[0]
        return found

    def _listed(self, one: Side) -> bool:
        """Whether a model's answers are few and short enough to be a list; else they stand with the texts."""
        return len(one.answers) <= ANSWERS and all(len(answer) <= ANSWER_LENGTH for answer in one.answers)

    def _targets(self) -> tuple[list[str], Any]:
        coded = self.table.targets().combine_chunks().dictionary_encode()
        values = coded.dictionary.to_pylist()
        if not readable(values, ANSWERS, ANSWER_LENGTH):
            return [], np.full(len(self.table), -1)
        codes = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
        return values, codes

    def _target(self, place: int) -> str | None:
        value: str | None = self.table.targets()[place].as_py()
        return value

    def _answers(self) -> list[str]:
        """All answers that index columns point into: targets first, then each model's."""
        out = list(self._targets()[0])
        for one in self.sides.values():
            out += one.answers if self._listed(one) else []
        return out

    def _offset(self, one: Side) -> Any:
        """A model's answer codes as places in `_answers`."""
        start = len(self._targets()[0])
        for other in self.sides.values():
            if other is one:
                break
            start += len(other.answers) if self._listed(other) else 0
        return np.where(one.answer < 0, -1, one.answer + start)

    def _unlisted(self, one: Side, known: dict[str, int]) -> Any:
        """Codes beyond the list for long answers, equal for equal texts, so that the page can tell what changed."""
        start = len(self._answers())
        codes = np.array([start + known.setdefault(text, len(known)) for text in one.answers] or [0], dtype=np.int64)
        return np.where((one.answer < 0) | (codes[one.answer] >= packed_columns.MISSING), -1, codes[one.answer])
