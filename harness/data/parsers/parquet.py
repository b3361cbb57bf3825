"""Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.errors import DataError, Where
from harness.data.parsers.raw_row import Raw
from harness.storage import memory_room

_ROW_BYTES, _CELL_BYTES = 200, 16
"""What Python takes for a row and a cell at the least; equal cells share their text."""


def parse_parquet(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """All columns of a Parquet file, in batches; `line` is the row's number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        _check_room(file.metadata, where)
        for batch in file.iter_batches(batch_size=4096):
            for fields in batch.to_pylist():
                number += 1
                yield Raw(number, fields)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"cannot read the Parquet file: {str(error).splitlines()[0]}", where=Where(where)) from None


def _check_room(metadata: Any, where: str) -> None:
    """A few hundred bytes can stand for billions of equal rows."""
    rows, columns = metadata.num_rows, metadata.num_columns
    what = f"the file holds {rows:,} rows of {columns:,} columns"
    memory_room.require(rows * (_ROW_BYTES + columns * _CELL_BYTES), what, Where(where))
