from __future__ import annotations

import socket
import threading
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from harness.storage import plain_http
from harness.storage.plain_http import blocks, http_opener


@contextmanager
def dripping(head: bytes, drops: int = 60) -> Iterator[str]:
    """A server that sends `head` and then one byte every 50 ms."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(head)
                    for _ in range(drops):
                        connection.sendall(b"x")
                        time.sleep(0.05)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/file"


def test_headers_that_never_end_are_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_http, "HEAD_SECONDS", 0.4)
    started = time.monotonic()
    with (
        dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ") as address,
        pytest.raises((TimeoutError, urllib.error.URLError), match="headers"),
    ):
        http_opener().open(address, timeout=5)
    assert time.monotonic() - started < 2


def test_a_body_that_drips_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_http, "WINDOW_SECONDS", 0.4)
    started = time.monotonic()
    with (
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n") as address,
        http_opener().open(address, timeout=5) as reply,
        pytest.raises(TimeoutError, match="bytes in"),
    ):
        list(blocks(reply))
    assert time.monotonic() - started < 2


def test_a_whole_body_comes_through() -> None:
    with dripping(b"HTTP/1.0 200 OK\r\n\r\n" + b"y" * 70_000, 2) as address, http_opener().open(address) as reply:
        assert b"".join(blocks(reply)) == b"y" * 70_000 + b"xx"
