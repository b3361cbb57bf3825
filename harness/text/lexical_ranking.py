"""Documents by the words that they share with a query: the cosine of TF-IDF weights, as scikit-learn counts them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"(?u)\b\w\w+\b")


class LexicalIndex:
    """An inverted index of documents.

    The weight of a word is its count times ln((1 + n) / (1 + documents with it)) + 1, and vectors have length one:
    scikit-learn's `TfidfVectorizer()` on the documents.
    """

    def __init__(self, documents: Sequence[str]) -> None:
        counted = [Counter(_WORD.findall(text.lower())) for text in documents]
        holders = Counter(word for counts in counted for word in counts)
        self._n = len(documents)
        self._idf = {word: float(np.log((1 + self._n) / (1 + count)) + 1) for word, count in holders.items()}
        entries: dict[str, list[tuple[int, float]]] = {}
        for place, counts in enumerate(counted):
            weights = {word: count * self._idf[word] for word, count in counts.items()}
            norm = float(np.sqrt(sum(weight**2 for weight in weights.values()))) or 1.0
            for word, weight in weights.items():
                entries.setdefault(word, []).append((place, weight / norm))
        self._entries = {
            word: (np.array([place for place, _ in held]), np.array([weight for _, weight in held]))
            for word, held in entries.items()
        }

    def scores(self, query: str) -> npt.NDArray[np.float64]:
        """float64[n]: the cosine of each document with a query."""
        made = np.zeros(self._n)
        weights = {
            word: count * self._idf[word]
            for word, count in sorted(Counter(_WORD.findall(query.lower())).items())
            if word in self._idf
        }
        norm = float(np.sqrt(sum(weight**2 for weight in weights.values()))) or 1.0
        for word, weight in weights.items():
            places, held = self._entries[word]
            made[places] += held * weight / norm
        return made
