"""Calls to an OpenAI-compatible server: retried, rate-limited, bounded in time and size.

A call ends in a JSON object, in `Refused` (the server answered that it will not do this) or in
`Unavailable` (it did not answer, or not in a usable form, after all attempts). The key is sent
and never shown: messages that quote a server have it blotted out.
"""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from harness.core.storable import stored
from harness.models.server.exchange import Cut, Lines

_RETRIED = frozenset({408, 409, 425, 429})
CREDENTIALS = frozenset({401, 402, 403, 407})
"""A key that is refused or ran out: nothing about the question, and the same for every other one. Where a server says
403 to some questions alone (a filter of contents), the answers between them keep the run going."""
_LONGEST_PAUSE = 60.0
_LONGEST_RETRY_AFTER = 300.0
_QUOTED = 240
_GIVE_UP_AFTER = 5


class Refused(Exception):
    """The server answered with an error that asking again would not change (most of 4xx).

    `parameter` is the one that the server says is at fault, where it names one.
    """

    def __init__(self, status: int, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.parameter = parameter


class Unavailable(Exception):
    """No usable answer after all attempts: time-outs, cut connections, 5xx, 429, malformed JSON.

    `status` is that of the last attempt, where it had one.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class GaveUp(Unavailable):
    """The call was not made: too many before it had no answer, or asking was stopped."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How a server may be asked.

    Attributes:
        concurrency: calls at the same time.
        requests_per_minute: attempts a minute, None for no limit.
        timeout: seconds for one attempt, from connecting to the last byte.
        attempts: how often a call is tried.
        pause: seconds before the second attempt; doubles with each one.
    """

    concurrency: int = 8
    requests_per_minute: int | None = None
    timeout: float = 60.0
    attempts: int = 5
    pause: float = 0.5


class ServerClient:
    """One server. Safe to use from several threads.

    Args:
        url: up to and with `/v1`.
        key: sent as a bearer token; None for none.
        limits: how it may be asked.
    """

    def __init__(self, url: str, key: str | None, limits: Limits) -> None:
        import httpx2

        self.limits = limits
        self._url = url.rstrip("/")
        self._key = key
        self._library = httpx2
        self._lines = Lines({"Authorization": f"Bearer {key}"} if key else {}, limits.timeout)
        self._lock = threading.Lock()
        self._next_start = 0.0
        self._failed_in_a_row = 0
        self._stopped = threading.Event()
        self.retries = 0

    def get(self, path: str) -> dict[str, object]:
        """GET a JSON object. Raises: Refused, Unavailable."""
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """POST a JSON object. Raises: Refused, Unavailable."""
        return self._call("POST", path, body)

    def close(self) -> None:
        """Stops waiting calls and closes connections."""
        self._stopped.set()
        self._lines.close()

    def _call(self, method: str, path: str, body: Mapping[str, object] | None) -> dict[str, object]:
        if self._failed_in_a_row >= _GIVE_UP_AFTER:
            raise GaveUp(f"not sent: {_GIVE_UP_AFTER} consecutive requests returned no answer")
        problem, status = "", None
        for attempt in range(self.limits.attempts):
            self._await_turn()
            wait: float | None = None
            status = None
            try:
                status, headers, raw = self._exchange(method, path, body)
            except self._library.HTTPError as error:
                problem = _told(error, self.limits.timeout)
            except Cut as error:
                problem = str(error)
            else:
                if 400 <= status < 500 and status not in _RETRIED:
                    with self._lock:
                        self._failed_in_a_row = self._failed_in_a_row + 1 if status in CREDENTIALS else 0
                    message = f"the server refused the request (status {status}): {self._quoted(raw)}"
                    raise Refused(status, message, _parameter(raw))
                if status == 200:
                    value = _object(raw)
                    if value is not None:
                        self._failed_in_a_row = 0
                        return value
                    problem = f"the server response is not a JSON object: {self._quoted(raw)}"
                elif 300 <= status < 400:
                    raise Refused(status, f"the server redirected (status {status}); use the final URL")
                else:
                    problem = f"the server responded with status {status}: {self._quoted(raw)}"
                    wait = retry_after(headers.get("retry-after"))
            if attempt + 1 < self.limits.attempts:
                self.retries += 1
                self._sleep(self._backoff(attempt) if wait is None else wait)
        with self._lock:
            self._failed_in_a_row += 1
        raise Unavailable(f"{problem} ({self.limits.attempts} attempts)", status)

    def _exchange(self, method: str, path: str, body: Mapping[str, object] | None) -> tuple[int, Any, bytes]:
        """Status, headers and body of one attempt, within its time and size."""
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        headers = {} if content is None else {"Content-Type": "application/json"}
        return self._lines.exchange(method, self._url + path, content, headers)

    def _await_turn(self) -> None:
        if self.limits.requests_per_minute is not None:
            with self._lock:
                start = max(time.monotonic(), self._next_start)
                self._next_start = start + 60.0 / self.limits.requests_per_minute
            self._sleep(start - time.monotonic())
        if self._stopped.is_set():
            raise GaveUp("the request was canceled")

    def _backoff(self, attempt: int) -> float:
        # Jitter keeps many waiting calls from coming back at the same moment.
        return min(_LONGEST_PAUSE, self.limits.pause * 2.0**attempt) * random.uniform(0.5, 1.5)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0 and self._stopped.wait(seconds):
            raise GaveUp("the request was canceled")

    def _quoted(self, raw: bytes) -> str:
        text = raw[: 4 * _QUOTED].decode("utf-8", "replace")
        value = _object(raw)
        error = value.get("error", value.get("message", value.get("detail"))) if value is not None else None
        if isinstance(error, dict):
            error = error.get("message")
        if error:
            text = str(error)
        if self._key:
            text = text.replace(self._key, "***")
        text = " ".join(text.split())
        return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")


def retry_after(value: str | None) -> float | None:
    """Seconds that a `Retry-After` header asks for (a number or an HTTP date), at most 300; None without one."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (when - datetime.now(UTC if when.tzinfo else None)).total_seconds()
    if math.isnan(seconds):
        return None
    return min(_LONGEST_RETRY_AFTER, max(0.0, seconds))


def _object(raw: bytes) -> dict[str, object] | None:
    try:
        value = stored(json.loads(raw))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _parameter(raw: bytes) -> str | None:
    """The parameter that an error of OpenAI's form is about."""
    error = (_object(raw) or {}).get("error")
    name = error.get("param") if isinstance(error, dict) else None
    return name if isinstance(name, str) else None


def _told(error: Exception, timeout: float) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return f"the server did not answer within {timeout:g} s"
    if "Connect" in name:
        return "the server cannot be reached"
    return f"the connection was lost ({name})"
