"""The texts of an evaluation's items, stored once per run."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.arrow_columns import list_column, text_column
from harness.core.errors import DataError, Where
from harness.core.evaluation import Item
from harness.storage import atomic, plain_files
from harness.storage.parquet_file import read_table

if TYPE_CHECKING:
    import pyarrow as pa

_PART = 4096
"""Items that exist as objects together."""


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
    write_sorted_items(path, sorted(items, key=lambda item: item.id))


def write_sorted_items(path: Path, items: Iterable[Item | StoredItem]) -> None:
    """Writes the display texts of items that come in the order of their ids, a part at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    left = iter(items)
    parts = [_columns(list(islice(left, _PART)))]
    while part := list(islice(left, _PART)):
        parts.append(_columns(part))
    sink = io.BytesIO()
    pq.write_table(pa.concat_tables(parts), sink, compression="zstd")
    atomic.write_bytes(path, sink.getbuffer())


def _columns(rows: Sequence[Item | StoredItem]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "item_id": text_column([item.id for item in rows]),
            "texts": text_column([json.dumps(dict(item.texts), ensure_ascii=False) for item in rows]),
            "target": text_column([item.target for item in rows]),
            "clusters": text_column([json.dumps(dict(item.clusters), sort_keys=True) for item in rows]),
            "slices": list_column([item.slices for item in rows]),
            "tags": list_column([item.tags for item in rows]),
        }
    )


def read_items(path: Path) -> list[StoredItem]:
    """Reads what `write_items` wrote.

    Raises:
        DataError: when the file is missing or damaged.
    """
    return list(each_item(path))


def each_item(path: Path) -> Iterator[StoredItem]:
    """The same, item by item.

    Raises:
        DataError: as `read_items` does.
    """
    import pyarrow as pa

    try:
        plain_files.require(path)
        table = read_table(path)
        for start in range(0, table.num_rows, _PART):
            for row in table.slice(start, _PART).to_pylist():
                yield StoredItem(
                    row["item_id"],
                    plain_files.parse_json(row["texts"]),
                    row["target"],
                    plain_files.parse_json(row["clusters"]),
                    tuple(row["slices"]),
                    tuple(row["tags"]),
                )
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise DataError(f"cannot read items: {error}", where=Where(path), hint="rerun the suite.") from error
