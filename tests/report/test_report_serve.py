"""`harness serve`: loopback only, known files only, any item on demand."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.report.live_server import server
from harness.storage.run_dir import RunDir


@pytest.fixture
def port(plain: RunDir) -> Iterator[int]:
    bound = server(plain, 0)
    thread = threading.Thread(target=bound.serve_forever, daemon=True)
    thread.start()
    yield int(bound.server_address[1])
    bound.shutdown()
    bound.server_close()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def test_the_page_may_ask_only_its_own_server(port: int) -> None:
    status, body, headers = ask(port, "/")
    assert status == 200
    assert b"connect-src &#39;self&#39;;" in body or b"connect-src 'self';" in body
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert b'"live":true' in body


def test_every_item_can_be_read(port: int, plain: RunDir) -> None:
    for item in plain.read_items("reviews")[::400]:
        status, body, _ = ask(port, f"/item?evaluation=reviews&id={item.id[:10]}")
        assert status == 200
        assert json.loads(body)[0] == item.texts["text"]


@pytest.mark.parametrize(
    "path",
    ["/item?evaluation=reviews&id=zzzzzzzzzz", "/item?evaluation=none&id=aaaaaaaaaa", "/item?evaluation=reviews&id=",
     "/item", "/../run.json", "/%2e%2e/%2e%2e/etc/passwd", "/.lock", "/records", "//etc/passwd"],
)  # fmt: skip
def test_what_is_unknown_is_not_found(port: int, path: str) -> None:
    assert ask(port, path)[0] == 404


def test_listed_files_are_served_and_head_has_no_body(port: int, plain: RunDir) -> None:
    status, body, _ = ask(port, "/results.json")
    assert (status, body) == (200, plain.results_path.read_bytes())
    status, body, headers = ask(port, "/results.json", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == plain.results_path.stat().st_size


def test_other_hosts_and_methods_are_refused(port: int) -> None:
    assert ask(port, "/", Host="evil.test")[0] == 403
    assert ask(port, "/", Host=f"localhost:{port}")[0] == 200
    assert ask(port, "/", "POST")[0] == 501


def test_a_link_in_the_run_is_not_served(plain: RunDir, tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("private", "utf-8")
    run = RunDir(Path(shutil.copytree(plain.path, tmp_path / "run")))
    (run.path / "items" / "private.txt").symlink_to(tmp_path / "private.txt")
    (run.path / "training").mkdir(exist_ok=True)
    os.mkfifo(run.path / "training" / "pipe.jsonl")
    bound = server(run, 0)
    thread = threading.Thread(target=bound.serve_forever, daemon=True)
    thread.start()
    try:
        for path in ("/items/private.txt", "/training/pipe.jsonl"):
            assert ask(int(bound.server_address[1]), path)[0] == 404
    finally:
        bound.shutdown()
        bound.server_close()
