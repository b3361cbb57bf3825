"""Datasets in the store: one Parquet file, and facts in the entry's manifest."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from harness.core.dataset import SPLITS, Dataset, RowsOnDemand
from harness.data.row_table import SPLIT, RowTable
from harness.storage.parquet_file import read_table
from harness.storage.store import Entry

KIND = "data"
DATA_FORMAT = 3
"""Part of every key: raise it when preparation, splits or the file change."""

_FILE = "rows.parquet"


def write(dataset: Dataset, folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Writes the rows and returns the entry's meta data."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = []
    for split in SPLITS:
        rows = dataset.rows.get(split, ())
        table = (rows if isinstance(rows, RowTable) else RowTable.of(rows, dataset.columns)).table
        parts.append(table.add_column(1, SPLIT, pa.array([split] * table.num_rows, pa.string())))
    pq.write_table(pa.concat_tables(parts, promote_options="permissive"), folder / _FILE, compression="zstd")
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
    counts = {row["values"]: row["counts"] for row in table.column(SPLIT).value_counts().to_pylist()}
    makers = {}
    first = 0
    for split in SPLITS:  # the order in which they are written
        if split in meta["splits"]:
            makers[split] = partial(RowTable, table.slice(first, counts.get(split, 0)), columns)
        first += counts.get(split, 0)
    return Dataset(
        name=name,
        fingerprint=meta["fingerprint"],
        rows=RowsOnDemand(makers, sizes),
        columns=tuple(columns),
        labels={column: tuple(known) for column, known in meta["labels"].items()},
        facts=meta["facts"],
    )
