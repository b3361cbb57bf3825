"""The texts of an evaluation's items, stored once per run."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.core.arrow_columns import list_column, text_column
from harness.core.errors import DataError, Where
from harness.core.evaluation import Item
from harness.storage import atomic, plain_files
from harness.storage.parquet_file import read_table


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item as it stands in items/<evaluation>.parquet."""

    id: str
    texts: dict[str, str]
    target: str | None
    clusters: dict[str, str]
    slices: tuple[str, ...]
    tags: tuple[str, ...]


def write_items(path: Path, items: Iterable[Item | StoredItem]) -> None:
    """Writes the display texts of items, sorted by id."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = sorted(items, key=lambda item: item.id)
    table = pa.table(
        {
            "item_id": text_column([item.id for item in rows]),
            "texts": text_column([json.dumps(dict(item.texts), ensure_ascii=False) for item in rows]),
            "target": text_column([item.target for item in rows]),
            "clusters": text_column([json.dumps(dict(item.clusters), sort_keys=True) for item in rows]),
            "slices": list_column([item.slices for item in rows]),
            "tags": list_column([item.tags for item in rows]),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    atomic.write_bytes(path, sink.getvalue())


def read_items(path: Path) -> list[StoredItem]:
    """Reads what `write_items` wrote.

    Raises:
        DataError: when the file is missing or damaged.
    """
    import pyarrow as pa

    try:
        plain_files.require(path)
        return [
            StoredItem(
                row["item_id"],
                plain_files.parse_json(row["texts"]),
                row["target"],
                plain_files.parse_json(row["clusters"]),
                tuple(row["slices"]),
                tuple(row["tags"]),
            )
            for row in read_table(path).to_pylist()
        ]
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise DataError(f"cannot read items: {error}", where=Where(path), hint="rerun the suite.") from error
