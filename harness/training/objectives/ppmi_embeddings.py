"""Word vectors counted from the corpus itself: PPMI and a truncated SVD.

Positive pointwise mutual information with context distribution smoothing and singular values
to the power 1/2 (Levy, Goldberg and Dagan 2015, equations 2, 4 and 10). They cost seconds and
spare a small masked model most of the time it spends on the plateau of word frequencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    pass

FloatMatrix = npt.NDArray[np.float32]
_SMOOTHING = 0.75
_OVERSAMPLING = 32
_POWER_ITERATIONS = 3
_BORDER = -1
# Counts are added up in pieces of this many tokens, so that memory stays flat on a large corpus.
_PIECE = 1_000_000


Collection = Iterable[tuple[Iterable[Sequence[int]], float]]


def cooccurrence(collections: Collection, vocabulary: int, window: int) -> Any:
    """How often two tokens stand within `window` of each other, times their collection's weight.

    Every distance counts alike: what a sentence is about reaches further than its syntax.

    Args:
        collections: (token ids of each document, weight); pairs do not cross documents.
        vocabulary: number of tokens V.
        window: largest distance.

    Returns:
        A symmetric scipy CSR matrix [V, V] of float32.
    """
    from scipy import sparse

    total: Any = sparse.csr_matrix(np.zeros((0, vocabulary), dtype=np.float32))
    total.resize((vocabulary, vocabulary))
    for documents, weight in collections:
        for tokens in _pieces(documents):
            # A border anywhere between two tokens means different documents.
            borders = np.cumsum(tokens == _BORDER)
            for distance in range(1, window + 1):
                left, right = tokens[:-distance], tokens[distance:]
                same = (left != _BORDER) & (right != _BORDER) & (borders[:-distance] == borders[distance:])
                weights = np.full(int(same.sum()), weight, dtype=np.float32)
                pairs = sparse.coo_matrix((weights, (left[same], right[same])), shape=(vocabulary, vocabulary))
                total = total + pairs.tocsr()
    return (total + total.T).tocsr()


def _pieces(documents: Iterable[Sequence[int]]) -> Iterable[npt.NDArray[np.int64]]:
    held: list[npt.NDArray[np.int64]] = []
    size = 0
    for document in documents:
        held.append(np.append(np.asarray(document, dtype=np.int64), _BORDER))
        size += len(held[-1])
        if size >= _PIECE:
            yield np.concatenate(held)
            held, size = [], 0
    if held:
        yield np.concatenate(held)


def ppmi(counts: Any) -> Any:
    """Positive pointwise mutual information, max(0, ln P(w, c) / (P(w) P_0.75(c))), as CSR [V, V]."""
    from scipy import sparse

    words = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    contexts = words**_SMOOTHING
    contexts /= max(contexts.sum(), 1e-12)
    cells = counts.tocoo()
    information = np.log(cells.data / (words[cells.row] * contexts[cells.col]))
    positive = information > 0
    return sparse.csr_matrix(
        (information[positive].astype(np.float32), (cells.row[positive], cells.col[positive])), shape=counts.shape
    )


def word_vectors(
    collections: Collection, vocabulary: int, size: int, *, window: int = 10, seed: int = 0
) -> FloatMatrix:
    """One vector per token: U √S of the PPMI matrix, turned by a random rotation.

    The SVD is the randomized one of Halko, Martinsson and Tropp (2011). The rotation spreads the
    leading directions over all coordinates, so that every attention head sees a fair share.

    Returns:
        float32[vocabulary, size] of standard deviation 1 over the tokens that occur; tokens that
        never occur have zeros.
    """
    information = ppmi(cooccurrence(collections, vocabulary, window))
    random = np.random.default_rng(seed)
    rank = min(size, vocabulary)
    basis = random.standard_normal((vocabulary, min(vocabulary, rank + _OVERSAMPLING))).astype(np.float32)
    basis = np.linalg.qr(information @ basis)[0]
    for _ in range(_POWER_ITERATIONS):
        basis = np.linalg.qr(information @ (information.T @ basis))[0]
    left, singular, _ = np.linalg.svd((information.T @ basis).T, full_matrices=False)
    vectors = np.zeros((vocabulary, size), dtype=np.float32)
    vectors[:, :rank] = (basis @ left)[:, :rank] * np.sqrt(singular[:rank])
    vectors = vectors @ np.linalg.qr(random.standard_normal((size, size)))[0].astype(np.float32)
    # Tokens that never occur keep rounding noise after the rotation; they must be exact zeros.
    seen = np.asarray(information.getnnz(axis=1)) > 0
    vectors[~seen] = 0.0
    spread = float(vectors[seen].std()) if seen.any() else 0.0
    return (vectors / spread if spread > 0 else vectors).astype(np.float32)
