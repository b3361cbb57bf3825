"""`harness serve`: loopback only, known files only, any item on demand."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.report.live_server import LiveServer, server
from harness.storage.run_dir import RunDir


@contextmanager
def running(run: RunDir) -> Iterator[LiveServer]:
    bound = server(run, 0)
    thread = threading.Thread(target=bound.serve_forever, daemon=True)
    thread.start()
    yield bound
    bound.shutdown()
    bound.server_close()


@pytest.fixture
def live(plain: RunDir) -> Iterator[LiveServer]:
    with running(plain) as bound:
        yield bound


def ask(
    live: LiveServer, path: str, method: str = "GET", *, token: str | None = None, **headers: str
) -> tuple[int, bytes, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", int(live.server_address[1]), timeout=10)
    connection.request(method, f"/{live.token if token is None else token}{path}", headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def test_the_page_may_ask_only_its_own_server(live: LiveServer) -> None:
    status, body, headers = ask(live, "/")
    assert status == 200
    assert b"connect-src &#39;self&#39;;" in body or b"connect-src 'self';" in body
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert b'"live":true' in body


def test_every_item_can_be_read(live: LiveServer, plain: RunDir) -> None:
    for item in plain.read_items("reviews")[::400]:
        status, body, _ = ask(live, f"/item?evaluation=reviews&id={item.id[:10]}")
        assert status == 200
        assert json.loads(body)[0] == item.texts["text"]


@pytest.mark.parametrize(
    "path",
    ["/item?evaluation=reviews&id=zzzzzzzzzz", "/item?evaluation=none&id=aaaaaaaaaa", "/item?evaluation=reviews&id=",
     "/item", "/../run.json", "/%2e%2e/%2e%2e/etc/passwd", "/.lock", "/records", "//etc/passwd"],
)  # fmt: skip
def test_what_is_unknown_is_not_found(live: LiveServer, path: str) -> None:
    assert ask(live, path)[0] == 404


def test_listed_files_are_served_and_head_has_no_body(live: LiveServer, plain: RunDir) -> None:
    status, body, _ = ask(live, "/results.json")
    assert (status, body) == (200, plain.results_path.read_bytes())
    status, body, headers = ask(live, "/results.json", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == plain.results_path.stat().st_size


def test_other_hosts_and_methods_are_refused(live: LiveServer) -> None:
    assert ask(live, "/", Host="evil.test")[0] == 403
    assert ask(live, "/", Host=f"localhost:{live.server_address[1]}")[0] == 200
    assert ask(live, "/", "POST")[0] == 501


def test_a_link_in_the_run_is_not_served(plain: RunDir, tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("private", "utf-8")
    run = RunDir(Path(shutil.copytree(plain.path, tmp_path / "run")))
    (run.path / "items" / "private.txt").symlink_to(tmp_path / "private.txt")
    (run.path / "training").mkdir(exist_ok=True)
    os.mkfifo(run.path / "training" / "pipe.jsonl")
    with running(run) as bound:
        for path in ("/items/private.txt", "/training/pipe.jsonl"):
            assert ask(bound, path)[0] == 404


def test_without_the_word_of_the_address_nothing_is_served(live: LiveServer) -> None:
    assert live.address.endswith(f"/{live.token}/")
    for token in ("", "x", live.token[:-1], live.token + "x"):
        for path in ("/", "/results.json", "/item?evaluation=reviews&id=aaaaaaaaaa"):
            assert ask(live, path, token=token)[0] == 404


def test_a_lost_client_is_no_error(live: LiveServer, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", int(live.server_address[1]))) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(f"GET /{live.token}/ HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert ask(live, "/")[0] == 200
    assert "Traceback" not in capfd.readouterr().err
