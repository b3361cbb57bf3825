"""Items and records of one evaluation as columns: one row an item, in the order of item ids."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from harness.core.arrow_columns import number_column, numbers_of, text_column
from harness.core.errors import DataError, Where
from harness.core.records import BoolArray, FloatArray, Records
from harness.schema.results.inputs import ItemMeasureResult
from harness.storage.parquet_file import read_table

IntArray = npt.NDArray[np.int64]


class ItemTable:
    """items/<evaluation>.parquet; texts are only read for the rows that are asked for."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    @classmethod
    def read(cls, path: Path) -> ItemTable:
        """
        Raises:
            DataError: when the file is damaged.
        """
        try:
            table = read_table(path)
            table.column("item_id")
        except (OSError, pa.ArrowException, KeyError) as error:
            raise DataError(f"cannot read items: {error}", where=Where(path), hint="run the suite again.") from error
        return cls(table.sort_by("item_id"))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def ids(self) -> list[str]:
        return list(self.table.column("item_id").to_pylist())

    @cached_property
    def fields(self) -> list[str]:
        """The names of the texts, in the order in which they are first seen among the first thousand items."""
        rows = self.texts(range(min(len(self), 1000)))
        return list(dict.fromkeys(field for row in rows for field in row))

    def texts(self, places: Any) -> list[dict[str, str]]:
        return [json.loads(text) for text in self.values("texts", places)]

    def values(self, column: str, places: Any) -> list[Any]:
        """The values of some items in a column: `target`, `slices`, …"""
        return list(self.table.column(column).take(number_column(np.asarray(places, np.int64))).to_pylist())

    def targets(self) -> pa.ChunkedArray:
        return self.table.column("target")


@dataclass(frozen=True, slots=True)
class Side:
    """One model's columns in the order of the items; NaN, -1 and None where it has no record.

    Attributes:
        value: what items are ordered by (see `measure`).
        answers: the distinct answers; `answer` holds places in it, -1 without one.
        rows: places of the items in `records`, -1 where there is none.
    """

    records: Records
    rows: IntArray
    value: FloatArray
    correct: FloatArray
    answer: IntArray
    answers: list[str]

    def responses(self, places: Any) -> list[dict[str, Any]]:
        """What the model gave for some items; empty where it has no record."""
        rows = self.rows[np.asarray(places, dtype=np.int64)]
        known = self.records.at("response", np.maximum(rows, 0))
        return [json.loads(text) if row >= 0 and text else {} for row, text in zip(rows, known, strict=True)]


def measure(records: Records, measures: Sequence[ItemMeasureResult]) -> tuple[FloatArray, ItemMeasureResult | None]:
    """The number per item whose change is of interest, float64[n], and what it is; NaN and None where there is none.

    Args:
        measures: the evaluation's; the first one that a record has a value of counts.
    """
    for known in measures:
        values = _measured(records, known)
        if values is not None and np.isfinite(values).any():
            return values, known
    return np.full(len(records), np.nan), None


def _measured(records: Records, known: ItemMeasureResult) -> FloatArray | None:
    names = records.stat_names
    if (known.statistic != "margin" and known.statistic not in names) or any(name not in names for name in known.per):
        return None
    values = records.numbers("margin") if known.statistic == "margin" else records.stat(known.statistic)
    if not known.per:
        return values
    total = np.sum([records.stat(name) for name in known.per], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = values / total / known.divisor
    if known.empty is not None:
        values = np.where(total == 0, known.empty, values)
    return np.where(np.isfinite(values), values, np.nan)


def aligned_side(records: Records, measures: Sequence[ItemMeasureResult], ids: list[str]) -> Side:
    """Aligns a model's records with the items."""
    rows = _places(records.column("item_id"), text_column(ids))
    known = rows >= 0
    answers = records.column("prediction").combine_chunks().dictionary_encode()
    codes = numbers_of(answers.indices, np.int64, -1)
    scored = "correct" in records.stat_names
    correct = np.where(records.ok, records.stat("correct"), np.nan) if scored else np.full(len(records), np.nan)
    value, _ = measure(records, measures)

    def aligned(column: FloatArray) -> FloatArray:
        return np.where(known, column[rows], np.nan) if len(column) else np.full(len(ids), np.nan)

    code = np.where(known, codes[rows], -1) if len(codes) else np.full(len(ids), -1)
    return Side(records, rows, aligned(value), aligned(correct), code, answers.dictionary.to_pylist())


def _places(there: pa.ChunkedArray, ids: pa.Array) -> IntArray:
    """Where each of `ids` stands among `there`; -1 when it does not."""
    if there.equals(pa.chunked_array([ids])):
        return np.arange(len(ids), dtype=np.int64)
    return numbers_of(pc.index_in(ids, value_set=there.combine_chunks()), np.int64, -1)


def membership(table: pa.Table, limit: int) -> tuple[list[str], BoolArray, int]:
    """The most frequent slices by name, bool[slices, rows], and how many slices were left out."""
    column = table.column("slices").combine_chunks()
    flat = pc.list_flatten(column).dictionary_encode()
    names = flat.dictionary.to_pylist()
    codes = numbers_of(flat.indices, np.int64, -1)
    parents = numbers_of(pc.list_parent_indices(column), np.int64, -1)
    sizes = np.bincount(codes, minlength=len(names))
    ranked = sorted(range(len(names)), key=lambda code: (-int(sizes[code]), names[code]))[:limit]
    chosen = sorted(ranked, key=lambda code: str(names[code]))
    place = np.full(len(names), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    inside = np.zeros((len(chosen), table.num_rows), dtype=np.bool_)
    kept = place[codes] >= 0 if len(codes) else np.zeros(0, dtype=np.bool_)
    inside[place[codes[kept]], parents[kept]] = True
    return [names[code] for code in chosen], inside, len(names) - len(chosen)
