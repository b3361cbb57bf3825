"""Five worst regressions and five best gains of a pair, with what both models answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.report.sections.items.item_browser import Loaded, item_measures
from harness.report.view.item_columns import Side
from harness.report.view.run_view import LANGUAGE_MODELLING, ModelPair, RunView
from harness.report.wording.safe_text import cut
from harness.schema.results import number_format

SHOWN = 5
TEXT_LENGTH = 220


@dataclass(frozen=True, slots=True)
class Said:
    """What a model answered; `right` is None where there is no right answer."""

    model: str
    answer: str
    right: bool | None


@dataclass(frozen=True, slots=True)
class Example:
    item_id: str
    text: str
    target: str
    before: Said
    after: Said
    slices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """`worst` and `best` of one evaluation, and how many there are in all."""

    evaluation: str
    worst: list[Example]
    best: list[Example]
    broken: int
    fixed: int
    scored: bool


def examples(view: RunView, pair: ModelPair, loaded: Sequence[Loaded]) -> Examples | None:
    """Of the first task with items of both models; running text only where there is no other task."""
    order = sorted(
        (entry for entry in loaded if view.evaluations[entry.name].role == "task"),
        key=lambda entry: view.evaluations[entry.name].kind == LANGUAGE_MODELLING,
    )
    for entry in order:
        sides = entry.sides
        base = view.against(pair, entry.name)
        if base in sides and pair.candidate in sides and (base, pair.candidate) in entry.pairs:
            made = _examples(view, entry, (base, pair.candidate))
            if made.worst or made.best:
                return made
    return None


def _examples(view: RunView, loaded: Loaded, names: tuple[str, str]) -> Examples:
    before, after = (loaded.sides[name] for name in names)
    measures = item_measures(view, loaded.name)
    lower = bool(measures) and measures[0].better == "lower"
    with np.errstate(invalid="ignore"):
        gain = np.nan_to_num((after.value - before.value) * (-1.0 if lower else 1.0))
    scored = bool(np.isfinite(before.correct).any() and np.isfinite(after.correct).any())
    flip = np.nan_to_num(after.correct - before.correct) if scored else np.sign(gain)
    worst, best = np.flatnonzero(flip < 0), np.flatnonzero(flip > 0)
    first = [int(place) for place in worst[np.argsort(gain[worst], kind="stable")][:SHOWN]]
    last = [int(place) for place in best[np.argsort(-gain[best], kind="stable")][:SHOWN]]
    shown = [_shown(loaded, places, names, (before, after)) for places in (first, last)]
    return Examples(loaded.name, shown[0], shown[1], len(worst), len(best), scored)


def _shown(loaded: Loaded, places: list[int], names: tuple[str, str], sides: tuple[Side, Side]) -> list[Example]:
    table = loaded.table
    slices, targets = table.values("slices", places), table.values("target", places)
    given = [side.responses(places) for side in sides]
    rows = []
    for at, (place, texts) in enumerate(zip(places, table.texts(places), strict=True)):
        said = [_said(names[k], sides[k], place, given[k][at]) for k in (0, 1)]
        # Some items hold their reference among their texts; it stands beside them already.
        parts = [part for part in texts.values() if part]
        asked = [part for part in parts if part != targets[at]] or parts
        text = cut(" / ".join(asked), TEXT_LENGTH)
        target = cut(targets[at] or "", 60)
        rows.append(Example(table.ids[place], text, target, said[0], said[1], tuple(slices[at][:2])))
    return rows


def _said(model: str, side: Side, place: int, response: Mapping[str, Any]) -> Said:
    answer = side.answers[side.answer[place]] if side.answer[place] >= 0 else ""
    right = None if np.isnan(side.correct[place]) else bool(side.correct[place] >= 0.5)
    logs = response.get("log_p")
    share = logs.get(answer) if isinstance(logs, dict) else None
    sure = f" {np.exp(share):.0%}" if isinstance(share, int | float) else ""
    if not answer and np.isfinite(side.value[place]):
        answer = number_format.fixed(float(side.value[place]), 2)
    return Said(model, f"{cut(answer, 60)}{sure}", right)
