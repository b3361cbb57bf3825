"""Which tokens of a sentence are masked and scored, one row of the mask a scored token.

`pll` masks each token alone; `pll_word_l2r` also the later tokens of its word (Kauf and Ivanova
2023). The others read the sentence's partner, by `difflib.SequenceMatcher` on token ids:

- `pll_shared` scores the tokens in blocks that both sentences hold, `pll_modified` all others;
  the alignment is made the same way round for both sentences of a pair, and without difflib's
  heuristic for frequent elements.
- `crows_original` is `pll_shared` as the reference code of CrowS-Pairs computes it (Nangia et al. 2020,
  `metric.py`): the pair is aligned once, in its own order, special tokens take part, the first and the
  last shared token (they) are skipped, frequent elements count as junk in sentences of 200 tokens or more,
  and the sum is rounded to three decimals.

In all of them one token is masked at a time, everything else stays readable.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

import numpy as np
import numpy.typing as npt

ROUNDED = frozenset({"crows_original"})
DECIMALS = 3
_KEPT = 1024

BoolArray = npt.NDArray[np.bool_]


def scored_tokens(
    scorer: str,
    ids: Sequence[int],
    other: Sequence[int],
    prefix: Sequence[int] = (),
    suffix: Sequence[int] = (),
    *,
    second: bool = False,
) -> list[int]:
    """Places in `ids` of the tokens that a scorer scores, ascending.

    Args:
        scorer: any of the masked scorers.
        ids: the sentence's tokens without special ones.
        other: its partner's.
        prefix, suffix: the special tokens around both.
        second: `crows_original` only: the partner stands first in the pair.
    """
    if scorer in {"pll", "pll_word_l2r"}:
        return list(range(len(ids)))
    if scorer == "crows_original":
        whole = [*prefix, *ids, *suffix]
        partner = [*prefix, *other, *suffix]
        pair = (partner, whole) if second else (whole, partner)
        shared = _equal(*pair, autojunk=True, second=second)[1:-1]
        return [place - len(prefix) for place in shared if 0 <= place - len(prefix) < len(ids)]
    if list(ids) <= list(other):
        shared = _equal(ids, other, autojunk=False)
    else:
        shared = _equal(other, ids, autojunk=False, second=True)
    if scorer == "pll_shared":
        return shared
    return sorted(set(range(len(ids))) - set(shared))


def hidden_tokens(words: Sequence[int], scorer: str) -> BoolArray:
    """bool[n, n]: which tokens are masked while token i is scored; `words` numbers each token's word."""
    count = len(words)
    if scorer != "pll_word_l2r":
        return np.eye(count, dtype=np.bool_)
    word = np.asarray(words)
    hidden: BoolArray = (word[:, None] == word[None]) & np.triu(np.ones((count, count), dtype=np.bool_))
    return hidden


def _equal(first: Sequence[int], second_ids: Sequence[int], *, autojunk: bool, second: bool = False) -> list[int]:
    """Places of the equal blocks, in the first sequence or the second."""
    places: list[int] = []
    for begin, other, size in _blocks(tuple(first), tuple(second_ids), autojunk):
        start = other if second else begin
        places.extend(range(start, start + size))
    return places


@lru_cache(maxsize=_KEPT)
def _blocks(first: tuple[int, ...], second: tuple[int, ...], autojunk: bool) -> tuple[tuple[int, int, int], ...]:
    """Equal blocks: where each begins in either sequence, and its length. Both sentences of a pair ask for the same."""
    matcher = SequenceMatcher(None, list(map(str, first)), list(map(str, second)), autojunk=autojunk)
    return tuple((begin, other, size) for begin, other, size in matcher.get_matching_blocks() if size)
