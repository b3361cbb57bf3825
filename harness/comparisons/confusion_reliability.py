"""Tables of one model: confusion matrix and reliability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.core.records import Records
from harness.schema.results.metrics import TableResult

BINS = 15
OTHER = "(other)"


def tables(
    records: Records, labels: Sequence[str], *, evaluation: str, model: str, bins: int = BINS
) -> list[TableResult]:
    """The tables that the records allow: confusion with labels, reliability with confidences.

    Only readable items count.
    """
    readable = records.take(records.ok)
    made = [
        confusion(readable, labels, evaluation=evaluation, model=model),
        reliability(readable, evaluation=evaluation, model=model, bins=bins),
    ]
    return [table for table in made if table is not None]


def confusion(records: Records, labels: Sequence[str], *, evaluation: str, model: str) -> TableResult | None:
    """Counts of gold (rows) × predicted (columns); None without labels or targets.

    A prediction that is no label stands in a last column of its own.
    """
    pairs = [
        (gold, predicted)
        for gold, predicted in zip(records.texts("target"), records.texts("prediction"), strict=True)
        if gold in labels
    ]
    if not pairs:
        return None
    columns = list(labels)
    if any(predicted not in labels for _, predicted in pairs):
        columns.append(OTHER)
    values = [[0.0] * len(columns) for _ in labels]
    row_of = {label: row for row, label in enumerate(labels)}
    for gold, predicted in pairs:
        values[row_of[gold]][row_of.get(predicted, len(columns) - 1)] += 1.0
    return TableResult(
        evaluation=evaluation, model=model, kind="confusion", rows=list(labels), columns=columns, values=[*values]
    )


def reliability(records: Records, *, evaluation: str, model: str, bins: int = BINS) -> TableResult | None:
    """Mean confidence and accuracy in equal-width bins (lower, upper]; zero is in the first.

    None without the statistics `confidence` and `correct`.
    """
    if not {"confidence", "correct"} <= set(records.stat_names):
        return None
    confidence, correct = records.stat("confidence"), records.stat("correct")
    known = ~np.isnan(confidence) & ~np.isnan(correct)
    confidence, correct = confidence[known], correct[known]
    if not len(confidence):
        return None
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=column, minlength=bins) for column in (confidence, correct)]
    values: list[list[float | None]] = []
    for row in range(bins):
        n = int(count[row])
        means = [float(column[row] / n) if n else None for column in sums]
        values.append([float(edges[row]), float(edges[row + 1]), float(n), *means])
    return TableResult(
        evaluation=evaluation,
        model=model,
        kind="reliability",
        rows=[f"{edges[row]:.2f}–{edges[row + 1]:.2f}" for row in range(bins)],
        columns=["lower", "upper", "n", "confidence", "accuracy"],
        values=values,
    )
