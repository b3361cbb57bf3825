"""Streams requests through a backend: equal ones once, known ones from the cache.

What a network computes for a request depends, in its last digits, on the others of the batch. So requests go through
in windows that their order alone decides, a window is computed as a whole or not at all, and its answers are kept
under its content: an answer is the same whatever the cache knew before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from harness.core.digests import digest
from harness.core.model import AnswersEach, Backend, ModelFacts, Work
from harness.core.reporter import Reporter
from harness.core.requests import Failure, Generate, Request, Response
from harness.storage.response_cache import ResponseCache, ResponseFile, model_identity, response_key

if TYPE_CHECKING:
    from harness.models.local.flop_meter import Meter

CHUNK = 2048
"""Requests that are read at a time by a backend that answers each on its own."""
WINDOW = 512
"""Requests of a window at most."""
WINDOW_CHARACTERS = 131_072
"""Characters of a window at most, those that may be written included; what a killed run asks again."""
_CHARACTERS_A_TOKEN = 4
_COMMIT_SECONDS = 5.0


@runtime_checkable
class AsksAnother(Protocol):
    """A backend that has another model do the work."""

    @property
    def asked(self) -> CachedModel: ...


@runtime_checkable
class CountsWork(Protocol):
    """A backend that counts what its network does."""

    @property
    def meter(self) -> Meter: ...


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
        self.most_pending: int | None = backend.most_pending if isinstance(backend, AnswersEach) else None
        self._identity = model_identity(backend.facts.digest, backend.facts.answer_key)

    @property
    def facts(self) -> ModelFacts:
        return self.backend.facts

    @property
    def work(self) -> Work:
        """What answering has cost so far."""
        if isinstance(self.backend, AsksAnother):
            below = self.backend.asked.work
            return Work(below.tokens, below.flops, below.from_cache + self._from_cache)
        if isinstance(self.backend, CountsWork):
            return Work(self.backend.meter.tokens, self.backend.meter.flops, self._from_cache)
        return Work(None, None, self._from_cache)

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answers every distinct request once, in any order, reading `requests` in chunks or windows."""
        seen: set[str] = set()
        for chunk in self._chunks(iter(requests)):
            wanted: dict[Request, str] = {}
            for request in chunk:
                try:
                    key = request.key()
                except ValueError as error:
                    yield request, Failure("error", str(error))
                    continue
                if key not in seen:
                    seen.add(key)
                    wanted[request] = key
            if self.most_pending is None:
                yield from self._window(wanted)
            else:
                yield from self._each(wanted, self.most_pending)

    def close(self) -> None:
        """Closes the cache file."""
        if self._cache is not None:
            self._cache.close()

    def _chunks(self, stream: Iterator[Request]) -> Iterator[list[Request]]:
        if self.most_pending is not None:
            while chunk := list(islice(stream, CHUNK)):
                yield chunk
            return
        window: list[Request] = []
        characters = 0
        for request in stream:
            window.append(request)
            written = request.max_tokens if isinstance(request, Generate) else 0
            characters += len(repr(request)) + _CHARACTERS_A_TOKEN * written
            if len(window) == WINDOW or characters >= WINDOW_CHARACTERS:
                yield window
                window, characters = [], 0
        if window:
            yield window

    def _window(self, wanted: dict[Request, str]) -> Iterator[tuple[Request, Response]]:
        """Answers a window: from the cache where all of it is known, else by computing all of it."""
        window = digest(list(wanted.values()))
        keys = {request: response_key(key, self._identity, window) for request, key in wanted.items()}
        known = self._known(keys)
        if len(known) == len(keys):
            self._from_cache += len(keys)
            yield from ((request, known[key]) for request, key in keys.items())
            return
        answers: list[tuple[bytes, Response]] = []
        for request, response in self._computed(keys):
            answers.append((keys[request], response))
            yield request, response
        self._keep(answers)

    def _each(self, wanted: dict[Request, str], most_pending: int) -> Iterator[tuple[Request, Response]]:
        """Answers requests that do not depend on each other, and keeps each one that came."""
        keys = {request: response_key(key, self._identity) for request, key in wanted.items()}
        known = self._known(keys)
        self._from_cache += len(known)
        yield from ((request, known[key]) for request, key in keys.items() if key in known)
        missing = {request: key for request, key in keys.items() if key not in known}
        pending: list[tuple[bytes, Response]] = []
        committed = time.monotonic()
        try:
            for request, response in self._computed(missing):
                pending.append((missing[request], response))
                if len(pending) >= most_pending or time.monotonic() - committed > _COMMIT_SECONDS:
                    self._keep(pending)
                    pending, committed = [], time.monotonic()
                yield request, response
        finally:
            self._keep(pending)

    def _computed(self, keys: Mapping[Request, bytes]) -> Iterator[tuple[Request, Response]]:
        """Every request with what the backend says; what it leaves out is unsupported."""
        open_requests = dict.fromkeys(keys)
        for request, response in self.backend.compute(list(keys)) if keys else ():
            del open_requests[request]
            yield request, response
        for request in open_requests:
            yield request, Failure("unsupported", f"a {self.facts.family} model has no answer to {request.kind!r}")

    def _known(self, keys: Mapping[Request, bytes]) -> dict[bytes, Response]:
        return self._cache.get_many(list(keys.values())) if self._cache is not None else {}

    def _keep(self, answered: list[tuple[bytes, Response]]) -> None:
        if self._cache is not None and answered:
            self._cache.put_many(answered)
