"""Streams requests through a backend: equal ones once, known ones from the cache."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice

from harness.core.model import Backend, ModelFacts, Work
from harness.core.reporter import Reporter
from harness.core.requests import Failure, Request, Response
from harness.storage.response_cache import ResponseCache, ResponseFile, model_identity, response_key

CHUNK = 2048
_COMMIT_ANSWERS = 256
_COMMIT_SECONDS = 5.0


class CachedModel:
    """A model whose answers are kept.

    Args:
        backend: computes answers.
        responses: the cache file, or None to keep nothing.
        reporter: told about a damaged cache.
    """

    def __init__(self, backend: Backend, responses: ResponseFile | None, reporter: Reporter) -> None:
        self.backend = backend
        self._cache = ResponseCache(responses, reporter) if responses is not None else None
        self._from_cache = 0
        self._most_pending = getattr(backend, "most_pending", _COMMIT_ANSWERS)
        self._identity = model_identity(backend.facts.digest, backend.facts.answer_key)

    @property
    def facts(self) -> ModelFacts:
        return self.backend.facts

    @property
    def work(self) -> Work:
        """What answering has cost so far."""
        inner = getattr(self.backend, "asked", None)
        if isinstance(inner, CachedModel):
            below = inner.work
            return Work(below.tokens, below.flops, below.from_cache + self._from_cache)
        meter = getattr(self.backend, "meter", None)
        if meter is None:
            return Work(None, None, self._from_cache)
        return Work(meter.tokens, meter.flops, self._from_cache)

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answers every distinct request once, in any order, reading `requests` in chunks."""
        seen: set[bytes] = set()
        stream = iter(requests)
        while chunk := list(islice(stream, CHUNK)):
            wanted: dict[Request, bytes] = {}
            for request in chunk:
                try:
                    key = response_key(request.key(), self._identity)
                except ValueError as error:
                    yield request, Failure("error", str(error))
                    continue
                if key not in seen:
                    seen.add(key)
                    wanted[request] = key
            yield from self._answer(wanted)

    def close(self) -> None:
        """Closes the cache file."""
        if self._cache is not None:
            self._cache.close()

    def _answer(self, wanted: dict[Request, bytes]) -> Iterator[tuple[Request, Response]]:
        known = self._cache.get_many(list(wanted.values())) if self._cache is not None else {}
        missing: dict[Request, bytes] = {}
        for request, key in wanted.items():
            if key in known:
                self._from_cache += 1
                yield request, known[key]
            else:
                missing[request] = key
        pending: list[tuple[bytes, Response]] = []
        committed = time.monotonic()
        try:
            for request, response in self.backend.compute(list(missing)) if missing else ():
                pending.append((missing.pop(request), response))
                if len(pending) >= self._most_pending or time.monotonic() - committed > _COMMIT_SECONDS:
                    self._keep(pending)
                    pending, committed = [], time.monotonic()
                yield request, response
        finally:
            self._keep(pending)
        for request in missing:
            yield request, Failure("unsupported", f"a {self.facts.family} model has no answer to {request.kind!r}")

    def _keep(self, answered: list[tuple[bytes, Response]]) -> None:
        if self._cache is not None and answered:
            self._cache.put_many(answered)
