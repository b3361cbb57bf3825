"""Anything that holds rows → columns: pandas frames, Arrow tables, lists of mappings, columns, files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, Where, unknown
from harness.core.storable import has_halves, replaced_note, storable
from harness.data.read_rows import TableFormat, content_of, read_rows

Columns = dict[str, list[Any]]
Table = Any
"""A pandas or polars DataFrame, a pyarrow Table, a list of mappings, a mapping of columns, or a path to a file of any
format that suites read."""


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A table as Python values.

    Attributes:
        side: what the table is, for messages.
        columns: name → cells; a cell that is not there is None.
        file: the path, where the table is a file.
        lines: the line of each row in the file.
        notes: what was guessed or replaced when the file was read.
    """

    side: str
    columns: Columns
    file: Path | None = None
    lines: Sequence[int] | None = None
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> list[Any]:
        """A column by name.

        Raises:
            DataError: when there is none; the nearest known one is named.
        """
        if name not in self.columns:
            raise DataError(f"{self.side}: {unknown('column', name, self.columns)}", where=self.place(None))
        return self.columns[name]

    def place(self, row: int | None) -> Where | None:
        """Where a row stands in the file; None where the table is no file."""
        if self.file is None:
            return None
        return Where(self.file, None if row is None or self.lines is None else self.lines[row])


def read_table(table: Table, side: str, index: str | None = None, table_format: TableFormat | None = None) -> ReadTable:
    """A table as Python values.

    Args:
        side: what the table is, for errors.
        index: a level of a frame's index that counts as a column, where no column has this name.
        table_format: how a file is read.

    Raises:
        DataError: when it is no table, has no rows, or columns of unequal length.
    """
    read = _file(Path(table), side, table_format) if isinstance(table, str | Path) else _given(table, side, index)
    lengths = {name: len(values) for name, values in read.columns.items()}
    if not lengths or not max(lengths.values()):
        raise DataError(f"{side} has no rows.", hint="pass one row per item.")
    if len(set(lengths.values())) > 1:
        raise DataError(f"{side} has columns of unequal length: {lengths}.")
    return read


def _given(table: Table, side: str, index: str | None) -> ReadTable:
    columns = _columns(table, side, index)
    halves = sum(isinstance(cell, str) and has_halves(cell) for cells in columns.values() for cell in cells)
    if halves:
        columns = {
            name: [storable(cell) if isinstance(cell, str) else cell for cell in cells]
            for name, cells in columns.items()
        }
    return ReadTable(side, columns, notes=(f"{side}: {replaced_note(halves)}",) if halves else ())


def _columns(table: Table, side: str, index: str | None) -> Columns:
    if hasattr(table, "to_pydict"):
        return _arrow(table, side)
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        _no_column_twice(map(str, table.columns), side)
        columns = {str(name): _cells(table[name]) for name in table.columns}
        named = index is not None and index not in columns and hasattr(table, "index")
        if index is not None and named and index in table.index.names:
            columns[index] = table.index.get_level_values(index).tolist()
        return columns
    if isinstance(table, Mapping):
        _no_column_twice(map(str, table), side)
        return {str(name): list(values) for name, values in table.items()}
    if isinstance(table, Sequence) and all(isinstance(row, Mapping) for row in table):
        return _of_rows(table)
    raise DataError(
        f"{side}: expected a pandas frame, an Arrow table, a list of mappings, a mapping of columns or a path, "
        f"found {type(table).__name__}."
    )


def _cells(series: Any) -> list[Any]:
    """The cells of a frame's column: pandas says `tolist`, polars `to_list`."""
    return list(series.tolist() if hasattr(series, "tolist") else series.to_list())


def _of_rows(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Columns of all names that any row has; a key that a row lacks is a missing cell, as in a file."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {str(name): [row.get(name) for row in rows] for name in names}


def _file(path: Path, side: str, table_format: TableFormat | None) -> ReadTable:
    try:
        read = read_rows(content_of(path), str(path), table_format or TableFormat())
    except DataError as error:
        raise DataError(f"{side}: {error.message}", where=error.where, hint=error.hint, notes=error.notes) from error
    if not read.rows:
        raise DataError(
            f"{side}: expected rows, found none.", where=Where(path), hint="check that this is the right file."
        )
    rows = [raw.fields for raw in read.rows]
    return ReadTable(side, _of_rows(rows), path, [raw.line for raw in read.rows], read.notes)


def _arrow(table: Any, side: str) -> Columns:
    _no_column_twice(table.schema.names, side)
    columns: Columns = table.to_pydict()
    return columns


def _no_column_twice(names: Iterable[str], side: str) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"{side} has duplicate columns: {', '.join(twice)}.")
