"""Disjoint splits by hash of the parent, and the removal of texts that cross them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.dataset import SPLITS
from harness.core.digests import digest, fraction
from harness.core.errors import DataError, Where, unknown

DEFAULT_SHARES = {"train": 0.80, "validation": 0.07, "test": 0.13}

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
        rows: (split, cluster, row) in the data's order.
        dropped: reason → number of rows left out.
    """

    rows: list[tuple[str, str, Prepared]]
    dropped: dict[str, int]


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
        rows: prepared rows.
        shares: split → share; see `checked_shares`.
        duplicates: the columns whose texts count; none means that rows are never compared.
        texts: a row that is empty in all of these columns is left out; those of `duplicates` when left out.
    """
    needed = duplicates if texts is None else texts
    dropped = {"empty": 0, "repeated": 0, "duplicates": 0, "duplicates_train": 0, "duplicates_validation": 0}
    seen: dict[str, set[str]] = {name: set() for name in SPLITS}
    met: set[str] = set()
    placed: list[tuple[str, str, str | None, Prepared]] = []
    for row in rows:
        if needed and not any(str(row.fields[name]).strip() for name in needed):
            dropped["empty"] += 1
            continue
        key = text_key(row.fields, duplicates) if duplicates else None
        if unique and key is not None:
            if key in met:
                dropped["repeated"] += 1
                continue
            met.add(key)
        cluster = row.cluster if row.cluster is not None else f"{row.namespace}/{key or digest(dict(row.fields))}"
        split = row.split or assign(cluster, shares)
        if key is not None:
            seen[split].add(key)
        placed.append((split, cluster, key, row))
    kept = []
    for split, cluster, key, row in placed:
        held = (split == "train" and (key in seen["validation"] or key in seen["test"])) or (
            split == "validation" and key in seen["test"]
        )
        if key is not None and held:
            dropped["duplicates"] += 1
            dropped[f"duplicates_{split}"] += 1
        else:
            kept.append((split, cluster, row))
    return Split(kept, dropped)
