"""Rows of different lengths as planned batches, similar lengths side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from harness.model_kinds.flop_shapes import Shape
from harness.training.loop.training_loop import Batch

IGNORED = -100
"""Label of a position that no loss is taken of (torch's convention)."""


class RowBatches:
    """The plan of a fine-tuning: every epoch's batches, one after another.

    Args:
        rows: name → ids of each row. Every name is filled up on its own; `input_ids` counts as
            text, and gets an attention mask. With `target` rows also count as text of a decoder.
        fills: name → what short rows are filled up with.
        size: rows of a batch.
        target: name of the rows that a decoder reads; None for models with one stack.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Sequence[int]]],
        fills: Mapping[str, int],
        *,
        size: int,
        epochs: int,
        seed: int,
        target: str | None = None,
    ) -> None:
        self._rows = rows
        self._fills = fills
        self._target = target
        self._sources = [len(row["input_ids"]) for row in rows]
        self._targets = [len(row[target]) for row in rows] if target is not None else [0] * len(rows)
        lengths = [source + written for source, written in zip(self._sources, self._targets, strict=True)]
        self._batches = [
            batch for epoch in range(epochs) for batch in batches_by_length(lengths, size, key=(seed, epoch))
        ]

    def __len__(self) -> int:
        return len(self._batches)

    def tokens(self, place: int) -> int:
        return sum(self._sources[row] + self._targets[row] for row in self._batches[place])

    def operations(self, shape: Shape) -> float:
        total = 0.0
        for batch in self._batches:
            source = sum(self._sources[row] for row in batch)
            total += shape.stack(shape.layers, source, source / len(batch))
            if self._target is not None:
                target = sum(self._targets[row] for row in batch)
                total += shape.stack(shape.decoder_layers, target, target / len(batch))
                total += shape.cross(source, target, source / len(batch))
            total += shape.head(self._predicted(batch))
        return total

    def _predicted(self, batch: Sequence[int]) -> int:
        """Places at which the language-model head is asked: those with a label."""
        name = self._target or "labels"
        if name not in self._fills:
            return 0
        return sum(1 for row in batch for label in self._rows[row][name] if label != IGNORED)

    def __getitem__(self, place: int) -> Batch:
        chosen = [self._rows[row] for row in self._batches[place]]
        batch = {
            name: torch.from_numpy(filled([row[name] for row in chosen], fill)) for name, fill in self._fills.items()
        }
        lengths = np.asarray([len(row["input_ids"]) for row in chosen])
        width = batch["input_ids"].shape[1]
        batch["attention_mask"] = torch.from_numpy((np.arange(width)[None, :] < lengths[:, None]).astype(np.int64))
        return batch


IntMatrix = np.ndarray[tuple[int, int], np.dtype[np.int64]]


def filled(rows: Sequence[Sequence[int]], fill: int) -> IntMatrix:
    """int64[B, L]: rows filled up to the longest."""
    ids = np.full((len(rows), max(map(len, rows))), fill, dtype=np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
    return ids


def padded(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[IntMatrix, IntMatrix]:
    """Rows filled up to the longest, and the attention mask: two int64[B, L]."""
    ids = filled(rows, pad_id)
    lengths = np.asarray(list(map(len, rows)))
    return ids, (np.arange(ids.shape[1])[None] < lengths[:, None]).astype(np.int64)


RowNumbers = tuple[int, ...]
"""The rows of one batch."""


def batches_by_length(lengths: Sequence[int], size: int, *, key: Sequence[int]) -> list[RowNumbers]:
    """Cuts examples into batches of equal length where possible, in a random order.

    Examples of one length fill batches first; what is left over is sorted by length and cut.
    The number of batches depends on the lengths alone, and the choice on `key` alone.

    Args:
        lengths: tokens of each example.
        size: examples a batch.
        key: whole numbers that name the pass, such as (seed, epoch).
    """
    random = np.random.default_rng(list(key))
    open_batches: dict[int, list[int]] = {}
    batches: list[RowNumbers] = []
    for place in random.permutation(len(lengths)).tolist():
        batch = open_batches.setdefault(lengths[place], [])
        batch.append(place)
        if len(batch) == size:
            batches.append(tuple(batch))
            del open_batches[lengths[place]]
    rest = sorted((place for batch in open_batches.values() for place in batch), key=lambda place: lengths[place])
    batches.extend(tuple(rest[first : first + size]) for first in range(0, len(rest), size))
    return [batches[place] for place in random.permutation(len(batches)).tolist()]
