"""Reading one Parquet file.

`pyarrow.parquet.read_table` reads folders of files, too: for that it imports pyarrow's data sets and, where it is
installed, pandas, which together take longer than judging a stored run. `name=value` in a path is no column here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def read_table(path: Path) -> pa.Table:
    """All columns of a file.

    Raises:
        OSError: when the file cannot be read.
        pyarrow.ArrowException: when it is damaged.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read()
