"""TF-IDF and softmax regression, by numpy and scipy alone.

Equal to scikit-learn's `TfidfVectorizer` (smooth idf, L2 norm) followed by `LogisticRegression`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from harness.core.model import Backend, ModelFacts
from harness.core.records import FloatArray
from harness.core.requests import Classify, InputMark, Request, Response
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.formats.classical_file import ClassicalWeights, read_classical
from harness.models.device_policy import SCORING_VERSION
from harness.models.open_context import OpenContext
from harness.models.response_builders import choose, log_softmax, plain_question, with_inputs

_WORD = re.compile(r"\w\w+")


def bag_text(text: str, pair: str | None) -> str:
    """The text whose words are counted: of a pair both, and each word that stands in both once more with a mark."""
    if pair is None:
        return text
    first, second = (set(_WORD.findall(side.lower())) for side in (text, pair))
    shared = sorted(first & second)
    return "\n".join([text, pair, *("both_words" for _ in shared), *(f"both_{word}" for word in shared)])


class ClassicalBackend:
    """Classifies by weighted counts of n-grams; knows nothing of language otherwise."""

    most_pending = 256

    def __init__(self, weights: ClassicalWeights, pattern: re.Pattern[str], facts: ModelFacts) -> None:
        self._weights = weights
        self._pattern = pattern
        self._facts = facts

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Response]]:
        """See `Backend`."""
        asked = []
        for request in requests:
            if isinstance(request, Classify):
                refusal = plain_question(request, pairs=True)
                if refusal is None:
                    asked.append(request)
                else:
                    yield request, refusal
        if asked:
            texts = [bag_text(request.text, request.pair) for request in asked]
            for request, text, row in zip(asked, texts, self.logprobs(texts), strict=True):
                yield request, with_inputs(choose(request, self._weights.labels, row, 0), self._mark(text))

    def _mark(self, text: str) -> InputMark:
        """The counts of the text's known n-grams, which are all that is seen of it, and how many it does not know."""
        known = Counter(self._weights.vocabulary.get(ngram) for ngram in self._ngrams(text))
        unknown = known.pop(None, 0)
        return InputMark.of(sorted((str(column), count) for column, count in known.items()), unknown)

    def logprobs(self, texts: Sequence[str]) -> FloatArray:
        """Log-probabilities float64[n, K]."""
        weights = self._weights
        columns: list[int] = []
        counts: list[int] = []
        starts = [0]
        for text in texts:
            token_counts = Counter(
                column for ngram in self._ngrams(text) if (column := weights.vocabulary.get(ngram)) is not None
            )
            columns.extend(token_counts.keys())
            counts.extend(token_counts.values())
            starts.append(len(columns))
        index = np.asarray(columns, dtype=np.int64)
        data = np.asarray(counts, dtype=np.float64)
        if weights.sublinear:
            data = 1.0 + np.log(data)
        data *= weights.idf[index]
        rows = csr_matrix((data, index, np.asarray(starts)), shape=(len(texts), len(weights.vocabulary)))
        norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        norms[norms == 0] = 1.0
        return log_softmax((rows @ weights.coef.T) / norms[:, None] + weights.intercept)

    def _ngrams(self, text: str) -> Iterator[str]:
        tokens = self._pattern.findall(text.lower() if self._weights.lowercase else text)
        low, high = self._weights.ngrams
        for size in range(low, min(high, len(tokens)) + 1):
            for start in range(len(tokens) - size + 1):
                yield " ".join(tokens[start : start + size])


def open_classical(folder: Path, context: OpenContext) -> Backend:
    """Opens a classical checkpoint.

    Raises:
        CheckpointError: when a file is missing or damaged.
    """
    weights = read_classical(folder)
    facts = ModelFacts(
        digest=checkpoint_digest(folder, context.resolve),
        family="bag_of_words",
        language_model=None,
        labels=weights.labels,
        supports=frozenset({Classify.kind}),
        dtype="float64",
        parameters=weights.coef.size + weights.intercept.size + weights.idf.size,
        answer_key={"scoring": SCORING_VERSION},
    )
    return ClassicalBackend(weights, re.compile(weights.token_pattern), facts)
