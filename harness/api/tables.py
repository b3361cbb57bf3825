"""Anything that holds rows → columns: pandas frames, Arrow tables, lists of mappings, columns, files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, Where, unknown

Columns = dict[str, list[Any]]
Table = Any
"""A pandas DataFrame, a pyarrow Table, a list of mappings, a mapping of columns, or a path to csv, jsonl or parquet."""


def columns_of(table: Table, side: str) -> Columns:
    """The columns of a table as Python values.

    Args:
        side: what the table is, for errors.

    Raises:
        DataError: when it is no table, has no rows, or rows of unequal columns.
    """
    found = _columns(table, side)
    lengths = {name: len(values) for name, values in found.items()}
    if not lengths or not max(lengths.values()):
        raise DataError(f"{side} has no rows.", hint="give one row for each item.")
    if len(set(lengths.values())) > 1:
        raise DataError(f"{side} has columns of unequal length: {lengths}.")
    return found


def column(columns: Columns, name: str, side: str) -> list[Any]:
    """A column by name.

    Raises:
        DataError: when there is none; the nearest known one is named.
    """
    if name not in columns:
        raise DataError(f"{side}: {unknown('column', name, columns)}")
    return columns[name]


def is_missing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA: nothing that could be a value."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in {"NAType", "NaTType"}


def _columns(table: Table, side: str) -> Columns:
    if isinstance(table, str | Path):
        return _file(Path(table), side)
    if hasattr(table, "to_pydict"):
        found: Columns = table.to_pydict()
        return found
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        names = [str(name) for name in table.columns]
        if len(set(names)) < len(names):
            raise DataError(f"{side} has a column twice: {names}.")
        return {str(name): table[name].tolist() for name in table.columns}
    if isinstance(table, Mapping):
        return {str(name): list(values) for name, values in table.items()}
    if isinstance(table, Sequence) and all(isinstance(row, Mapping) for row in table):
        return _rows(table, side)
    raise DataError(
        f"{side}: expected a pandas frame, an Arrow table, a list of mappings, a mapping of columns or a path, "
        f"found {type(table).__name__}."
    )


def _rows(rows: Sequence[Mapping[str, Any]], side: str) -> Columns:
    if not rows:
        return {}
    names = list(rows[0])
    for number, row in enumerate(rows):
        if set(row) != set(names):
            raise DataError(f"{side}, row {number}: expected the keys {sorted(names)}, found {sorted(row)}.")
    return {name: [row[name] for row in rows] for name in names}


def _file(path: Path, side: str) -> Columns:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet

    readers = {
        ".parquet": pyarrow.parquet.read_table,
        ".csv": pyarrow.csv.read_csv,
        ".jsonl": pyarrow.json.read_json,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{side}: expected a file of kind {', '.join(readers)}, found {path.suffix or 'no suffix'!r}.",
            where=Where(path),
        )
    try:
        read: Columns = reader(path).to_pydict()
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{side} cannot be read: {error}", where=Where(path)) from error
    return read
