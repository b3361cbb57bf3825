"""Columns → records, with every fault that would make a comparison a lie."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import pyarrow as pa

from harness.api.measures import CLUSTER
from harness.api.table_columns import ReadTable
from harness.core.digests import text_digest
from harness.core.errors import DataError
from harness.core.labels import (
    Normalization,
    check_label_cells,
    is_missing,
    label_text,
    mixed_spellings,
    normalized_label,
)
from harness.core.records import OK, STAT_PREFIX, Records, RecordsHead

MISSING = "missing"
"""The slice of rows that have no value in a column of slices."""
_SHOWN = 3
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns are what.

    Attributes:
        judged: metrics of target and prediction are asked for, so a row without a target is left out.
        missing_cluster: `own` lets a row without a cluster be one of its own.
        normalize: what is done to labels before they are compared.
    """

    id: str
    target: str | None
    prediction: str | None
    cluster: str | None
    slices: tuple[str, ...]
    text: tuple[str, ...]
    numbers: tuple[str, ...]
    judged: bool = True
    missing_cluster: Literal["error", "own"] = "error"
    normalize: tuple[Normalization, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadSide:
    """The records of one side, and what a reader of the figures must know of its rows."""

    records: Records
    notes: tuple[str, ...]


def records_of(table: ReadTable, layout: Layout, name: str) -> ReadSide:
    """The records of one side, sorted by id.

    Rows without a target are left out and counted, those without a prediction are wrong and counted.

    Raises:
        DataError: a missing or repeated id, a missing cluster, a score that is no finite number, or no row with a
            target.
    """
    for role, column in (("id", layout.id), ("cluster", layout.cluster), *(("slice", name) for name in layout.slices)):
        if column is not None:
            check_label_cells(table.column(column), column, table.place, role)
    ids = [_id(table, layout.id, row, value) for row, value in enumerate(table.column(layout.id))]
    _no_repeats(ids, table.side)
    rows, notes = _judged_rows(table, layout, len(ids))
    order = sorted(rows, key=ids.__getitem__)
    count = len(order)

    def labels(column: str | None) -> list[str | None] | None:
        if column is None:
            return None
        cells = table.column(column)
        if layout.judged:
            check_label_cells(cells, column, table.place)
        return [_label(cells[row], layout) for row in order]

    target, prediction = labels(layout.target), labels(layout.prediction)
    if layout.target is not None and layout.prediction is not None:
        _alike(table.columns[layout.target], table.columns[layout.prediction], table.side, layout)
        notes += _unread(prediction or (), table.side) if layout.judged else []
    content = [
        [label_text("" if is_missing(cell) else cell) for cell in table.column(column)] for column in layout.text
    ]
    parts = [[cells[row] for row in order] for cells in content]
    if target is not None:
        parts.append([label or "" for label in target])
    sorted_ids = [ids[row] for row in order]
    columns: dict[str, Any] = {
        "item_id": pa.array(sorted_ids, pa.string()),
        "item_digest": pa.array(_digests(parts) if parts else sorted_ids, pa.string()),
        "status": pa.array([OK] * count, pa.string()),
        "clusters": pa.array(_clusters(table, layout, order, ids), pa.string()),
        "slices": pa.array(_slices(table, layout, order), pa.list_(pa.string())),
        "tags": pa.array([[]] * count, pa.list_(pa.string())),
        "overlap": pa.array([False] * count, pa.bool_()),
        "target": _strings(target, count),
        "prediction": _strings(prediction, count),
        "response": pa.array(["{}"] * count, pa.string()),
        "margin": pa.array([None] * count, pa.float64()),
        "tied": pa.array([False] * count, pa.bool_()),
        "truncated": pa.array([0] * count, pa.int64()),
        "finish": pa.array([None] * count, pa.string()),
    }
    if target is not None and prediction is not None:
        right = [float(predicted == other) for predicted, other in zip(target, prediction, strict=True)]
        columns[STAT_PREFIX + "correct"] = pa.array(right, pa.float64())
    for number_column in layout.numbers:
        cells = table.column(number_column)
        values = [_number(cells[row], table, f"item {ids[row]!r}, column {number_column!r}", row) for row in order]
        columns[STAT_PREFIX + number_column] = pa.array(values, pa.float64())
    return ReadSide(Records(RecordsHead(name, table.side, "given"), pa.table(columns)), (*table.notes, *notes))


def spelling_notes(tables: Sequence[ReadTable], layout: Layout) -> list[str]:
    """What is spelled in several ways among the targets and predictions of both sides."""
    names = [name for name in (layout.target, layout.prediction) if name is not None and layout.judged]
    cells = (cell for table in tables for name in names for cell in table.columns[name])
    return mixed_spellings(cells, layout.normalize)


def _id(table: ReadTable, column: str, row: int, value: Any) -> str:
    if is_missing(value):
        raise DataError(
            f"{table.side}, row {row}, column {column!r}: missing value.",
            where=table.place(row),
            hint="fill it in, or remove the item on both sides.",
        )
    return label_text(value)


def _judged_rows(table: ReadTable, layout: Layout, count: int) -> tuple[list[int], list[str]]:
    """The rows that have a target, and how many do not."""
    if layout.target is None or not layout.judged:
        return list(range(count)), []
    kept = [row for row, value in enumerate(table.column(layout.target)) if not is_missing(value)]
    if not kept:
        raise DataError(
            f"{table.side}: column {layout.target!r} has no value in any row.",
            where=table.place(0),
            hint="name the column of right answers with target=….",
        )
    lost = count - len(kept)
    return kept, [f"{table.side}: {_rows(lost)} no target and {_are(lost)} left out"] if lost else []


def _unread(prediction: Sequence[str | None], side: str) -> list[str]:
    lost = sum(label is None for label in prediction)
    return [f"{side}: {_rows(lost)} no prediction and {'counts' if lost == 1 else 'count'} as wrong"] if lost else []


def _rows(count: int) -> str:
    return "1 row has" if count == 1 else f"{count} rows have"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _label(value: Any, layout: Layout) -> str | None:
    return None if is_missing(value) else normalized_label(label_text(value), layout.normalize)


def _clusters(table: ReadTable, layout: Layout, order: Sequence[int], ids: Sequence[str]) -> list[str]:
    if layout.cluster is None:
        return ["{}"] * len(order)
    cells = table.column(layout.cluster)
    made = []
    for row in order:
        if is_missing(cells[row]) and layout.missing_cluster == "error":
            raise DataError(
                f"{table.side}, item {ids[row]!r}: the column {layout.cluster!r} has no value, so the row's cluster is "
                f"unknown.",
                where=table.place(row),
                hint="fill it in, or pass missing_cluster='own' to let every such row be a cluster of its own.",
            )
        # A text with an escape in front is no cell's text: a cluster of its own meets no other.
        own = f"\x1b{ids[row]}" if is_missing(cells[row]) else label_text(cells[row])
        made.append(json.dumps({CLUSTER: own}))
    return made


def _slices(table: ReadTable, layout: Layout, order: Sequence[int]) -> list[list[str]]:
    columns = [(name, table.column(name)) for name in layout.slices]
    return [
        [f"{name}={MISSING if is_missing(cells[row]) else label_text(cells[row])}" for name, cells in columns]
        for row in order
    ]


def check_pairs(base: Records, candidate: Records, *, missing: str) -> None:
    """Refuses sides that do not hold the same items.

    Raises:
        DataError: ids of one side only (unless `missing` is `drop`), or other content under one id.
    """
    ours, theirs = (
        dict(zip(base.item_ids, base.texts("item_digest"), strict=True)),
        dict(zip(candidate.item_ids, candidate.texts("item_digest"), strict=True)),
    )
    only = ([item for item in ours if item not in theirs], [item for item in theirs if item not in ours])
    shared = [item for item in ours if item in theirs]
    if not shared:
        raise DataError(
            f"the two sides share no id: {_few(only[0])} vs. {_few(only[1])}.",
            hint="the `id` column pairs the items; use the same ids on both sides.",
        )
    if missing != "drop" and (only[0] or only[1]):
        raise DataError(
            f"the two sides have different items: {len(only[0])} only in base ({_few(only[0])}), "
            f"{len(only[1])} only in candidate ({_few(only[1])}).",
            hint="add the missing items, or pass missing='drop' to compare the shared items; the result reports how "
            "many.",
        )
    unequal = [item for item in shared if ours[item] != theirs[item]]
    moved = _moved(base, candidate, set(shared))
    if moved:
        raise DataError(
            f"{len(moved)} items have different slices on the two sides ({_few(moved)}).",
            hint="a slice is a property of the item; both sides need the same value.",
        )
    if unequal:
        raise DataError(
            f"{len(unequal)} ids refer to different items on the two sides ({_few(unequal)}): the text or target "
            f"differs.",
            hint="use ids that identify the item; row numbers do not.",
        )


def _moved(base: Records, candidate: Records, shared: set[str]) -> list[str]:
    ours, theirs = (dict(zip(records.item_ids, records.texts("slices"), strict=True)) for records in (base, candidate))
    return [item for item in ours if item in shared and ours[item] != theirs[item]]


def _digests(content: Sequence[Sequence[str]]) -> list[str]:
    """A digest of each row's texts; equal rows, as of labels alone, are digested once."""
    known: dict[tuple[str, ...], str] = {}
    digests = []
    for values in zip(*content, strict=True):
        if values not in known:
            known[values] = text_digest(*values)
        digests.append(known[values])
    return digests


def _alike(target: Sequence[Any], prediction: Sequence[Any], side: str, layout: Layout) -> None:
    """Refuses truth values against numbers: as texts, True and 1 would never be equal."""
    kinds = [{_truth(value) for value in values} for values in (target, prediction)]
    if None not in kinds[0] | kinds[1] and kinds[0] != kinds[1]:
        raise DataError(
            f"{side}: the columns {layout.target!r} and {layout.prediction!r} mix Boolean values and numbers.",
            hint="use one representation, such as 0 and 1.",
        )


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return True
    return False if isinstance(value, Real) else None


def _strings(values: list[str | None] | None, count: int) -> pa.Array:
    return pa.nulls(count, pa.string()) if values is None else pa.array(values, pa.string())


def _no_repeats(ids: Sequence[str], side: str) -> None:
    twice = sorted(item for item, count in Counter(ids).items() if count > 1)
    if twice:
        raise DataError(
            f"{side} has {len(twice)} ids more than once: {_few(twice)}.",
            hint="use one row per item, and specify the id column.",
        )


def _few(items: Sequence[str]) -> str:
    return ", ".join(map(repr, items[:_SHOWN])) + (", …" if len(items) > _SHOWN else "") if items else "none"


def _written(text: str) -> float | str:
    """A number or truth value as csv files hold it; else the text."""
    if _NUMBER.fullmatch(text.strip()):
        return float(text)
    return {"true": 1.0, "false": 0.0}.get(text.strip().lower(), text)


def _number(value: Any, table: ReadTable, what: str, row: int) -> float:
    if is_missing(value):
        raise DataError(
            f"{table.side}, {what}: expected a number, found none (NaN).",
            where=table.place(row),
            hint="a missing score is not zero: find the cause, or remove the item.",
        )
    given = _written(value) if isinstance(value, str) else value
    if hasattr(given, "__float__"):
        try:
            number = float(given)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise DataError(f"{table.side}, {what}: expected a finite number, found {value!r}.", where=table.place(row))
