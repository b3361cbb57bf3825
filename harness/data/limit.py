"""Fewer rows, chosen by hash."""

from __future__ import annotations

from dataclasses import replace

from harness.core.dataset import Dataset
from harness.data.build_dataset import label_counts
from harness.data.fingerprints import fingerprint


def limited(dataset: Dataset, limit: int | None) -> Dataset:
    """At most `limit` rows of each split, in their old order.

    The rows with the smallest ids (content hashes) stay: the same rows on every machine, and
    those of a smaller limit are among those of a larger one.
    """
    if limit is None or all(len(rows) <= limit for rows in dataset.rows.values()):
        return dataset
    rows = {}
    for split, found in dataset.rows.items():
        kept = {row.id for row in sorted(found, key=lambda row: row.id)[:limit]}
        rows[split] = tuple(row for row in found if row.id in kept)
    facts = {
        **dataset.facts,
        "rows": {split: len(found) for split, found in rows.items()},
        "clusters": {split: len({row.cluster for row in found}) for split, found in rows.items()},
        "notes": [*dataset.facts.get("notes", ()), f"limited to {limit} rows of each split"],
        "labels": {column: label_counts(rows, column) for column in dataset.labels},
        "limit": limit,
    }
    return replace(dataset, rows=rows, fingerprint=fingerprint(rows, dataset.columns, dataset.labels), facts=facts)
