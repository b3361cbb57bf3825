"""Prepared rows → a dataset: splits, ids, fingerprint and the facts that reports show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.core.dataset import SPLITS, Dataset, Row
from harness.core.errors import DataError, Where
from harness.data.fingerprints import RowIds, fingerprint
from harness.data.row_table import RowColumns, cluster_count
from harness.data.splits import Prepared, split_rows


@dataclass(frozen=True, kw_only=True)
class PreparedRows:
    """Prepared rows, and what is known of their columns.

    Attributes:
        labels: label column → its labels in order.
        duplicates: the columns by which two rows are the same; a row's label is none of them.
        texts: a row whose cells here are all empty is left out; None for all columns of texts (`split_rows`).
        unique: see `split_rows`.
        dropped: reason → rows that are left out already.
        warnings: what a reader of the figures must know of the rows; the first notes.
    """

    rows: Iterable[Prepared]
    columns: Sequence[str]
    labels: Mapping[str, Sequence[str]]
    duplicates: Sequence[str]
    texts: Sequence[str] | None = None
    unique: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def assemble(name: str, prepared: PreparedRows, shares: Mapping[str, float], place: Where | None = None) -> Dataset:
    """Makes the dataset; its facts hold rows, clusters, label counts, what was left out, and notes.

    Raises:
        DataError: when no row is left, or a label column has only one label.
    """
    columns, labels = prepared.columns, prepared.labels
    made = split_rows(prepared.rows, shares, prepared.duplicates, prepared.unique, prepared.texts)
    lost = {**prepared.dropped, **made.dropped}
    if not made.count:
        empty = made.dropped["empty"]
        raise DataError(
            f"data {name!r}: expected rows, found none{f' with a text ({empty} are empty)' if empty else ''}.",
            where=place,
            hint="check the file and the names in `columns`.",
        )
    ids = RowIds()
    placed = {split: RowColumns(columns) for split in SPLITS}
    by_hash = False
    for split, cluster, row in made.rows():
        by_hash |= row.split is None
        fields = {column: row.fields[column] for column in columns}
        placed[split].add(Row(ids.next(row.origin, fields), fields, cluster, row.slices, row.line))
    wanted = {split for split, share in shares.items() if share > 0 and by_hash}
    final = {split: rows for split, filled in placed.items() if (rows := filled.rows()) or split in wanted}
    counts = {column: label_counts(final, column) for column in labels}
    for column, by_split in counts.items():
        distinct_labels = {label for count in by_split.values() for label in count}
        if len(distinct_labels) < 2:
            raise DataError(
                f"data {name!r}: expected at least two labels in column {column!r}, "
                f"found only {', '.join(distinct_labels)!r}.",
                where=place,
                hint="a single label leaves nothing to predict; map a different column to `label`, or remove it.",
            )
    return Dataset(
        name=name,
        fingerprint=fingerprint(final, columns, labels),
        rows=final,
        columns=tuple(columns),
        labels={column: tuple(known) for column, known in labels.items()},
        facts={
            "rows": {split: len(chosen) for split, chosen in final.items()},
            "clusters": {split: cluster_count(chosen) for split, chosen in final.items()},
            "labels": counts,
            "dropped": {reason: count for reason, count in lost.items() if count},
            "dropped_duplicates": made.dropped["duplicates"],
            "notes": [*prepared.warnings, *_notes(final, counts, labels, made.dropped)],
            "warnings": list(prepared.warnings),
        },
    )


def label_counts(rows: Mapping[str, Sequence[Row]], column: str) -> dict[str, dict[str, int]]:
    """split → label → number of rows."""
    return {
        split: dict(sorted(Counter(str(row.fields[column]) for row in members).items()))
        for split, members in rows.items()
    }


def _notes(
    rows: Mapping[str, Sequence[Row]],
    counts: Mapping[str, Mapping[str, Mapping[str, int]]],
    labels: Mapping[str, Sequence[str]],
    dropped: Mapping[str, int],
) -> list[str]:
    notes: list[str] = []
    told: list[tuple[str, Any]] = [
        ("duplicates_train", "rows of train were dropped: their text also occurs in validation or test"),
        ("duplicates_validation", "rows of validation were dropped: their text also occurs in test"),
        ("repeated", "rows were dropped: an earlier row has the same text"),
        ("empty", "rows were dropped: their text is empty"),
    ]
    notes += [f"{dropped[reason]} {text}" for reason, text in told if dropped[reason]]
    for column, known in labels.items():
        for split, members in rows.items():
            lacking = [label for label in known if label not in counts[column][split]]
            if members and lacking:
                notes.append(f"{split} has no row with {column} {', '.join(lacking)}")
    return notes


def limited(dataset: Dataset, limit: int | None) -> Dataset:
    """At most `limit` rows of each split, in their old order.

    The rows with the smallest ids (content hashes) stay: the same rows on every machine, and
    those of a smaller limit are among those of a larger one.
    """
    if limit is None or all(len(rows) <= limit for rows in dataset.rows.values()):
        return dataset
    rows = {}
    for split, members in dataset.rows.items():
        kept = {row.id for row in sorted(members, key=lambda row: row.id)[:limit]}
        rows[split] = tuple(row for row in members if row.id in kept)
    facts = {
        **dataset.facts,
        "rows": {split: len(chosen) for split, chosen in rows.items()},
        "clusters": {split: cluster_count(chosen) for split, chosen in rows.items()},
        "notes": [*dataset.facts.get("notes", ()), f"limited to {limit} rows per split"],
        "labels": {column: label_counts(rows, column) for column in dataset.labels},
        "limit": limit,
    }
    return replace(dataset, rows=rows, fingerprint=fingerprint(rows, dataset.columns, dataset.labels), facts=facts)
