"""Reading one Parquet file.

`pyarrow.parquet.read_table` reads folders of files, too: for that it imports pyarrow's data sets and, where it is
installed, pandas, which together take longer than judging a stored run. `name=value` in a path is no column here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.arrow_columns import Columns, number_column
from harness.core.errors import DataError, Where

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


def read_table(path: Path) -> pa.Table:
    """All columns of a file.

    Raises:
        OSError: when the file cannot be read.
        pyarrow.ArrowException: when it is damaged.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read()


_WHOLE = 20_000
"""Files of at most this many rows are read as a whole."""


def columns_of(path: Path) -> tuple[Columns, Mapping[bytes, bytes]]:
    """The columns of a file and its schema's metadata; of a large file, each column is read when it is asked for.

    Raises:
        OSError: when the file cannot be read.
        pyarrow.ArrowException: when it is damaged.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    metadata = file.schema_arrow.metadata or {}
    if file.metadata.num_rows > _WHOLE:
        return FileColumns(path, file), metadata
    with file:
        return file.read(), metadata


class FileColumns:
    """The columns of an open file. It stays open, so that what is read later is of the same file.

    The column that was read last stays in memory: it is often the next one, too.
    """

    def __init__(self, path: Path, file: pq.ParquetFile) -> None:
        self._path, self._file = path, file
        self._last: tuple[str, pa.ChunkedArray] | None = None

    @property
    def column_names(self) -> list[str]:
        return list(self._file.schema_arrow.names)

    @property
    def num_rows(self) -> int:
        return int(self._file.metadata.num_rows)

    def column(self, name: str) -> pa.ChunkedArray:
        import pyarrow as pa

        if self._last is None or self._last[0] != name:
            try:
                # By its name: arrow reads `a.b`, too, for `a`.
                self._last = name, self._file.read([name]).column(name)
            except (OSError, pa.ArrowException) as error:
                raise DataError(f"cannot read the column {name!r}: {error}", where=Where(self._path)) from error
        return self._last[1]

    def at(self, name: str, rows: npt.NDArray[np.int64]) -> list[Any]:
        """The values of some rows; no more than one group of rows is held.

        Raises:
            DataError: when the file cannot be read.
        """
        import pyarrow as pa

        values: list[Any] = [None] * len(rows)
        start = 0
        for group in range(self._file.num_row_groups):
            end = start + self._file.metadata.row_group(group).num_rows
            places = np.flatnonzero((rows >= start) & (rows < end))
            if len(places):
                try:
                    column = self._file.read_row_group(group, [name]).column(name)
                except (OSError, pa.ArrowException) as error:
                    raise DataError(f"cannot read the column {name!r}: {error}", where=Where(self._path)) from error
                taken = column.take(number_column(rows[places] - start)).to_pylist()
                for place, value in zip(places.tolist(), taken, strict=True):
                    values[place] = value
            start = end
        return values
