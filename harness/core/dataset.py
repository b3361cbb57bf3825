"""A dataset: named, typed, fingerprinted rows with disjoint splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.errors import DataError, unknown

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        id: content hash (of source, original id and fields).
        fields: column → value (text, label, numbers).
        cluster: the parent that the row belongs to; rows of one parent are never split apart.
        slices: overlapping groups as `key=value`, such as `source=tweets`.
        line: where it begins in the user's file, for messages; 0 where it comes from no such file.
    """

    id: str
    fields: Mapping[str, Any]
    cluster: str
    slices: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows by split, with what provenance and reports need.

    Attributes:
        name: catalog name or the name in the suite.
        fingerprint: digest of every split's rows in order; part of content keys.
        rows: split → rows.
        labels: label column → its labels, in a fixed order.
        facts: license, citation, caveats, source that was used, digests, bytes, dropped rows.
    """

    name: str
    fingerprint: str
    rows: Mapping[str, tuple[Row, ...]]
    columns: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def split(self, name: str) -> tuple[Row, ...]:
        """The rows of a split.

        Raises:
            DataError: when the split does not exist or is empty.
        """
        if name not in self.rows:
            raise DataError(f"data {self.name!r}: {unknown('split', name, self.rows)}")
        if not self.rows[name]:
            raise DataError(
                f"data {self.name!r}: the split {name!r} is empty.",
                hint="add rows, or change the split fractions (`splits: {train: 0.8, validation: 0.1, test: 0.1}`).",
            )
        return self.rows[name]

    def place(self, row: Row) -> str:
        """Where a row stands, for messages: by file and line, else by its id."""
        source = str(self.facts.get("source", ""))
        if row.line and source.startswith("file "):
            return f"data {self.name!r}, {source.removeprefix('file ')}:{row.line}"
        return f"data {self.name!r}, row {row.id}"

    def texts(self, split: str, column: str) -> Iterator[str]:
        """The texts of one column.

        Raises:
            DataError: when the column does not exist.
        """
        self.require(column)
        for row in self.split(split):
            yield str(row.fields[column])

    def require(self, column: str) -> None:
        if column in self.columns:
            return
        reason = self.facts.get("incomplete_columns", {}).get(column)
        if reason is not None:
            raise DataError(
                f"data {self.name!r}: the column {column!r} cannot be used: it {reason}.",
                hint="fill in the cell, or remove the row.",
            )
        raise DataError(f"data {self.name!r}: {unknown('column', column, self.columns)}")
