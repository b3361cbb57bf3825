"""Which tokens are masked: 80% mask token, 10% another token, 10% left (Devlin et al. 2019).

A row's choice depends on the seed, the pass and the row alone, never on what was drawn before,
so that training goes on after a kill exactly as it would have without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.models.encoding.text_encoder import text_encoder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
_MASKED, _REPLACED = 0.8, 0.9


@dataclass(frozen=True, slots=True)
class Masked:
    """A masked batch: `ids` [B, L] as the model sees them, `where` [B, L], and the true `targets` [n]."""

    ids: IntArray
    where: BoolArray
    targets: IntArray


@dataclass(frozen=True, slots=True)
class MaskVocabulary:
    """The tokens that masking draws from.

    Attributes:
        mask: the mask token.
        size: number of tokens; replacements are drawn from all of them but the special ones.
        special: ids that are never masked.
    """

    mask: int
    size: int
    special: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> MaskVocabulary:
        """Those of a tokenizer that has a mask token."""
        size = text_encoder(tokenizer).highest_id + 1
        return cls(int(tokenizer.mask_token_id), size, tuple(sorted(tokenizer.all_special_ids)))


def mask_tokens(ids: IntArray, tokens: MaskVocabulary, *, rate: float, key: Sequence[int]) -> Masked:
    """Masks a share of a batch's tokens; at least one where there is any.

    Args:
        ids: int64[B, L].
        rate: share of the ordinary tokens that are predicted.
        key: whole numbers that name the batch, such as (seed, pass, batch).
    """
    random = np.random.default_rng(list(key))
    ordinary = ~np.isin(ids, tokens.special)
    where = (random.random(ids.shape) < rate) & ordinary
    if not where.any() and ordinary.any():
        places = np.argwhere(ordinary)
        where[tuple(places[random.integers(len(places))])] = True
    targets = ids[where]
    fate = random.random(targets.shape)
    replacements = np.setdiff1d(np.arange(tokens.size), tokens.special)
    drawn = replacements[random.integers(0, tokens.size - len(set(tokens.special)), targets.shape)]
    masked = ids.copy()
    masked[where] = np.where(fate < _MASKED, tokens.mask, np.where(fate < _REPLACED, drawn, targets))
    return Masked(masked, where, targets)
