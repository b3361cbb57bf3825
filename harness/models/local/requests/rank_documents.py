"""Documents of a pool in the order of their similarity to a query: by vectors, or by a head that reads both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from harness.core.requests import Embed, Embedding, Failure, Rank, Regress, Request, Response, Scores
from harness.models.local.batching import Batcher
from harness.models.local.network import Network
from harness.models.local.requests.whole_text import embeddings, numbers
from harness.models.local.sentence_modules import SentenceModules
from harness.models.response_builders import best_documents

Matrix = npt.NDArray[np.float32]
_KEPT = 2
"""Pools whose vectors are kept: queries of one evaluation come in windows, and all search one pool."""
_LARGE = 200


class DocumentRanker:
    """Answers `Rank` for one network; the vectors of a large pool are made once."""

    def __init__(self, own: SentenceModules) -> None:
        self._own = own
        self._pools: dict[tuple[str, str, str, str], Matrix | Failure] = {}

    def __call__(
        self, network: Network, batcher: Batcher, requests: Sequence[Rank]
    ) -> Iterator[tuple[Request, Response]]:
        """Answers each request."""
        by_head = [request for request in requests if not request.pooling]
        by_vectors = [request for request in requests if request.pooling]
        if by_head:
            yield from _by_head(network, batcher, by_head)
        if by_vectors:
            yield from self._by_vectors(network, batcher, by_vectors)

    def _by_vectors(
        self, network: Network, batcher: Batcher, requests: Sequence[Rank]
    ) -> Iterator[tuple[Request, Response]]:
        wanted = [Embed(request.query, request.pooling, request.prompts[0]) for request in requests]
        small = [request for request in requests if len(request.pool.texts) <= _LARGE]
        wanted += [_document(request, text) for request in small for text in request.pool.texts]
        known = dict(embeddings(network, batcher, list(dict.fromkeys(wanted)), self._own))
        for request in requests:
            query = known[Embed(request.query, request.pooling, request.prompts[0])]
            if len(request.pool.texts) <= _LARGE:
                pool = _matrix([known[_document(request, text)] for text in request.pool.texts], request.similarity)
            else:
                pool = self._pool(network, batcher, request)
            sought = _matrix([query], request.similarity)
            if isinstance(sought, Failure) or isinstance(pool, Failure):
                yield request, sought if isinstance(sought, Failure) else pool  # type: ignore[misc]
                continue
            yield request, best_documents(pool @ sought[0], request.top, query.truncated)

    def _pool(self, network: Network, batcher: Batcher, request: Rank) -> Matrix | Failure:
        key = (request.pool.digest, request.pooling, request.prompts[1], request.similarity)
        if key not in self._pools:
            while len(self._pools) >= _KEPT:
                del self._pools[next(iter(self._pools))]
            asked = [_document(request, text) for text in request.pool.texts]
            known = dict(embeddings(network, batcher, list(dict.fromkeys(asked)), self._own))
            self._pools[key] = _matrix([known[document] for document in asked], request.similarity)
        return self._pools[key]


def _document(request: Rank, text: str) -> Embed:
    return Embed(text, request.pooling, request.prompts[1])


def _matrix(responses: Sequence[Response], similarity: str) -> Matrix | Failure:
    """float32[n, H], each vector of length one for a cosine; or the first failure."""
    rows = []
    for response in responses:
        if not isinstance(response, Embedding):
            return response if isinstance(response, Failure) else Failure("error", "expected a vector")
        rows.append(response.values)
    made = np.asarray(rows, dtype=np.float64)
    if similarity == "cosine":
        made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
    return made.astype(np.float32)


def _by_head(network: Network, batcher: Batcher, requests: Sequence[Rank]) -> Iterator[tuple[Request, Response]]:
    asked = dict.fromkeys(Regress(request.query, text) for request in requests for text in request.pool.texts)
    known = dict(numbers(network, batcher, list(asked)))
    for request in requests:
        answers = [known[Regress(request.query, text)] for text in request.pool.texts]
        failure = next((answer for answer in answers if isinstance(answer, Failure)), None)
        if failure is not None:
            yield request, failure
            continue
        values = np.array([answer.values[0] for answer in answers if isinstance(answer, Scores)])
        truncated = sum(answer.truncated for answer in answers)
        yield request, best_documents(values, request.top, truncated)
