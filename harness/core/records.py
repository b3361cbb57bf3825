"""Records: what one model did on one item, kept as columns.

One `Records` is one model on one evaluation. It is stored as Parquet (storage/records_file.py) and read back without
a model, of a large file each column when it is asked for; metrics read its columns, comparisons join two of them by
item id.
"""

from __future__ import annotations

import itertools
import json
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.arrow_columns import (
    Columns,
    RowReader,
    TakenColumns,
    flag_column,
    holds_text,
    list_column,
    number_column,
    numbers_of,
    optional_numbers,
    parts_of,
    text_column,
)
from harness.core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

STAT_PREFIX = "stat."
SCATTER = "sampling_variance."
"""Before the name of a statistic of sampled answers: the variance of its mean over them, given the item."""
ITEM = "item"
"""The unit of independence of items that stand alone: every item is a cluster of its own."""
COSTLY = "costly"
"""The statistic of items of which chance chose some: 1 where the costly value (a judge's verdict, a person's label) was
asked for, 0 where it was not. Metrics of that value have none there; see `comparisons.adjusted_figures`."""
EXPECTED = "expected_"
"""Before the name of a statistic: what the model expects it to be, known without a label."""
_PART = 4096
OK, UNREAD, FAILED, SKIPPED = "ok", "unread", "failed", "skipped"

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Record:
    """One model's work on one item.

    Attributes:
        item_id: content hash; the same item has the same id in every run.
        item_digest: digest of what was asked about (text, target); guards against equal ids of
            unequal items.
        status: `ok`, `unread` (answered, but not readable), `failed`, `skipped`.
        clusters: unit → cluster id (`parent`, `template`, …).
        slices: overlapping groups as `key=value`.
        target: the right answer, where there is one.
        prediction: the model's answer, as a short text.
        response: what the model gave, JSON-able, small.
        margin: how decided the answer is, in the evaluation's own unit (signed toward right).
        stats: sufficient statistics that metrics add up; finite when status is `ok`.
    """

    item_id: str
    item_digest: str
    status: str = OK
    clusters: Mapping[str, str] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    overlap: bool = False
    target: str | None = None
    prediction: str | None = None
    response: Mapping[str, Any] = field(default_factory=dict)
    margin: float | None = None
    tied: bool = False
    truncated: int = 0
    finish: str | None = None
    stats: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordsHead:
    """What holds for all records of one file: which evaluation, which model, answered how."""

    evaluation: str
    model_digest: str
    protocol: str
    seed: int = 0
    sample: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


class Records:
    """The records of one model on one evaluation, as columns in item-id order.

    Raises:
        DataError: on duplicate item ids.
    """

    def __init__(self, head: RecordsHead, columns: pa.Table | Columns) -> None:
        self.head = head
        self._columns = columns
        self._clusters: dict[str, list[str]] = {}

    @classmethod
    def of(cls, head: RecordsHead, records: Iterable[Record]) -> Records:
        """Builds the columns; rows are sorted by item id, so that order never matters.

        Args:
            records: read a part at a time, so that a million of them need not stand in memory as objects.
        """
        left = iter(records)
        parts = []
        while part := list(itertools.islice(left, _PART)):
            parts.append(_columns(part))
        return cls.joined(head, parts or [_columns([])])

    @classmethod
    def joined(cls, head: RecordsHead, parts: Sequence[pa.Table]) -> Records:
        """Puts tables of records of different items together; what a part has no statistic of is NaN."""
        import pyarrow as pa
        import pyarrow.compute as pc

        table = pa.concat_tables(parts, promote_options="default")
        ids = table.column("item_id")
        if not pc.all(pc.less(ids.slice(0, max(0, len(ids) - 1)), ids.slice(1)), min_count=0).as_py():
            table = table.take(pc.sort_indices(table, sort_keys=[("item_id", "ascending")]))
            ids = table.column("item_id")
        if pc.count_distinct(ids).as_py() < len(ids):
            twice = next(item for item, other in itertools.pairwise(ids.to_pylist()) if item == other)
            raise DataError(
                f"evaluation {head.evaluation!r} has a duplicate item id {twice!r}.",
                hint="make every id unique, or remove the id column so that harness derives ids from the content.",
            )
        unknown = number_column(np.array([np.nan]))[0]
        for place, name in enumerate(table.column_names):
            if name.startswith(STAT_PREFIX):
                # A part in which no row has a statistic lacks its column.
                table = table.set_column(place, name, pc.fill_null(table.column(name), unknown))
        stats = sorted(name for name in table.column_names if name.startswith(STAT_PREFIX))
        others = [name for name in table.column_names if not name.startswith(STAT_PREFIX)]
        return cls(head, table.select([*others, *stats]))

    @property
    def table(self) -> pa.Table:
        """All columns at once."""
        import pyarrow as pa

        if isinstance(self._columns, pa.Table):
            return self._columns
        return pa.table({name: self.column(name) for name in self.column_names})

    @property
    def column_names(self) -> list[str]:
        return list(self._columns.column_names)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column; that of a large file is read for it."""
        return self._columns.column(name)

    def with_head(self, head: RecordsHead) -> Records:
        """The same records under another head."""
        return Records(head, self._columns)

    def __len__(self) -> int:
        return int(self._columns.num_rows)

    @cached_property
    def item_ids(self) -> list[str]:
        return list(self.column("item_id").to_pylist())

    def texts(self, name: str) -> list[Any]:
        """A column as Python values: `target`, `prediction`, `status`, `slices`, …"""
        return list(self.column(name).to_pylist())

    def each(self, name: str) -> Iterator[Any]:
        """The values of a column one after another, of which only a part is held at a time."""
        return chain.from_iterable(parts_of(self.column(name)))

    def at(self, name: str, rows: npt.NDArray[np.int64]) -> list[Any]:
        """The values of some rows in a column."""
        if isinstance(self._columns, RowReader):
            return self._columns.at(name, rows)
        return list(self.column(name).take(number_column(rows)).to_pylist())

    def numbers(self, name: str) -> FloatArray:
        """A numeric column as float64; missing values are NaN."""
        return numbers_of(self.column(name), np.float64, np.nan)

    @property
    def stat_names(self) -> list[str]:
        return [name[len(STAT_PREFIX) :] for name in self.column_names if name.startswith(STAT_PREFIX)]

    def stat(self, name: str) -> FloatArray:
        """A sufficient statistic, float64[n].

        Raises:
            KeyError: when these records do not hold it.
        """
        column = STAT_PREFIX + name
        if column not in self.column_names:
            raise KeyError(
                f"records of {self.head.evaluation!r} have no statistic {name!r}; available: {self.stat_names}"
            )
        return self.numbers(column)

    def with_statistics(self, rename: Callable[[str], str]) -> Records:
        """The same records with other names of their statistics."""
        names = [
            STAT_PREFIX + rename(name[len(STAT_PREFIX) :]) if name.startswith(STAT_PREFIX) else name
            for name in self.column_names
        ]
        return Records(self.head, self.table.rename_columns(names))

    @cached_property
    def ok(self) -> BoolArray:
        """True where the model answered and the answer was read."""
        return holds_text(self.column("status"), OK)

    def clusters(self, unit: str) -> list[str]:
        """The cluster of every item, by the unit of independence (`parent`, `template`, …, or `item`).

        Raises:
            DataError: when an item has no cluster of that unit.
        """
        if unit == ITEM:
            return self.item_ids
        if unit not in self._clusters:
            ids: list[str] = []
            for item, text in zip(self.item_ids, self.each("clusters"), strict=True):
                levels = json.loads(text)
                if unit not in levels:
                    raise DataError(
                        f"evaluation {self.head.evaluation!r}: the item {item!r} has no cluster {unit!r}, which its "
                        f"figures are independent by; it has {', '.join(sorted(levels)) or 'none'}.",
                        hint="give every item an id of the evaluation's `cluster_unit`, or declare `item` as the unit.",
                    )
                ids.append(str(levels[unit]))
            self._clusters[unit] = ids
        return self._clusters[unit]

    @cached_property
    def readable(self) -> Records:
        """The records with status ok."""
        return self if bool(self.ok.all()) else self.take(self.ok)

    @cached_property
    def slice_members(self) -> dict[str, npt.NDArray[np.int64]]:
        """Slice name → its rows, names sorted."""
        members: dict[str, array[int]] = {}
        for row, names in enumerate(self.each("slices")):
            for name in names or ():
                members.setdefault(name, array("q")).append(row)
        return {name: np.array(members[name], dtype=np.int64) for name in sorted(members)}

    @property
    def slice_names(self) -> list[str]:
        return list(self.slice_members)

    def in_slice(self, name: str) -> BoolArray:
        return np.fromiter((name in names for names in self.each("slices")), np.bool_, len(self))

    def take(self, rows: Sequence[int] | npt.NDArray[Any]) -> Records:
        """A selection of rows, in the given order (a bool mask or indices)."""
        chosen = np.asarray(rows)
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)
        chosen = np.ascontiguousarray(chosen, dtype=np.int64)
        if len(chosen) == len(self) and np.array_equal(chosen, np.arange(len(self))):
            return self
        taken = Records(self.head, TakenColumns(self._columns, number_column(chosen)))
        # What was parsed once is not parsed again.
        taken._clusters |= {unit: [ids[row] for row in chosen.tolist()] for unit, ids in self._clusters.items()}
        return taken

    def with_overlap(self, items: Collection[str]) -> Records:
        """The same records with the items that overlap training data marked, and sliced by it.

        Marks that are there already stay. Nothing changes when no item overlaps.
        """
        marked = numbers_of(self.column("overlap"), np.uint8, 0).astype(np.bool_)
        if not items and not marked.any():
            return self
        flags = [item in items or known for item, known in zip(self.item_ids, marked.tolist(), strict=True)]
        if not any(flags):
            return self
        slices = [
            [*(name for name in names if not name.startswith("overlap=")), f"overlap={'yes' if flag else 'no'}"]
            for names, flag in zip(self.texts("slices"), flags, strict=True)
        ]
        table = self.table
        for name, column in (
            ("overlap", flag_column(flags)),
            ("slices", list_column(slices)),
        ):
            table = table.set_column(table.column_names.index(name), name, column)
        return Records(self.head, table)

    def with_stats(self, stats: Sequence[Mapping[str, float]], shown: Sequence[str | None] = ()) -> Records:
        """The same records with further statistics, and with more to show in their responses.

        Args:
            stats: for every row by name; what a row lacks is NaN.
            shown: for every row a JSON object that joins its response, or None.
        """
        table = self.table
        for name in sorted({name for row in stats for name in row}):
            column = number_column(np.array([row.get(name, float("nan")) for row in stats], np.float64))
            table = table.append_column(STAT_PREFIX + name, column)
        if any(shown):
            pairs = zip(self.texts("response"), shown, strict=True)
            joined = [
                old if new is None else json.dumps({**json.loads(old), **json.loads(new)}, sort_keys=True)
                for old, new in pairs
            ]
            place = table.column_names.index("response")
            table = table.set_column(place, "response", text_column(joined))
        return Records(self.head, table)


def _columns(rows: Sequence[Record]) -> pa.Table:
    """Records as columns, in their order."""
    import pyarrow as pa

    columns: dict[str, pa.Array] = {
        "item_id": text_column([row.item_id for row in rows]),
        "item_digest": text_column([row.item_digest for row in rows]),
        "status": text_column([row.status for row in rows]),
        "clusters": text_column([json.dumps(dict(row.clusters), sort_keys=True) for row in rows]),
        "slices": list_column([row.slices for row in rows]),
        "tags": list_column([row.tags for row in rows]),
        "overlap": flag_column([row.overlap for row in rows]),
        "target": text_column([row.target for row in rows]),
        "prediction": text_column([row.prediction for row in rows]),
        "response": text_column([json.dumps(dict(row.response), sort_keys=True) for row in rows]),
        "margin": optional_numbers([row.margin for row in rows]),
        "tied": flag_column([row.tied for row in rows]),
        "truncated": number_column(np.array([row.truncated for row in rows], np.int64)),
        "finish": text_column([row.finish for row in rows]),
    }
    for name in sorted({name for row in rows for name in row.stats}):
        values = [row.stats.get(name, float("nan")) for row in rows]
        columns[STAT_PREFIX + name] = number_column(np.array(values, np.float64))
    return pa.table(columns)
