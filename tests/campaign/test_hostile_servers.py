"""Model servers that drip, flood, lie or go away: a sentence, in bounded time and memory; never a wrong figure."""

from __future__ import annotations

import gzip
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from harness_support import toy_server
from harness_support.zygote import Zygote

pytestmark = pytest.mark.slow

SUITE = """\
name: served
data:
  p: {{file: p.csv, held_out: true, splits: {{test: 1.0}}}}
models:
  a: {{server: {{url: "{url}", model: toy, timeout: 1, max_attempts: 2, concurrency: 2}}}}
  b: {{server: {{url: "{sound}", model: toy}}}}
compare: {{baseline: b}}
tasks:
  t: {{language_modeling: {{data: p}}}}
"""
Serve = Callable[[socket.socket], None]


def _drip(head: bytes, drop: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(400):
            connection.sendall(drop)
            time.sleep(0.05)

    return serve


def _reply(content: bytes, *headers: str, status: str = "200 OK") -> Serve:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers]
    return lambda connection: connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)


def _flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        connection.sendall(b"[" * 65536)


RAW: Mapping[str, Serve] = {
    "says nothing": lambda connection: time.sleep(20),
    "hangs up": lambda connection: None,
    "drips headers": _drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    "drips header lines": _drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "drips a body": _drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
    "floods": _flood,
    "no HTTP": lambda connection: connection.sendall(b"\x00\xff" * 5000),
    "headers without end": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000),
    "a negative length": _reply(b"{}", "Content-Length: -5"),
    "a longer length": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}"),
    "unpacks to a gigabyte": _reply(gzip.compress(b" " * (1 << 30), 1), "Content-Encoding: gzip"),
    "not gzip": _reply(b"{}", "Content-Encoding: gzip"),
    "redirects to a file": _reply(b"", "Location: file:///etc/passwd", status="302 Found"),
    "redirects for ever": _reply(b"", "Location: /v1/completions", status="307 Temporary Redirect"),
    "wants a password": _reply(b"{}", status="401 Unauthorized"),
    "forbids": _reply(b"{}", status="403 Forbidden"),
    "asks to wait for a year": _reply(b"{}", "Retry-After: 31536000", status="400 Bad Request"),
    "deep JSON": _reply(b'{"data":' * 100_000 + b"1" + b"}" * 100_000),
    "escapes in an error": _reply(
        b'{"error": {"message": "\\u001b]0;owned\\u0007\\u001b[2J"}}', status="400 Bad Request"
    ),
    "a list": _reply(b"[]"),
    "a page": _reply(b"<html>gateway</html>"),
    "no status": lambda connection: connection.sendall(b"HTTP/1.1\r\n\r\n"),
    "status 999": _reply(b"{}", status="999 Odd"),
    "only interim replies": lambda connection: connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000),
}


@contextmanager
def _listening(serve: Serve) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def one(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                connection.recv(65536)
                serve(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    rows = "".join(f'"The nurse told the doctor story {number}."\n' for number in range(12))
    (tmp_path / "p.csv").write_text(f"text\n{rows}", "utf-8")
    return tmp_path


def _attack(url: str, sound: str, world: Path, zygote: Zygote) -> str | None:
    (world / "served.yaml").write_text(SUITE.format(url=url, sound=sound), "utf-8")
    environment = {"HARNESS_CACHE_DIR": str(world / "cache"), "NO_PROXY": "127.0.0.1"}
    outcome = zygote.run(["run", "served.yaml", "-q", "--out", world / "out"], world, env=environment, seconds=40)
    return None if outcome.fault() is None else f"{outcome.fault()}: {outcome.err[-300:]}"


@pytest.mark.parametrize("name", RAW)
def test_a_server_that_breaks_the_protocol(name: str, world: Path, zygote: Zygote) -> None:
    with _listening(RAW[name]) as url, toy_server.running() as sound:
        assert _attack(url, sound.url, world, zygote) is None


ODD = (None, True, -1, 0, 1e308, float("nan"), 10**400, "", "x" * 100_000, [], [[]], {}, {"a": 1}, "\ud800", [None] * 9)


def _spoiled(value: Any, rng: random.Random) -> Any:
    """A copy with one value, somewhere, replaced by an odd one, or left out."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        if rng.random() < 0.15:
            return {name: part for name, part in value.items() if name != key}
        return {**value, key: _spoiled(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        place = rng.randrange(len(value))
        return [*value[:place], _spoiled(value[place], rng), *value[place + 1 :]]
    return rng.choice(ODD)


def test_replies_with_one_odd_value(world: Path, zygote: Zygote, tries: int) -> None:
    faults = {}
    for number in range(tries // 4):
        with toy_server.running() as odd, toy_server.running() as sound:
            odd.reply = _sometimes_odd(odd.reply, number)  # type: ignore[method-assign]
            fault = _attack(odd.url, sound.url, world, zygote)
        if fault is not None:
            faults[number] = fault
    assert not faults, "\n".join(f"{number}: {fault}" for number, fault in faults.items())


def _sometimes_odd(reply: Callable[..., tuple[int, Any]], seed: int) -> Callable[..., tuple[int, Any]]:
    def spoiled(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, value = reply(path, body)
        rng = random.Random(f"{seed} {path} {json.dumps(body, sort_keys=True)}")
        return status, _spoiled(value, rng) if rng.random() < 0.5 else value

    return spoiled
