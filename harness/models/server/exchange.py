"""One question to a server and its reply, within one time and one size from the first byte to the last."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

LARGEST_REPLY = 256_000_000


class Cut(Exception):
    """The reply took too long or was too large; the text says which."""


class Lines:
    """Connections to one server. Safe to use from several threads.

    A library's time-outs hold for one read at a time, so that a server which sends a header byte by byte would be
    listened to for ever. Here each connection has a client of its own, whose socket is shut down when the time is up.

    Args:
        headers: sent with every request.
        timeout: seconds for one exchange.
    """

    def __init__(self, headers: Mapping[str, str], timeout: float) -> None:
        import httpx2

        self._headers = dict(headers)
        self._timeout = timeout
        self._library = httpx2
        self._context = httpx2.create_ssl_context()
        self._idle: queue.LifoQueue[_Line] = queue.LifoQueue()
        self._all: list[_Line] = []
        self._lock = threading.Lock()

    def exchange(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Any, bytes]:
        """Status, headers and body.

        Raises:
            Cut: when the reply takes longer than the time, or is larger than `LARGEST_REPLY` bytes.
            httpx2.HTTPError: for everything that happens to a connection.
        """
        line = self._line()
        try:
            return line.exchange(method, url, content, headers)
        finally:
            self._idle.put(line)

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            for line in self._all:
                line.client.close()

    def _line(self) -> _Line:
        with suppress(queue.Empty):
            return self._idle.get_nowait()
        client = self._library.Client(
            headers=self._headers,
            timeout=self._timeout,
            follow_redirects=False,
            verify=self._context,
            limits=self._library.Limits(max_connections=1, max_keepalive_connections=1),
        )
        line = _Line(client, self._timeout)
        with self._lock:
            self._all.append(line)
        return line


class _Line:
    """A client that holds one connection, and so knows the socket that a reply comes from."""

    def __init__(self, client: httpx2.Client, timeout: float) -> None:
        self.client = client
        self._timeout = timeout
        self._socket: socket.socket | None = None

    def exchange(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Any, bytes]:
        late = threading.Event()
        watch = threading.Timer(self._timeout, self._hang_up, (late,))
        watch.daemon = True
        watch.start()
        parts: list[bytes] = []
        size = 0
        try:
            with self.client.stream(
                method, url, content=content, headers=headers, extensions={"trace": self._traced}
            ) as reply:
                for part in reply.iter_bytes():
                    size += len(part)
                    parts.append(part)
                    if size > LARGEST_REPLY:
                        raise Cut(f"the server sent more than {LARGEST_REPLY} bytes")
                if not late.is_set():
                    return int(reply.status_code), reply.headers, b"".join(parts)
        except Exception:
            if not late.is_set():
                raise
        finally:
            watch.cancel()
        raise Cut(f"the server did not finish within {self._timeout:g} s")

    def _traced(self, event: str, facts: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = facts["return_value"].get_extra_info("socket")

    def _hang_up(self, late: threading.Event) -> None:
        late.set()
        if self._socket is not None:
            # Closing a socket does not wake the thread that reads from it; shutting it down does.
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
