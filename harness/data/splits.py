"""Disjoint splits by hash of the parent, and the removal of texts that cross them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import SPLITS
from harness.core.digests import digest, fraction
from harness.core.errors import DataError, Where, unknown

DEFAULT_SHARES = {"train": 0.80, "validation": 0.07, "test": 0.13}

_HELD_BY = {"train": ("validation", "test"), "validation": ("test",)}
"""Split → the splits that keep a text which stands in both."""
_LEFT_OUT = 255
"""The byte of a row without a split: −1 as a signed one."""
_KEY_BYTES = 32

_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row with its columns, before it has a split and an id.

    Attributes:
        cluster: `namespace/parent`, or None when the text itself is the parent.
        namespace: what the parents of a source are prefixed with.
        split: given by the data, or None when it follows from the cluster.
        origin: part and original id, of which the row's id is made.
        line: the line in the file, for messages; not part of anything's identity.
    """

    fields: Mapping[str, Any]
    cluster: str | None
    namespace: str
    split: str | None
    slices: tuple[str, ...]
    origin: str
    line: int


def normalized(text: str) -> str:
    """Texts that differ only in case, white space or Unicode composition become equal."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def text_key(fields: Mapping[str, Any], columns: Sequence[str]) -> str:
    """Digest of the normalized texts of some columns."""
    joined = "\0".join([normalized(str(fields[name])) for name in columns])
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def split_name(value: str, place: Where | None = None) -> str:
    """`train`, `validation` or `test`; common other names (`dev`, `val`) are understood.

    Raises:
        DataError: for another name.
    """
    name = _SPLIT_NAMES.get(value.strip().casefold())
    if name is None:
        raise DataError(unknown("split", value, SPLITS), where=place)
    return name


def checked_shares(shares: Mapping[str, float], place: Where | None = None) -> dict[str, float]:
    """The shares of all three splits, in order.

    Raises:
        DataError: for an unknown split, a negative share, or a sum other than 1.
    """
    for name in shares:
        if name not in SPLITS:
            raise DataError(unknown("split", name, SPLITS), where=place)
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise DataError(
            f"split fractions must not be negative and must sum to 1, found {dict(shares)}.",
            where=place,
            hint="write `splits: {train: 0.8, validation: 0.1, test: 0.1}`.",
        )
    return {name: float(shares.get(name, 0.0)) for name in SPLITS}


def assign(cluster: str, shares: Mapping[str, float]) -> str:
    """The split of a cluster: the same on every machine, whatever else the data holds."""
    place = fraction(cluster)
    edge = 0.0
    chosen = ""
    for name in SPLITS:
        share = shares.get(name, 0.0)
        if share <= 0:
            continue
        edge += share
        chosen = name
        if place < edge:
            break
    return chosen


@dataclass(frozen=True, slots=True)
class Split:
    """Rows with cluster and split, and what was left out.

    Attributes:
        count: how many rows are kept.
        dropped: reason → number of rows left out.
    """

    count: int
    dropped: dict[str, int]
    _rows: Iterable[Prepared]
    _keys: _Keys
    _splits: npt.NDArray[np.int8]

    def rows(self) -> Iterator[tuple[str, str, Prepared]]:
        """(split, cluster, row) of every kept row, in the data's order."""
        for place, row in enumerate(self._rows):
            split = int(self._splits[place])
            if split >= 0:
                yield SPLITS[split], self._keys.cluster(place, row), row


class _Keys:
    """The digest of each row's normalized texts, 32 bytes a row.

    Args:
        columns: whose texts count; none means that rows have no key.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._bytes = bytearray()

    def __bool__(self) -> bool:
        return bool(self._columns)

    def add(self, row: Prepared) -> None:
        if self._columns:
            self._bytes += bytes.fromhex(text_key(row.fields, self._columns))

    def cluster(self, place: int, row: Prepared) -> str:
        """The row's own cluster, else that of its key, else that of its content."""
        if row.cluster is not None:
            return row.cluster
        own = self._bytes[_KEY_BYTES * place : _KEY_BYTES * (place + 1)].hex()
        return f"{row.namespace}/{own or digest(dict(row.fields))}"

    def all(self) -> npt.NDArray[np.bytes_]:
        """One key a row; all have one length, so that NumPy's cut of zeros at their ends changes no comparison."""
        return np.frombuffer(self._bytes, f"S{_KEY_BYTES}")


def split_rows(
    rows: Iterable[Prepared],
    shares: Mapping[str, float],
    duplicates: Sequence[str],
    unique: bool = False,
    texts: Sequence[str] | None = None,
) -> Split:
    """Gives each row its split and keeps the splits disjoint.

    A row of train whose normalized text also stands in validation or test is left out, and one
    of validation that stands in test: the evaluation keeps its items. With `unique`, only the
    first row of each normalized text is kept. Rows whose text columns are all empty are left out.

    Args:
        rows: prepared rows; what is no iterator is looked at twice, and none of it is held.
        shares: split → share; see `checked_shares`.
        duplicates: the columns whose texts count; none means that rows are never compared.
        texts: a row that is empty in all of these columns is left out; those of `duplicates` when left out.
    """
    rows = list(rows) if isinstance(rows, Iterator) else rows
    needed = duplicates if texts is None else texts
    keys = _Keys(duplicates)
    placed = bytearray()
    for place, row in enumerate(rows):
        keys.add(row)
        if needed and not any(str(row.fields[name]).strip() for name in needed):
            placed.append(_LEFT_OUT)
        else:
            placed.append(SPLITS.index(row.split or assign(keys.cluster(place, row), shares)))
    splits = np.frombuffer(placed, np.int8).copy()
    dropped = {"empty": int(np.count_nonzero(splits < 0)), "repeated": 0, "duplicates": 0}
    held = dict.fromkeys(_HELD_BY, 0)
    if keys:
        of_row = keys.all()
        if unique:
            there = np.flatnonzero(splits >= 0)
            first = there[np.unique(of_row[there], return_index=True)[1]]
            dropped["repeated"] = len(there) - len(first)
            splits[np.setdiff1d(there, first)] = -1
        again = {
            split: _standing(of_row, splits, SPLITS.index(split), [SPLITS.index(later) for later in holders])
            for split, holders in _HELD_BY.items()
        }
        for split, places in again.items():
            held[split] = len(places)
            splits[places] = -1
    dropped["duplicates"] = sum(held.values())
    dropped |= {f"duplicates_{split}": count for split, count in held.items()}
    return Split(int(np.count_nonzero(splits >= 0)), dropped, rows, keys, splits)


def _standing(
    keys: npt.NDArray[np.bytes_], splits: npt.NDArray[np.int8], split: int, holders: Sequence[int]
) -> npt.NDArray[np.int64]:
    """Places of the rows of a split whose key one of the splits that hold it has, too."""
    own, others = np.flatnonzero(splits == split), np.flatnonzero(np.isin(splits, holders))
    return own[np.isin(keys[own], keys[others])]
