"""Columns → records, with every fault that would make a comparison a lie."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import pyarrow as pa

from harness.api.measures import CLUSTER
from harness.api.table_columns import Columns, column, is_missing
from harness.core.digests import text_digest
from harness.core.errors import DataError
from harness.core.labels import label_text
from harness.core.records import OK, STAT_PREFIX, Records, RecordsHead

_SHOWN = 3
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns are what."""

    id: str
    target: str | None
    prediction: str | None
    cluster: str | None
    slices: tuple[str, ...]
    text: tuple[str, ...]
    numbers: tuple[str, ...]


def records_of(columns: Columns, layout: Layout, name: str, side: str) -> Records:
    """The records of one side, sorted by id.

    Raises:
        DataError: a missing or repeated id, a missing value, a score that is no finite number.
    """
    ids = [
        _text(value, f"{side}, row {row}, column {layout.id!r}")
        for row, value in enumerate(column(columns, layout.id, side))
    ]
    _no_repeats(ids, side)
    order = sorted(range(len(ids)), key=ids.__getitem__)

    def ordered(name: str) -> list[Any]:
        values = column(columns, name, side)
        return [values[row] for row in order]

    def texts(name: str) -> list[str]:
        return [
            _text(value, f"{side}, item {ids[row]!r}, column {name!r}")
            for row, value in zip(order, ordered(name), strict=True)
        ]

    sorted_ids = [ids[row] for row in order]
    count = len(order)
    target = texts(layout.target) if layout.target is not None else None
    prediction = texts(layout.prediction) if layout.prediction is not None else None
    if layout.target is not None and layout.prediction is not None:
        _alike(columns[layout.target], columns[layout.prediction], side, layout)
    content = [texts(one) for one in layout.text] + ([target] if target is not None else [])
    digests = _digests(content) if content else sorted_ids
    groups = texts(layout.cluster) if layout.cluster is not None else None
    sliced = [(one, texts(one)) for one in layout.slices]
    table: dict[str, Any] = {
        "item_id": pa.array(sorted_ids, pa.string()),
        "item_digest": pa.array(digests, pa.string()),
        "status": pa.array([OK] * count, pa.string()),
        "clusters": pa.array(
            ["{}"] * count if groups is None else [json.dumps({CLUSTER: group}) for group in groups], pa.string()
        ),
        "slices": pa.array(
            [[f"{key}={values[row]}" for key, values in sliced] for row in range(count)], pa.list_(pa.string())
        ),
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
        right = [float(one == other) for one, other in zip(target, prediction, strict=True)]
        table[STAT_PREFIX + "correct"] = pa.array(right, pa.float64())
    for one in layout.numbers:
        values = [
            _number(value, f"{side}, item {item!r}, column {one!r}")
            for item, value in zip(sorted_ids, ordered(one), strict=True)
        ]
        table[STAT_PREFIX + one] = pa.array(values, pa.float64())
    return Records(RecordsHead(name, side, "given"), pa.table(table))


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
    ours, theirs = (dict(zip(one.item_ids, one.texts("slices"), strict=True)) for one in (base, candidate))
    return [item for item in ours if item in shared and ours[item] != theirs[item]]


def _digests(content: Sequence[Sequence[str]]) -> list[str]:
    """A digest of each row's texts; equal rows, as of labels alone, are digested once."""
    known: dict[tuple[str, ...], str] = {}
    found = []
    for values in zip(*content, strict=True):
        if values not in known:
            known[values] = text_digest(*values)
        found.append(known[values])
    return found


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


def _strings(values: list[str] | None, count: int) -> pa.Array:
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


def _text(value: Any, where: str) -> str:
    if is_missing(value):
        raise DataError(f"{where}: missing value.", hint="fill it in, or remove the item on both sides.")
    return label_text(value)


def _written(text: str) -> float | str:
    """A number or truth value as csv files hold it; else the text."""
    if _NUMBER.fullmatch(text.strip()):
        return float(text)
    return {"true": 1.0, "false": 0.0}.get(text.strip().lower(), text)


def _number(value: Any, where: str) -> float:
    if is_missing(value):
        raise DataError(
            f"{where}: expected a number, found none (NaN).",
            hint="a missing score is not zero: find the cause, or remove the item.",
        )
    if isinstance(value, str):
        value = _written(value)
    if hasattr(value, "__float__"):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise DataError(f"{where}: expected a finite number, found {value!r}.")
