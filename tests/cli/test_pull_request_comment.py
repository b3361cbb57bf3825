"""One comment, found by its marker; a token that only reads never changes the exit code."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.cli.pull_request_comment import main

MARKER = "<!-- harness: sentiment -->"


class Host(ThreadingHTTPServer):
    """Comments of one pull request, as the API of a host gives them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.comments: list[dict[str, Any]] = []
        self.writes: list[tuple[str, str, str]] = []
        self.refuses = 0


class Answering(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        size, page = int(query["per_page"][0]), int(query["page"][0])
        self.answer(200, self.server.comments[(page - 1) * size : page * size])

    def do_POST(self) -> None:
        self.write()

    def do_PATCH(self) -> None:
        self.write()

    def write(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        if self.server.refuses:
            self.answer(self.server.refuses, {"message": "Resource not accessible by integration"})
            return
        self.server.writes.append((self.command, self.path, body))
        self.answer(200, {})

    def answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    server = Host()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/repository")
    monkeypatch.setenv("GH_TOKEN", "t")
    monkeypatch.setenv("PULL_REQUEST", "7")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "comment.md"
    path.write_text(f"{MARKER}\n## fail\n", "utf-8")
    return path


def comment(number: int, body: str, kind: str = "Bot") -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"type": kind}}


def test_the_first_time_a_comment_is_written(host: Host, page: Path) -> None:
    assert main([str(page)]) == 0
    assert host.writes == [("POST", "/repos/owner/repository/issues/7/comments", page.read_text("utf-8"))]


def test_the_comment_is_found_by_its_marker_and_not_by_its_place(host: Host, page: Path) -> None:
    host.comments = [
        comment(1, f"{MARKER}\r\nquoted by a person", "User"),
        comment(2, "<!-- harness: other -->\nthe gates of another suite"),
        comment(3, f"about {MARKER}"),
        *[comment(number, "talk", "User") for number in range(10, 150)],
        comment(200, f"{MARKER}\r\nof the last run"),
        comment(201, "the last comment of a bot"),
    ]
    assert main([str(page)]) == 0
    assert [write[:2] for write in host.writes] == [("PATCH", "/repos/owner/repository/issues/comments/200")]


@pytest.mark.parametrize("status", [401, 403, 404, 422, 500])
def test_a_token_that_only_reads_is_a_notice(
    status: int, host: Host, page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.refuses = status
    assert main([str(page)]) == 0
    assert capsys.readouterr().out.startswith(f"::notice title=harness::no comment: the host refuses (HTTP {status})")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PULL_REQUEST", ""),
        ("PULL_REQUEST", "7/x"),
        ("GITHUB_REPOSITORY", "../x"),
        ("GITHUB_API_URL", "http://127.0.0.1:9"),
    ],
)
def test_nothing_else_fails_either(
    variable: str,
    value: str,
    host: Host,
    page: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)
    assert main([str(page)]) == 0
    assert main([str(page.with_name("none.md"))]) == 0
    assert main([]) == 0
    assert host.writes == []
    assert capsys.readouterr().out.count("::notice") == 3


def test_a_file_without_a_marker_is_no_comment(host: Host, page: Path) -> None:
    page.write_text("## fail\n", "utf-8")
    assert main([str(page)]) == 0
    assert host.writes == []
