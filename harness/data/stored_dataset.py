"""Datasets in the store: one Parquet file, and facts in the entry's manifest."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.dataset import SPLITS, Dataset, Row, RowsOnDemand
from harness.storage.parquet_file import read_table
from harness.storage.store import Entry

if TYPE_CHECKING:
    import pyarrow as pa

KIND = "data"
DATA_FORMAT = 3
"""Part of every key: raise it when preparation, splits or the file change."""

_FILE = "rows.parquet"
_ID, _SPLIT, _CLUSTER, _SLICES, _LINE = "#id", "#split", "#cluster", "#slices", "#line"


def write(dataset: Dataset, folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Writes the rows and returns the entry's meta data."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    order = [(split, row) for split in SPLITS for row in dataset.rows.get(split, ())]
    table = {
        _ID: pa.array([row.id for _, row in order], pa.string()),
        _SPLIT: pa.array([split for split, _ in order], pa.string()),
        _CLUSTER: pa.array([row.cluster for _, row in order], pa.string()),
        _SLICES: pa.array([json.dumps(row.slices) for _, row in order], pa.string()),
        _LINE: pa.array([row.line for _, row in order], pa.int64()),
    }
    for column in dataset.columns:
        table[column] = pa.array([row.fields[column] for _, row in order])
    pq.write_table(pa.table(table), folder / _FILE, compression="zstd")
    return {
        "fingerprint": dataset.fingerprint,
        "columns": list(dataset.columns),
        "labels": {column: list(known) for column, known in dataset.labels.items()},
        "splits": list(dataset.rows),
        "facts": {**dataset.facts, **facts},
    }


def read(name: str, entry: Entry) -> Dataset:
    """The dataset of a finished entry (its bytes are checked by the store)."""

    meta = entry.meta
    columns: list[str] = meta["columns"]
    table = read_table(entry.path / _FILE)
    facts = meta["facts"]
    sizes = {
        split: (facts["rows"][split], facts["clusters"][split])
        for split in meta["splits"]
        if split in facts.get("rows", ()) and split in facts.get("clusters", ())
    }
    counts = {row["values"]: row["counts"] for row in table.column(_SPLIT).value_counts().to_pylist()}
    makers = {}
    first = 0
    for split in SPLITS:  # the order in which they are written
        if split in meta["splits"]:
            makers[split] = partial(_split_rows, table.slice(first, counts.get(split, 0)), columns)
        first += counts.get(split, 0)
    return Dataset(
        name=name,
        fingerprint=meta["fingerprint"],
        rows=RowsOnDemand(makers, sizes),
        columns=tuple(columns),
        labels={column: tuple(known) for column, known in meta["labels"].items()},
        facts=meta["facts"],
    )


def _split_rows(part: pa.Table, columns: Sequence[str]) -> tuple[Row, ...]:
    slices: dict[str, tuple[str, ...]] = {}
    rows = []
    with _without_collection():
        own = zip(*(part.column(column).to_pylist() for column in (_ID, _CLUSTER, _SLICES, _LINE)), strict=True)
        values = zip(*(part.column(column).to_pylist() for column in columns), strict=True)
        for (identity, cluster, packed, line), cells in zip(own, values, strict=True):
            if packed not in slices:
                slices[packed] = tuple(json.loads(packed))
            rows.append(Row(identity, dict(zip(columns, cells, strict=True)), cluster, slices[packed], line))
    return tuple(rows)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Many small objects that all stay: the garbage collector would walk them again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
