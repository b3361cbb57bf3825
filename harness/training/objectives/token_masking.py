"""Which tokens are masked: 80% mask token, 10% another token, 10% left (Devlin et al. 2019).

A row's choice depends on the seed, the pass and the row alone, never on what was drawn before,
so that training goes on after a kill exactly as it would have without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
_MASKED, _REPLACED = 0.8, 0.9


@dataclass(frozen=True, slots=True)
class Masked:
    """A masked batch: `ids` [B, L] as the model sees them, `where` [B, L], and the true `targets` [n]."""

    ids: IntArray
    where: BoolArray
    targets: IntArray


def mask_tokens(
    ids: IntArray, *, rate: float, mask_id: int, vocabulary: int, special: Sequence[int], key: Sequence[int]
) -> Masked:
    """Masks a share of a batch's tokens; at least one where there is any.

    Args:
        ids: int64[B, L].
        rate: share of the ordinary tokens that are predicted.
        mask_id: the mask token.
        vocabulary: number of tokens; replacements are drawn from all of them but the special ones.
        special: ids that are never masked.
        key: whole numbers that name the batch, such as (seed, pass, batch).
    """
    random = np.random.default_rng(list(key))
    ordinary = ~np.isin(ids, special)
    where = (random.random(ids.shape) < rate) & ordinary
    if not where.any() and ordinary.any():
        places = np.argwhere(ordinary)
        where[tuple(places[random.integers(len(places))])] = True
    targets = ids[where]
    fate = random.random(targets.shape)
    drawn = np.setdiff1d(np.arange(vocabulary), special)[
        random.integers(0, vocabulary - len(set(special)), targets.shape)
    ]
    masked = ids.copy()
    masked[where] = np.where(fate < _MASKED, mask_id, np.where(fate < _REPLACED, drawn, targets))
    return Masked(masked, where, targets)
