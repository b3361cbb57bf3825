"""Opening addresses by http and https, and by nothing else; a server that drips is hung up on."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

HEAD_SECONDS = 60.0
"""From the end of a request to the end of the reply's headers."""
WINDOW_SECONDS = 60.0
LEAST_RATE = 100
"""Bytes a second that a reply must bring over each window. A socket's time-out holds for a single read only."""
_BLOCK = 1 << 18


def http_opener() -> urllib.request.OpenerDirector:
    """http and https only: neither an address nor a redirect can name a local file."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Http(),
        _Https(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def blocks(source: IO[bytes]) -> Iterator[bytes]:
    """The content of an open file or reply, as it comes.

    Raises:
        TimeoutError: when it comes more slowly than `LEAST_RATE`.
        OSError: as the source's own reading does.
    """
    # `read` waits for a whole block; what has come is given by `read1`, where the source has it.
    read = getattr(source, "read1", source.read)
    start, size = time.monotonic(), 0
    while block := read(_BLOCK):
        yield block
        size += len(block)
        elapsed = time.monotonic() - start
        if elapsed > WINDOW_SECONDS:
            if size < LEAST_RATE * elapsed:
                raise TimeoutError(f"the server sent {size} bytes in {elapsed:.0f} s")
            start, size = time.monotonic(), 0


class _Timely(http.client.HTTPConnection):
    """A connection whose reply's headers must come in time, however often a byte arrives."""

    def getresponse(self) -> http.client.HTTPResponse:
        late = threading.Event()
        watch = threading.Timer(HEAD_SECONDS, self._hang_up, (late,))
        watch.daemon = True
        watch.start()
        try:
            reply = super().getresponse()
            # The end of a connection ends headers, too.
            if not late.is_set():
                return reply
        except (OSError, http.client.HTTPException):
            if not late.is_set():
                raise
        finally:
            watch.cancel()
        raise TimeoutError(f"the server's headers did not end within {HEAD_SECONDS:g} s")

    def _hang_up(self, late: threading.Event) -> None:
        late.set()
        with suppress(OSError, AttributeError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _TimelySecure(_Timely, http.client.HTTPSConnection):
    pass


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Timely, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        connection: Any = _TimelySecure
        return self.do_open(connection, req)
