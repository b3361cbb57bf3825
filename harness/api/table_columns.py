"""Anything that holds rows → columns: pandas frames, Arrow tables, lists of mappings, columns, files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, Where, unknown

Columns = dict[str, list[Any]]
Table = Any
"""A pandas DataFrame, a pyarrow Table, a list of mappings, a mapping of columns, or a path to csv, jsonl or parquet."""


def columns_of(table: Table, side: str, index: str | None = None) -> Columns:
    """The columns of a table as Python values.

    Args:
        side: what the table is, for errors.
        index: a level of a frame's index that counts as a column, where no column has this name.

    Raises:
        DataError: when it is no table, has no rows, or rows of unequal columns.
    """
    found = _columns(table, side, index)
    lengths = {name: len(values) for name, values in found.items()}
    if not lengths or not max(lengths.values()):
        raise DataError(f"{side} has no rows.", hint="pass one row per item.")
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
    if type(value).__name__ in {"NAType", "NaTType"}:
        return True
    # numpy's numbers and dates, Decimal: only what is no value differs from itself.
    return type(value).__module__ in {"numpy", "decimal"} and not hasattr(value, "__len__") and value != value


def _columns(table: Table, side: str, index: str | None) -> Columns:
    if isinstance(table, str | Path):
        return _file(Path(table), side)
    if hasattr(table, "to_pydict"):
        return _arrow(table, side)
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        _no_column_twice(map(str, table.columns), side)
        found = {str(name): table[name].tolist() for name in table.columns}
        if index is not None and index not in found and index in getattr(table.index, "names", ()):
            found[index] = table.index.get_level_values(index).tolist()
        return found
    if isinstance(table, Mapping):
        _no_column_twice(map(str, table), side)
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
    import pyarrow.json
    import pyarrow.parquet

    readers = {
        ".parquet": pyarrow.parquet.read_table,
        ".csv": _csv,
        ".jsonl": pyarrow.json.read_json,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{side}: expected a file of kind {', '.join(readers)}, found {path.suffix or 'no suffix'!r}.",
            where=Where(path),
        )
    try:
        read = reader(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{side} cannot be read: {error}", where=Where(path)) from error
    return _arrow(read, side)


def _csv(path: Path) -> Any:
    """A csv file as texts, so that no column is guessed to be of another type than its neighbor.

    Guessed, "true" would be a truth value in a column of "true" and "false" and a text beside a "maybe",
    and the label "01" the number 1. Only `1.0` is written as `1`, as for all other tables.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv

    names = pyarrow.csv.open_csv(path).schema.names
    options = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    read = pyarrow.csv.read_csv(path, convert_options=options)
    whole = [pc.replace_substring_regex(one, r"^(-?[0-9]+)\.0+$", r"\1") for one in read.columns]
    return pa.table(whole, names=read.schema.names)


def _arrow(table: Any, side: str) -> Columns:
    _no_column_twice(table.schema.names, side)
    found: Columns = table.to_pydict()
    return found


def _no_column_twice(names: Iterable[str], side: str) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"{side} has duplicate columns: {', '.join(twice)}.")
