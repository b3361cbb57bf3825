"""The rows of a split, kept as columns: a row of a large split exists while somebody looks at it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from harness.core.arrow_columns import number_column, text_column
from harness.core.dataset import Row

if TYPE_CHECKING:
    import pyarrow as pa

ID, SPLIT, CLUSTER, SLICES, LINE = "#id", "#split", "#cluster", "#slices", "#line"
"""Columns beside those of the data."""
PART = 4096
"""Rows that exist together while a large table is read through."""
_KEPT = 20_000
"""Tables of at most this many rows keep their rows once made: they are read again and again."""


class RowTable(Sequence[Row]):
    """Rows over an arrow table.

    Args:
        table: the columns of the data, and `#id`, `#cluster`, `#slices` (JSON) and `#line`.
        columns: those of the data, in their order.
    """

    def __init__(self, table: pa.Table, columns: Sequence[str]) -> None:
        self.table = table
        self.columns = tuple(columns)

    @classmethod
    def of(cls, rows: Iterable[Row], columns: Sequence[str]) -> RowTable:
        """Columns of rows, which are read a part at a time."""
        filled = RowColumns(columns)
        for row in rows:
            filled.add(row)
        return filled.table()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._kept) if len(self) <= _KEPT else self._made(self.table)

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if len(self) <= _KEPT:
            return self._kept[place]
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            part = RowTable(self.table.slice(start, max(0, stop - start)), self.columns)
            return part if step == 1 else tuple(self[row] for row in range(start, stop, step))
        row = range(len(self))[place]
        return next(self._made(self.table.slice(row, 1)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(Row.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]  # equal to any sequence of equal rows

    @cached_property
    def _kept(self) -> tuple[Row, ...]:
        return tuple(self._made(self.table))

    def _made(self, table: pa.Table) -> Iterator[Row]:
        slices: dict[str, tuple[str, ...]] = {}
        for start in range(0, table.num_rows, PART):
            part = table.slice(start, PART)
            own = zip(*(part.column(column).to_pylist() for column in (ID, CLUSTER, SLICES, LINE)), strict=True)
            values = zip(*(part.column(column).to_pylist() for column in self.columns), strict=True)
            for (identity, cluster, packed, line), cells in zip(own, values, strict=True):
                if packed not in slices:
                    slices[packed] = tuple(json.loads(packed))
                fields = dict(zip(self.columns, cells, strict=True))
                yield Row(identity, fields, cluster, slices[packed], line)


class RowColumns:
    """Collects rows one by one; as columns, where they are many.

    Args:
        columns: those of the data.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._parts: list[pa.Table] = []
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) > _KEPT:
            self._flush()

    def rows(self) -> Sequence[Row]:
        """What was added: the rows themselves, where they are few."""
        return self.table() if self._parts else tuple(self._rows)

    def table(self) -> RowTable:
        """What was added, as columns."""
        import pyarrow as pa

        if self._rows or not self._parts:
            self._flush()
        return RowTable(pa.concat_tables(self._parts, promote_options="permissive"), self._columns)

    def _flush(self) -> None:
        import pyarrow as pa

        rows, self._rows = self._rows, []
        own: dict[str, pa.Array] = {
            ID: text_column([row.id for row in rows]),
            CLUSTER: text_column([row.cluster for row in rows]),
            SLICES: text_column([json.dumps(row.slices) for row in rows]),
            LINE: number_column(np.array([row.line for row in rows], np.int64)),
        }
        cells = {column: _column([row.fields[column] for row in rows]) for column in self._columns}
        self._parts.append(pa.table({**own, **cells}))


def _column(cells: list[Any]) -> pa.Array:
    import pyarrow as pa

    # arrow's own reserves up to twice of what texts need.
    return text_column(cells) if cells and all(type(cell) is str for cell in cells) else pa.array(cells)


def cluster_count(rows: Sequence[Row]) -> int:
    """How many clusters rows have."""
    if isinstance(rows, RowTable):
        import pyarrow.compute as pc

        return int(pc.count_distinct(rows.table.column(CLUSTER)).as_py())
    return len({row.cluster for row in rows})


def without(rows: Sequence[Row], ids: Collection[str], columns: Sequence[str]) -> Sequence[Row]:
    """The rows but those with these ids."""
    left = RowColumns(columns)
    for row in rows:
        if row.id not in ids:
            left.add(row)
    return left.rows()
