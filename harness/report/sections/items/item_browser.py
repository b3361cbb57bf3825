"""The item browser's data: every item's numbers, and the texts of those that changed most, within a byte budget.

Flips come first, by the change of their margin; a fifth of the room is kept for a sample of the rest (by a
hash of the id, so that it depends on nothing else). What did not fit is counted, never hidden.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.core.arrow_columns import numbers_of
from harness.report.sections.items.item_evidence import extras, readable, shown_keys
from harness.report.view.item_columns import ItemTable, Side, aligned_side, measure, membership
from harness.report.view.item_ranking import ranked, shortest
from harness.report.view.run_view import LANGUAGE_MODELLING, RunView
from harness.report.web import item_data
from harness.report.wording.glossary import FIELDS
from harness.report.wording.safe_text import cut, visible, visible_tree
from harness.schema.results.inputs import ItemMeasureResult
from harness.schema.results.number_format import level

TEXT_BYTES = 2000
"""A single text longer than this many bytes of UTF-8 is cut."""
TOKEN_ITEMS = 30
"""Log-likelihoods by token stand in the page for this many items an evaluation, of the first pair of models."""
LEAST_LENGTH = 20
"""Running text shorter than this (in what its measure is per: bytes) is not ranked."""
SLICES = 60
ANSWERS = 400
ANSWER_LENGTH = 120
_COMPRESSED = 0.45
"""First guess of what a byte of text costs in the page (gzip, then base64)."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What the page gets of one evaluation.

    Attributes:
        head: small facts, part of the page's main data.
        columns: ids, answers, values and slices of all items; see `Loaded.columns`.
        texts: a row of texts and evidence for each of the first items; both are gzipped JSON in base64.
        shown, total: items with texts in the page, and all of them.
        flips, flips_shown: items whose outcome changed in any comparison, and those with their texts.
    """

    head: dict[str, Any]
    columns: str
    texts: str
    shown: int
    total: int
    flips: int
    flips_shown: int

    @property
    def size(self) -> int:
        return len(self.columns) + len(self.texts)


def load(view: RunView) -> list[Loaded]:
    """The evaluations of which the run holds items and the records of two compared models."""
    return [loaded for name in view.evaluations if (loaded := Loaded.open(view, name)) is not None]


def item_measures(view: RunView, name: str) -> list[ItemMeasureResult]:
    """What items are ordered by: running text by the sum over the whole text, so that short texts do not lead."""
    evaluation = view.evaluations[name]
    if evaluation.kind != LANGUAGE_MODELLING:
        return evaluation.item_measures
    whole: dict[str, Any] = {
        "per": [],
        "divisor": 1.0,
        "empty": None,
        "label": "negative log-likelihood of the whole text",
        "unit": "nats",
    }
    return [known.model_copy(update=whole) for known in evaluation.item_measures]


def _long_enough(side: Side, measures: Sequence[ItemMeasureResult]) -> Side:
    """Running text that is too short to be read has no value, and so no place among the items that changed most."""
    names = [name for known in measures[:1] for name in known.per if name in side.records.stat_names]
    if not names or not len(side.records):
        return side
    size = np.sum([side.records.stat(name) for name in names], axis=0)[np.maximum(side.rows, 0)]
    return replace(side, value=np.where(size >= LEAST_LENGTH, side.value, np.nan))


def browsers(loaded: Sequence[Loaded], budget: int) -> list[Browser]:
    """One entry for each evaluation, together about `budget` bytes.

    Smaller evaluations are served first, so that what they leave goes to the larger ones; those with right
    and wrong answers get four times the room of running text, probes twice.
    """
    columns = [evaluation.columns() for evaluation in loaded]
    room = budget - sum(map(len, columns))
    out: dict[int, Browser] = {}
    order = sorted(range(len(loaded)), key=lambda k: (len(loaded[k].table), k))
    for done, place in enumerate(order):
        weights = [loaded[k].weight for k in order[done:]]
        out[place] = loaded[place].finish(columns[place], max(0, room * weights[0] // sum(weights)))
        room -= len(out[place].texts)
    return [out[place] for place in range(len(loaded))]


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
        measures = item_measures(view, name)
        sides = {
            model: aligned_side(records, measures, table.ids)
            for model in models
            if (records := view.records(name, model)) is not None and len(records)
        }
        if view.evaluations[name].kind == LANGUAGE_MODELLING:
            sides = {model: _long_enough(side, view.evaluations[name].item_measures) for model, side in sides.items()}
        pairs = [pair for pair in wanted if pair[0] in sides and pair[1] in sides]
        if not pairs:
            return None
        return cls(view, name, table, sides, pairs, *ranked(table, sides, pairs))

    @property
    def weight(self) -> int:
        """Its share of the room for texts."""
        evaluation = self.view.evaluations[self.name]
        return 1 if evaluation.kind == LANGUAGE_MODELLING else 2 if evaluation.role == "probe" else 4

    def columns(self) -> str:
        """Columns of all items, in rank order, as the page reads them.

        `ids`, `target` (places in the head's answers), `slices` (the sets of slices that items are in, and each
        item's set) and for each model `answer`, `correct` and `value`.
        """
        order = self.order
        ids = self.table.ids
        short = shortest(ids)
        unlisted: dict[str, int] = {}
        sides = []
        for side in self.sides.values():
            answers = self._offset(side) if self._listed(side) else self._unlisted(side, unlisted)
            sides.append(
                {
                    "answer": item_data.codes(answers[order]),
                    "correct": item_data.flags(side.correct[order]),
                    "value": item_data.rounded(side.value[order]),
                }
            )
        return item_data.compress(
            {
                "ids": visible_tree([ids[place][:short] for place in order]),
                "target": item_data.codes(self._targets()[1][order]),
                "slices": item_data.groups(membership(self.table.table, SLICES)[1][:, order]),
                "sides": sides,
            }
        )

    def finish(self, columns: str, budget: int) -> Browser:
        """Adds as many texts as fit and says what was left out."""
        texts, shown = self._texts(budget)
        names, _, left = membership(self.table.table, SLICES)
        kind = self.view.evaluations[self.name].kind
        known = item_measures(self.view, self.name)
        measures = (measure(side.records, known)[1] for side in self.sides.values())
        what = next((measure for measure in measures if measure is not None), None)
        models = list(self.sides)
        flips, flips_shown = int(self.flipped.sum()), int(self.flipped[self.order[:shown]].sum())
        lead, levels = self._leading_levels()
        head = {
            "name": self.name,
            "kind": kind,
            "variants": self.view.evaluations[self.name].role == "probe",
            "models": models,
            "lead": lead,
            "levels": levels,
            "pairs": [[models.index(base), models.index(candidate)] for base, candidate in self.pairs],
            "contests": [self.view.contest_of(self.name, *pair).key for pair in self.pairs],
            "fields": [FIELDS.get(field, field.replace("_", " ")) for field in self.table.fields],
            "answers": [cut(answer, ANSWER_LENGTH) for answer in self._answers()],
            "slices": [cut(name, 120) for name in names],
            "slicesLeft": left,
            "measure": [what.label, what.unit, what.better] if what is not None else ["", "", None],
            "scored": any(bool(np.isfinite(side.correct).any()) for side in self.sides.values()),
            "total": len(self.table),
            "shown": shown,
            "flips": flips,
            "flipsShown": flips_shown,
            "idLength": shortest(self.table.ids),
        }
        return Browser(head, columns, texts, shown, len(self.table), flips, flips_shown)

    def _leading_levels(self) -> tuple[str, list[str]]:
        """The evaluation's leading metric in a few words, and its level for each model; empty where there is none."""
        metric = next(iter(self.view.evaluations[self.name].metrics), "")
        rows = [self.view.metric(f"{self.name}.{metric}", model) for model in self.sides]
        levels = [
            "" if row is None else level(row.interval.value, row.unit, row.interval.low, row.interval.high)
            for row in rows
        ]
        return (self.view.short(self.name, metric) if any(levels) else ""), levels

    def _texts(self, budget: int) -> tuple[str, int]:
        """Texts of the first rows of the rank order, as many as compress to `budget` bytes, and how many."""
        rows: list[Any] = []
        raw = 0
        while len(rows) < len(self.order) and raw * _COMPRESSED < budget * 1.15:
            fresh = self._rows(self.order[len(rows) : len(rows) + 512], len(rows))
            rows += fresh
            raw += len(item_data.json_bytes(fresh))
        texts = item_data.compress(rows)
        while len(texts) > budget and rows:
            rows = rows[: int(len(rows) * min(0.98, budget / len(texts)))]
            texts = item_data.compress(rows)
        return texts, len(rows)

    def _rows(self, places: Any, first: int = 0) -> list[Any]:
        """Texts and evidence of some items; `first` is the rank of the first one, −1 of one that is asked for alone."""
        evaluation = self.view.evaluations[self.name]
        responses = self._responses(places, first)
        listed = all(map(self._listed, self.sides.values()))
        rows = []
        for at, texts in enumerate(self.table.texts(places)):
            shown = [item_data.cut_bytes(texts.get(field, ""), TEXT_BYTES) for field in self.table.fields]
            whole = shown[0] if shown and visible(shown[0]) == texts.get(self.table.fields[0]) else ""
            given = [answers[at] for answers in responses]
            extra = extras(evaluation.kind, given, len(self.table.fields), len(whole))
            if not listed:
                extra |= self._written(int(places[at]))
            rows.append(visible_tree([*shown, extra] if extra else shown))
        return rows

    def _responses(self, places: Any, first: int) -> list[list[dict[str, Any]]]:
        """Each model's responses to some items; likelihoods by token only of the first pair and the first items."""
        out = []
        for model, side in self.sides.items():
            kept = 1 if first < 0 else max(0, TOKEN_ITEMS - first) if model in self.pairs[0] else 0
            told = shown_keys(side)
            read = len(places) if told - {"pieces"} else min(kept, len(places)) if told else 0
            responses = [*side.responses(places[:read]), *({} for _ in range(len(places) - read))]
            out.append(
                [
                    response if at < kept else {key: value for key, value in response.items() if key != "pieces"}
                    for at, response in enumerate(responses)
                ]
            )
        return out

    def _written(self, place: int) -> dict[str, Any]:
        """The answers of an item that are too many or too long to be listed, with its target."""
        long = [
            None if self._listed(side) or side.answer[place] < 0 else side.answers[side.answer[place]]
            for side in self.sides.values()
        ]
        if not any(long):
            return {}
        written: dict[str, Any] = {
            "answers": [None if text is None else item_data.cut_bytes(text, TEXT_BYTES) for text in long]
        }
        target: str | None = self.table.targets()[place].as_py()
        if target is not None:
            written["target"] = item_data.cut_bytes(target, TEXT_BYTES)
        return written

    def row(self, item: str) -> list[Any] | None:
        """One item's texts and evidence by its id or the beginning of it; None when it is unknown."""
        at = bisect.bisect_left(self.table.ids, item)
        if at == len(self.table) or not self.table.ids[at].startswith(item):
            return None
        row: list[Any] = self._rows(np.array([at]), -1)[0]
        return row

    def _listed(self, side: Side) -> bool:
        """Whether a model's answers are few and short enough to be a list; else they stand with the texts."""
        return len(side.answers) <= ANSWERS and all(len(answer) <= ANSWER_LENGTH for answer in side.answers)

    def _targets(self) -> tuple[list[str], Any]:
        coded = self.table.targets().combine_chunks().dictionary_encode()
        values = coded.dictionary.to_pylist()
        if not readable(values, ANSWERS, ANSWER_LENGTH):
            return [], np.full(len(self.table), -1)
        codes = numbers_of(coded.indices, np.int64, -1)
        return values, codes

    def _answers(self) -> list[str]:
        """All answers that index columns point into: targets first, then each model's."""
        out = list(self._targets()[0])
        for side in self.sides.values():
            out += side.answers if self._listed(side) else []
        return out

    def _offset(self, side: Side) -> Any:
        """A model's answer codes as places in `_answers`."""
        start = len(self._targets()[0])
        for other in self.sides.values():
            if other is side:
                break
            start += len(other.answers) if self._listed(other) else 0
        return np.where(side.answer < 0, -1, side.answer + start)

    def _unlisted(self, side: Side, known: dict[str, int]) -> Any:
        """Codes beyond the list for long answers, equal for equal texts, so that the page can tell what changed."""
        start = len(self._answers())
        codes = np.array([start + known.setdefault(text, len(known)) for text in side.answers] or [0], dtype=np.int64)
        return np.where(side.answer < 0, -1, codes[side.answer])
