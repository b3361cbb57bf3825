"""Labeled texts as planned batches of token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset

from harness.model_kinds.flop_shapes import Shape
from harness.models.encoding.row_encoder import TYPES
from harness.training.loop.planned_batches import batches_by_length, padded
from harness.training.loop.training_loop import Batch
from harness.training.objectives.token_masking import MaskVocabulary, mask_tokens

_MEMORY_RATE = 0.15


Targets = npt.NDArray[np.int64] | npt.NDArray[np.float32]
"""What each text's answer is, as the loss reads it: `classes`, or float32[n, 1] of numbers."""


@dataclass(frozen=True, slots=True)
class LabeledRows:
    """Tokenized texts with their answers.

    Attributes:
        data: what `tokenized` made.
        targets: the answers.
        pad_id: token that fills rows up.
        weights: of each text in the loss; empty where all count alike.
        typed: whether the model is given the token types in `data`.
    """

    data: Dataset
    targets: Targets
    pad_id: int
    weights: Sequence[float] = ()
    typed: bool = False


class LabeledBatches:
    """The plan of a fine-tuning: every epoch's batches, one after another.

    Args:
        tokens: for word dropout and the memory loss; None where there is no mask token.
        word_dropout: share of tokens that the mask token hides.
        memory: whether batches also carry masked copies for the memory loss.
    """

    def __init__(
        self,
        rows: LabeledRows,
        tokens: MaskVocabulary | None,
        *,
        size: int,
        epochs: int,
        seed: int,
        word_dropout: float = 0.0,
        memory: bool = False,
    ) -> None:
        self._ids: list[list[int]] = rows.data["input_ids"][:]
        self._types: list[list[int]] | None = rows.data["types"][:] if rows.typed else None
        self._classes = rows.targets
        self._weights = np.asarray(rows.weights, dtype=np.float32) if len(rows.weights) else None
        self._lengths = [len(ids) for ids in self._ids]
        self._batches = [
            batch for epoch in range(epochs) for batch in batches_by_length(self._lengths, size, key=(seed, epoch))
        ]
        self._seed = seed
        self._pad = rows.pad_id
        self._tokens = tokens
        self._word_dropout = word_dropout
        self._memory = memory

    def __len__(self) -> int:
        return len(self._batches)

    def tokens(self, place: int) -> int:
        return sum(self._lengths[example] for example in self._batches[place])

    def operations(self, shape: Shape) -> float:
        counts = [self.tokens(place) for place in range(len(self))]
        return sum(
            shape.stack(shape.layers, tokens, tokens / len(batch))
            for tokens, batch in zip(counts, self._batches, strict=True)
        )

    def __getitem__(self, place: int) -> Batch:
        chosen = list(self._batches[place])
        ids, attention = padded([self._ids[example] for example in chosen], self._pad)
        batch = {"attention_mask": torch.from_numpy(attention), "classes": torch.from_numpy(self._classes[chosen])}
        if self._weights is not None:
            batch["weights"] = torch.from_numpy(self._weights[chosen])
        if self._types is not None:
            batch[TYPES] = torch.from_numpy(padded([self._types[example] for example in chosen], 0)[0])
        if self._memory and self._tokens is not None:
            masked = mask_tokens(
                ids,
                self._tokens,
                rate=_MEMORY_RATE,
                key=(self._seed, place, 1),
            )
            batch["masked"], batch["targets"] = torch.from_numpy(masked.where), torch.from_numpy(masked.targets)
            ids = masked.ids
        elif self._word_dropout and self._tokens is not None:
            random = np.random.default_rng([self._seed, place, 2])
            hidden = (random.random(ids.shape) < self._word_dropout) & ~np.isin(ids, self._tokens.special)
            ids = np.where(hidden, self._tokens.mask, ids)
        batch["input_ids"] = torch.from_numpy(ids)
        return batch


def classes(places: Sequence[Sequence[int]], labels: int | None) -> Targets:
    """int64[n], each text's label; or float32[n, labels] of zeros and ones where labels are independent."""
    if labels is None:
        return np.asarray([first for (first,) in places], dtype=np.int64)
    targets = np.zeros((len(places), labels), dtype=np.float32)
    for number, chosen in enumerate(places):
        targets[number, list(chosen)] = 1.0
    return targets
