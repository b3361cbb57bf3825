"""`harness serve`: a run's report on loopback, with the texts that a single file has no room for read on demand.

Only this machine is answered (the socket is bound to 127.0.0.1 and the Host header is checked, so that a web page
cannot reach it by a name of its own), only who knows the word in the address (other users of the machine do not), only
GET and HEAD, and only the files that the report lists.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from harness.core.errors import DataError
from harness.report.formats.html_page import render_view
from harness.report.sections.items.item_browser import Loaded, load
from harness.report.sections.run_files import files
from harness.report.view.run_view import RunView
from harness.storage import plain_files
from harness.storage.run_dir import RunDir

HOST = "127.0.0.1"
_SECONDS = 30.0
"""How long a client may say nothing."""
_TYPES = {
    "html": "text/html", "json": "application/json", "jsonl": "application/json", "md": "text/plain",
    "xml": "text/plain", "csv": "text/csv",
}  # fmt: skip


class LiveRun:
    """A run that has been read once; `item` gives the texts of any of its items."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.view = RunView.open(run)
        self._lock = threading.Lock()

    @cached_property
    def _loaded(self) -> dict[str, Loaded]:
        return {table.name: table for table in load(self.view)}

    @cached_property
    def page(self) -> bytes:
        return render_view(self.view, live=True).encode("utf-8")

    @cached_property
    def files(self) -> frozenset[str]:
        """The files that may be fetched, as paths relative to the run directory."""
        return frozenset(path for path, _, _ in files(self.view))

    def item(self, evaluation: str, item: str) -> list[Any] | None:
        """The texts of an item, as they stand in the page; None for an item that is unknown."""
        with self._lock:
            loaded = self._loaded.get(evaluation)
            return None if loaded is None or len(item) < 4 else loaded.row(item)

    def prepare(self) -> None:
        """Renders before the first request, so that a damaged run is an error of the command.

        Raises:
            DataError: when the run cannot be read.
        """
        with self._lock:
            _ = self._loaded, self.page, self.files


class LiveServer(ThreadingHTTPServer):
    """Answers requests below `/TOKEN/`; a client that is gone, or says nothing, is no error."""

    daemon_threads = True

    def __init__(self, port: int, run: LiveRun) -> None:
        self.run = run
        self.token = secrets.token_urlsafe(16)
        super().__init__((HOST, port), _Handler)

    @property
    def address(self) -> str:
        """Where the report is."""
        return f"http://{HOST}:{self.server_address[1]}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keeps quiet about lost clients; other errors are told."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def server(run: RunDir, port: int) -> LiveServer:
    """A server that is bound and ready; `serve_forever` runs it. Port 0 takes a free one.

    Raises:
        DataError: when the run cannot be read.
        OSError: when the port is taken.
    """
    live = LiveRun(run)
    live.prepare()

    return LiveServer(port, live)


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer
    server_version = "harness"
    sys_version = ""
    timeout = _SECONDS

    @property
    def run(self) -> LiveRun:
        return self.server.run

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: what is asked for may hold foreign text."""

    def _answer(self, *, body: bool) -> None:
        if not self._is_local():
            self._send(403, "text/plain", b"only localhost is answered\n", body)
            return
        address = urlsplit(self.path)
        token, _, path = unquote(address.path).removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode(), self.server.token.encode()):
            self._send(404, "text/plain", b"not found: use the whole address that harness serve printed\n", body)
        elif path in ("", "report.html"):
            self._send(200, "text/html", self.run.page, body)
        elif path == "item":
            self._item(parse_qs(address.query), body)
        elif path in self.run.files:
            kind = _TYPES.get(path.rsplit(".", 1)[-1], "application/octet-stream")
            try:
                self._send(200, kind, plain_files.read_bytes(self.run.run.path / path), body)
            except OSError:
                self._send(404, "text/plain", b"not found\n", body)
        else:
            self._send(404, "text/plain", b"not found\n", body)

    def _item(self, query: dict[str, list[str]], body: bool) -> None:
        names = [query.get(key, [""])[0] for key in ("evaluation", "id")]
        try:
            row = self.run.item(*names)
        except DataError:
            row = None
        if row is None:
            self._send(404, "application/json", b"null", body)
        else:
            text = json.dumps(row, ensure_ascii=False, allow_nan=False)
            self._send(200, "application/json", text.encode("utf-8", "replace"), body)

    def _is_local(self) -> bool:
        host = self.headers.get("Host", "").rsplit(":", 1)[0].lower()
        return host in ("127.0.0.1", "localhost")

    def _send(self, status: int, kind: str, content: bytes, body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind != "application/octet-stream" else kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if body:
            self.wfile.write(content)
