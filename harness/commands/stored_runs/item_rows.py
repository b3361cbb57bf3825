"""The items of a stored run, one row each: what two models answered, its label, and whether that is in doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.commands.stored_runs.stored_suite import own_suite
from harness.comparisons.flips import CORRECT
from harness.comparisons.join import join
from harness.comparisons.label_errors import LabelDoubt, label_doubts
from harness.core.errors import DataError, HarnessError, Where, unknown
from harness.core.records import Records
from harness.core.reporter import Reporter
from harness.pipeline.prepared_suite import prepare
from harness.schema.results.results_file import HIDDEN_TEXT, Results
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

CASES = ("broken", "both_wrong", "fixed", "both_right")


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item.

    Attributes:
        case: `fixed` (wrong → right), `broken` (right → wrong), `both_wrong`, `both_right`.
        doubt: the label that both models are confident of against the item's own, or None.
        before, after: the answers of baseline and model.
    """

    evaluation: str
    item_id: str
    case: str
    doubt: LabelDoubt | None
    target: str | None
    before: str | None
    after: str | None
    slices: tuple[str, ...]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ItemChoice:
    """Which items are wanted.

    Attributes:
        evaluations: their names; every one with right and wrong answers when empty.
        baseline, model: whose answers; the evaluation's baseline and the released model when None.
        cases: of `CASES`; all when empty.
        slices: an item is in all of them.
        doubtful: only items whose label is in doubt.
    """

    evaluations: tuple[str, ...] = ()
    baseline: str | None = None
    model: str | None = None
    cases: frozenset[str] = frozenset()
    slices: tuple[str, ...] = ()
    doubtful: bool = False


def item_rows(run: RunDir, choice: ItemChoice, store: Store, reporter: Reporter) -> list[ItemRow]:
    """The chosen items: those with a doubtful label first, the most confident on top; then broken, wrong, fixed, right.

    Raises:
        DataError: for a name that the run does not have, and for a run without right and wrong answers.
    """
    results = run.read_results()
    known = {evaluation.name: evaluation for evaluation in results.evaluations}
    for name in choice.evaluations:
        if name not in known:
            raise DataError(unknown("evaluation", name, known), where=Where(run.path))
    rows: list[ItemRow] = []
    judged = 0
    for name in choice.evaluations or known:
        baseline, model = choice.baseline or known[name].baseline, choice.model or _released(run, results)
        sides = _sides(run, name, baseline, model, named=bool(choice.evaluations))
        if sides is None:
            continue
        judged += 1
        rows += _rows(run, name, sides, choice, {*known[name].slice_counts.get(model, {})})
    if not judged:
        raise DataError(
            "no evaluation of this run has right and wrong answers of both models.",
            where=Where(run.path),
            hint="choose models with records: --baseline NAME --model NAME.",
        )
    order = {case: place for place, case in enumerate(CASES)}
    rows.sort(key=lambda row: (row.doubt is None, -(row.doubt.confidence if row.doubt else 0), order[row.case]))
    return _with_texts(run, results, rows, store, reporter)


def _released(run: RunDir, results: Results) -> str:
    if not results.release:
        raise DataError("the run releases no model.", where=Where(run.path), hint="choose one: --model NAME.")
    return results.release[0]


def _sides(run: RunDir, evaluation: str, baseline: str, model: str, *, named: bool) -> tuple[Records, Records] | None:
    there = run.models(evaluation)
    lacking = [name for name in (baseline, model) if name not in there]
    if lacking and named:
        raise DataError(unknown(f"model of {evaluation}", lacking[0], there), where=Where(run.path))
    if lacking:
        return None
    base, candidate = run.records(evaluation, baseline), run.records(evaluation, model)
    return (base, candidate) if all(CORRECT in side.stat_names for side in (base, candidate)) else None


def _rows(
    run: RunDir, evaluation: str, sides: tuple[Records, Records], choice: ItemChoice, known_slices: Collection[str]
) -> list[ItemRow]:
    joined = join(*sides)
    if joined.fault is not None:
        raise DataError(f"{evaluation}: {joined.fault}", where=Where(run.path))
    base, candidate = sides[0].take(joined.base_rows), sides[1].take(joined.candidate_rows)
    known = {*base.slice_names, *known_slices}
    for name in choice.slices:
        if name not in known:
            raise DataError(unknown(f"slice of {evaluation}", name, sorted(known)), where=Where(run.path))
    doubts = label_doubts([base, candidate])
    items = {item.id: item for item in run.read_items(evaluation)}
    right = [side.stat(CORRECT) > 0.5 for side in (base, candidate)]
    rows = []
    for place, item in enumerate(base.item_ids):
        case = _case(right[0][place], right[1][place])
        slices = tuple(base.texts("slices")[place])
        if (choice.cases and case not in choice.cases) or not set(choice.slices) <= set(slices):
            continue
        if choice.doubtful and item not in doubts:
            continue
        texts = items[item].texts if item in items else {}
        answers = [side.texts("prediction")[place] for side in (base, candidate)]
        target = base.texts("target")[place]
        rows.append(ItemRow(evaluation, item, case, doubts.get(item), target, answers[0], answers[1], slices, texts))
    return rows


def _case(before: np.bool_, after: np.bool_) -> str:
    if before:
        return "both_right" if after else "broken"
    return "fixed" if after else "both_wrong"


def _with_texts(
    run: RunDir, results: Results, rows: Sequence[ItemRow], store: Store, reporter: Reporter
) -> list[ItemRow]:
    """The rows with their texts, which are read again from the data where the run holds none."""
    hidden = {row.evaluation for row in rows if HIDDEN_TEXT in row.texts.values()}
    if not hidden:
        return list(rows)
    try:
        asked = prepare(own_suite(run, held=False), store, reporter, limit=results.limit).evaluations
        texts: dict[tuple[str, str], Mapping[str, str]] = {
            (name, item.id): item.texts
            for name in hidden
            if name in asked
            for item in asked[name].evaluation.items(asked[name].data, asked[name].split)
        }
    except HarnessError as error:
        reporter.warn(f"the run holds no texts, and the data cannot be read: {error.message}")
        return list(rows)
    lacking = sum((row.evaluation, row.item_id) not in texts for row in rows)
    if lacking:
        reporter.warn(f"{lacking} of {len(rows)} items are not in the data any more; their texts are not shown")
    return [_shown(row, texts.get((row.evaluation, row.item_id))) for row in rows]


def _shown(row: ItemRow, texts: Mapping[str, str] | None) -> ItemRow:
    return row if texts is None else replace(row, texts=texts)


def csv_rows(rows: Sequence[ItemRow]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows for a spreadsheet; `new_label` is empty, for whoever relabels."""
    fields = list(dict.fromkeys(f"text.{name}" for row in rows for name in row.texts))
    columns = ["evaluation", "item_id", "case", "label", "new_label", "suggested", "confidence", "baseline", "model"]
    columns += ["slices", *fields]
    made = []
    for row in rows:
        cells: dict[str, Any] = dict.fromkeys(columns, "")
        cells |= {
            "evaluation": row.evaluation, "item_id": row.item_id, "case": row.case, "label": row.target or "",
            "suggested": row.doubt.label if row.doubt else "",
            "confidence": f"{row.doubt.confidence:.3f}" if row.doubt else "",
            "baseline": row.before or "", "model": row.after or "", "slices": " ".join(row.slices),
        }  # fmt: skip
        cells |= {f"text.{name}": text for name, text in row.texts.items()}
        made.append(cells)
    return columns, made
