"""A dataset: named, typed, fingerprinted rows with disjoint splits, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from harness.core.errors import DataError, unknown

T = TypeVar("T")


class OnDemand(Mapping[str, T]):
    """Values by name, each made once, at the first look at it.

    Args:
        makers: name → what makes its value.
    """

    def __init__(self, makers: Mapping[str, Callable[[], T]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers


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


class RowsOnDemand(OnDemand[Sequence[Row]]):
    """Split → rows that are made at the first look: a run whose answers are known needs few of them.

    Args:
        makers: split → what makes its rows.
        sizes: split → how many rows and clusters it has, where that is known without making them.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Sequence[Row]]], sizes: Mapping[str, Size]) -> None:
        super().__init__(makers)
        self.sizes = dict(sizes)


Size = tuple[int, int]
"""Rows and clusters."""


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
    rows: Mapping[str, Sequence[Row]]
    columns: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def size(self, split: str) -> Size:
        """How many rows and clusters a split has; rows that are made on demand are not made for it."""
        known = self.rows.sizes if isinstance(self.rows, RowsOnDemand) else {}
        if split not in known:
            rows = self.rows.get(split, ())
            return len(rows), len({row.cluster for row in rows})
        return known[split]

    def with_train(self, make: Callable[[], Sequence[Row]]) -> Dataset:
        """The same with other training rows, made when they are looked at."""
        makers = {split: partial(self.rows.__getitem__, split) for split in self.rows}
        known = self.rows.sizes if isinstance(self.rows, RowsOnDemand) else {}
        sizes = {split: size for split, size in known.items() if split != "train"}
        return replace(self, rows=RowsOnDemand({**makers, "train": make}, sizes))

    def split(self, name: str) -> Sequence[Row]:
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
