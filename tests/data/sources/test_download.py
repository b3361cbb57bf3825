from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from harness.core.digests import bytes_digest
from harness.core.reporter import Silent
from harness.data.sources import url
from harness.data.sources.download import Answer, Opener, download
from harness.data.sources.source_error import SourceFailed
from harness.data.sources.source_specs import UrlSource
from harness.storage.store import Store

CONTENT = bytes(range(256)) * 50


def fetch(opener: Opener, target: Path, content: bytes = CONTENT) -> None:
    download(
        opener, target, sha256=bytes_digest(CONTENT), size=len(content), title="thing", reporter=Silent(), pause=0.0
    )


class Flaky:
    """Breaks after some bytes, the first times; knows or ignores ranges."""

    def __init__(self, breaks: int, ranges: bool = True, content: bytes = CONTENT) -> None:
        self.breaks = breaks
        self.ranges = ranges
        self.content = content
        self.asked: list[int] = []

    @contextmanager
    def __call__(self, start: int) -> Iterator[Answer]:
        self.asked.append(start)
        start = start if self.ranges else 0
        yield Answer(start, self._blocks(start))

    def _blocks(self, start: int) -> Iterator[bytes]:
        yield self.content[start : start + 3000]
        if self.breaks:
            self.breaks -= 1
            raise ConnectionResetError("gone")
        yield self.content[start + 3000 :]


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    server = Flaky(breaks=2)
    fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.asked == [0, 3000, 6000]


def test_a_server_without_ranges_sends_all_again(tmp_path: Path) -> None:
    fetch(Flaky(breaks=1, ranges=False), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_killed_download_is_gone_on_from(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="failed 3 times"):
        fetch(Flaky(breaks=3), tmp_path / "file")
    server = Flaky(breaks=0)
    fetch(server, tmp_path / "file")
    assert server.asked == [9000]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_wrong_bytes_are_never_kept(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="SHA-256") as caught:
        fetch(Flaky(breaks=0, content=CONTENT[::-1]), tmp_path / "file")
    assert caught.value.damaged
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_pinned_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="larger"):
        fetch(Flaky(breaks=0, content=CONTENT * 2), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_passwords_in_addresses_are_not_shown(tmp_path: Path) -> None:
    def opener(start: int) -> object:
        raise ConnectionError("cannot reach https://me:secret@host.test/x")

    with pytest.raises(SourceFailed) as caught:
        fetch(opener, tmp_path / "file")  # type: ignore[arg-type]  # it only raises
    assert "secret" not in caught.value.reason


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
            return
        if self.path != "/data.txt":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def source(address: str, sha256: str) -> UrlSource:
    member = {"path": address, "sha256": sha256, "bytes": len(CONTENT)}
    return UrlSource.model_validate({"kind": "url", "parser": "txt", "members": {"main": member}})


def test_a_url_is_fetched_once(server: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    wanted = source(f"{server}/data.txt", bytes_digest(CONTENT))
    with pytest.raises(SourceFailed, match="offline"):
        url.read(wanted, store, Silent(), offline=True)
    assert url.read(wanted, store, Silent(), offline=False) == {"main": CONTENT}
    assert url.read(wanted, store, Silent(), offline=True) == {"main": CONTENT}


def test_a_redirect_to_a_local_file_and_other_schemes_are_refused(
    server: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr("harness.data.sources.download.time.sleep", lambda seconds: None)
    with pytest.raises(SourceFailed):
        url.read(source(f"{server}/away", "0" * 64), store, Silent(), offline=False)
    with pytest.raises(ValueError):
        source("file:///etc/hostname", "0" * 64)
