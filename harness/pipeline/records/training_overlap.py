"""Items that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.dataset import Dataset
from harness.data.row_texts import row_texts


def training_texts(dataset: Dataset) -> Iterator[str]:
    """The texts of a data set's training rows.

    Labels and one-word answers are none: every item with the same label would stand in training.
    """
    for row in dataset.split("train"):
        yield from row_texts(row.fields)
