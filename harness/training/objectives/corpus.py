"""Unlabeled texts → rows of one length, and the order in which a model sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Documents = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Token ids of every document by data name, without special tokens."""

    documents: Mapping[str, Documents]
    vocabulary: int

    def frequencies(self) -> npt.NDArray[np.float64]:
        """float64[V]: how often each token occurs."""
        counts = np.zeros(self.vocabulary)
        for documents in self.documents.values():
            for document in documents:
                counts += np.bincount(np.asarray(document, dtype=np.int64), minlength=self.vocabulary)
        return counts


def pack(documents: Documents, *, length: int, around: Sequence[int], between: Sequence[int], seed: int) -> IntArray:
    """Documents in a random order, joined by `between` and cut into rows of one length.

    Rows are full, so no step is spent on padding. What does not fill a last row is left out,
    unless it is all there is.

    Args:
        around: the token before and the one after each row; nothing for rows without.
        between: tokens after each document.

    Returns:
        int64[rows, length].
    """
    order = np.random.default_rng(seed).permutation(len(documents))
    flat = np.concatenate([np.append(np.asarray(documents[place], dtype=np.int64), between) for place in order])
    if not around:
        # A row may begin a text: the text's own beginning stands before the first one too.
        flat = np.concatenate([np.asarray(between[-1:], dtype=np.int64), flat])
    body = length - len(around)
    if len(flat) < body:
        flat = np.resize(flat, body)
    rows = flat[: len(flat) // body * body].reshape(-1, body).astype(np.int64)
    if not around:
        return rows
    sides = [np.full((len(rows), 1), token, dtype=np.int64) for token in around]
    return np.concatenate([sides[0], rows, sides[1]], axis=1)


def plan_rows(
    corpus: Corpus,
    weights: Mapping[str, float],
    *,
    rows: int,
    length: int,
    around: Sequence[int],
    between: Sequence[int],
    seed: int,
) -> IntArray:
    """The rows of a whole pretraining in the order in which they are seen.

    A data set's share is its size times its weight (1 when not named). A data set smaller than
    its share is packed again, in another order; a larger one is seen in part.

    Returns:
        int64[rows, length].
    """
    chosen: list[IntArray] = []
    for number, (name, wanted) in enumerate(shares(corpus, weights, rows).items()):
        have, turn = 0, 0
        while have < wanted:
            packed = pack(
                corpus.documents[name], length=length, around=around, between=between, seed=_seed(seed, number, turn)
            )
            chosen.append(packed[: wanted - have])
            have, turn = have + len(chosen[-1]), turn + 1
    together = np.concatenate(chosen)
    return together[np.random.default_rng([seed, len(together)]).permutation(len(together))[:rows]]


def shares(corpus: Corpus, weights: Mapping[str, float], rows: int) -> dict[str, int]:
    """Data name, in order → how many of `rows` it gives, by size times weight.

    Rounded up, so that there are rows enough; which ones are too many is left to chance.
    """
    sizes = {name: sum(map(len, documents)) for name, documents in corpus.documents.items()}
    amounts = {name: size * weights.get(name, 1.0) for name, size in sorted(sizes.items())}
    whole = sum(amounts.values())
    return {name: math.ceil(rows * amount / whole) for name, amount in amounts.items()}


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
