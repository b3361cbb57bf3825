"""Items that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.dataset import Dataset

_WORDS = 3
"""Shorter fields beside `text` are labels and names."""


def training_texts(dataset: Dataset) -> Iterator[str]:
    """The texts of a data set's training rows, whatever their column; lists of words as one text.

    Labels and one-word answers are none: every item with the same label would stand in training.
    """
    for row in dataset.split("train"):
        for column, value in row.fields.items():
            words = isinstance(value, list | tuple) and value and all(isinstance(word, str) for word in value)
            text = " ".join(value) if words else value
            if isinstance(text, str) and (column == "text" or len(text.split()) >= _WORDS):
                yield text
