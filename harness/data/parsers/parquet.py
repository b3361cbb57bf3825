"""Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.errors import DataError, Where
from harness.data.parsers.raw_row import Raw


def parse_parquet(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """All columns of a Parquet file, in batches; `line` is the row's number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        for batch in file.iter_batches(batch_size=4096):
            for fields in batch.to_pylist():
                number += 1
                yield Raw(number, fields)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"cannot read the Parquet file: {str(error).splitlines()[0]}", where=Where(where)) from None
