"""Responses that were computed before, in one SQLite file that several processes may share.

A response is found by the digest of (request, model digest, answer key) and, where it was computed together with
others, of these. Only values are kept,
never failures. Each row carries a digest of itself: one that changed on the disk counts as missing and is computed
again. Writes are committed in batches, so a killed run loses at most one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.digests import digest
from harness.core.errors import IncompleteError, Where
from harness.core.reporter import Reporter
from harness.core.requests import Failure, Response, response_from_json
from harness.storage import atomic

RESPONSES_FORMAT = 1
RESPONSES = "responses.sqlite"
"""Name of the file in the cache folder."""
_LOOKUP = 500
_WAIT_SECONDS = 60.0
_SIDE_FILES = ("", "-wal", "-shm")


def response_key(request_key: str, model: str, window: str | None = None) -> bytes:
    """32 bytes from a request's key, the model's identity (see `model_identity`) and the requests beside it."""
    together = [] if window is None else [window]
    return bytes.fromhex(digest([RESPONSES_FORMAT, request_key, model, *together]))


def model_identity(model_digest: str, answer_key: Mapping[str, object]) -> str:
    return digest({"digest": model_digest, "answer": dict(answer_key)})


@dataclass(frozen=True, slots=True)
class RenewedFile:
    """A file whose earlier responses are computed again and replaced (`run --fresh`)."""

    path: Path


ResponseFile = Path | RenewedFile


class ResponseCache:
    """A map from keys to responses in a file.

    Args:
        file: the SQLite file; made when missing, moved aside when damaged. Of a renewed one, only what this object
            has put there is found.
        reporter: told about a damaged file.
    """

    def __init__(self, file: ResponseFile, reporter: Reporter) -> None:
        renewed = isinstance(file, RenewedFile)
        self.path = path = file.path if isinstance(file, RenewedFile) else file
        self._own: set[bytes] | None = set() if renewed else None
        self._reporter = reporter
        with atomic.explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            self._recover(error)

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, Response]:
        """The responses that are there; rows that cannot be read count as missing."""
        responses: dict[bytes, Response] = {}
        keys = keys if self._own is None else [key for key in keys if key in self._own]
        try:
            for start in range(0, len(keys), _LOOKUP):
                part = keys[start : start + _LOOKUP]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, value, check_sum FROM checked_responses WHERE key IN ({marks})"
                for key, value, check_sum in self._connection.execute(query, part):
                    response = _read(key, value, check_sum)
                    if response is not None:
                        responses[key] = response
        except sqlite3.DatabaseError as error:
            self._recover(error)
        return responses

    def put_many(self, responses: Iterable[tuple[bytes, Response]]) -> None:
        """Keeps responses; failures are left out. One transaction."""
        rows = [(key, json.dumps(value.to_json())) for key, value in responses if not isinstance(value, Failure)]
        if not rows:
            return
        if self._own is not None:
            self._own.update(key for key, _ in rows)
        try:
            self._write(rows)
        except sqlite3.DatabaseError as error:
            self._recover(error)
            self._write(rows)

    def damaged(self) -> list[bytes]:
        """The keys of all rows that do not match their digest."""
        rows = self._connection.execute("SELECT key, value, check_sum FROM checked_responses")
        return [key for key, value, check_sum in rows if _read(key, value, check_sum) is None]

    def remove(self, keys: Sequence[bytes]) -> None:
        """Removes rows; they are computed again when they are needed."""
        with self._connection:
            self._connection.executemany("DELETE FROM checked_responses WHERE key = ?", [(key,) for key in keys])

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT COUNT(*) FROM checked_responses").fetchone()[0])

    def close(self) -> None:
        self._connection.close()

    def _write(self, rows: Sequence[tuple[bytes, str]]) -> None:
        checked = [(key, value, _check_sum(key, value)) for key, value in rows]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO checked_responses VALUES (?, ?, ?)", checked)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            with connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS checked_responses"
                    " (key BLOB PRIMARY KEY, value TEXT NOT NULL, check_sum BLOB NOT NULL) WITHOUT ROWID"
                )
                # What an earlier version kept cannot be checked.
                connection.execute("DROP TABLE IF EXISTS responses")
            connection.execute("SELECT * FROM checked_responses LIMIT 1").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection

    def _recover(self, error: sqlite3.DatabaseError) -> None:
        """Moves a damaged file aside and starts an empty one.

        Raises:
            IncompleteError: for other faults (a full disk, a file that stays locked).
        """
        if isinstance(error, sqlite3.OperationalError):
            raise IncompleteError(
                f"cannot use the response cache: {error}.",
                where=Where(self.path),
                hint="check free space and permissions of the cache folder, then rerun; responses are kept.",
            ) from error
        if hasattr(self, "_connection"):
            self._connection.close()
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        for suffix in _SIDE_FILES:
            side = self.path.with_name(self.path.name + suffix)
            if side.exists():
                os.replace(side, aside.with_name(aside.name + suffix))
        self._reporter.warn(f"corrupt response cache ({error}); recomputing the responses. Old file: {aside}")
        self._connection = self._open()


def _check_sum(key: bytes, value: str) -> bytes:
    """16 bytes over a row: its key, which has a fixed length, and its value."""
    return hashlib.blake2b(key + value.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _read(key: bytes, value: object, check_sum: object) -> Response | None:
    try:
        if not isinstance(value, str) or check_sum != _check_sum(key, value):
            return None
        return response_from_json(json.loads(value))
    except (ValueError, AttributeError):
        return None
