"""Runs at a URL: memory, file and a server on this machine; what a URL may not do."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from harness.cli.app import invoke
from harness.core.digests import file_digest
from harness.core.distribution import MissingPackageError
from harness.core.errors import DataError, IncompleteError
from harness.storage import remote_run
from harness.storage.remote_run import run_at
from harness.storage.run_dir import RunDir
from harness.storage.seal import Seal

STORED = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A sealed run."""
    run = RunDir(Path(shutil.copytree(STORED, tmp_path / "web" / "run")))
    run.write(run.read_results())
    return run.path


def serving(handler: object) -> tuple[ThreadingHTTPServer, str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(source: Path) -> Iterator[str]:
    server, url = serving(partial(Quiet, directory=str(source.parent)))
    yield f"{url}/run"
    server.shutdown()
    server.server_close()


def put_in_memory(source: Path) -> fsspec.AbstractFileSystem:
    system = fsspec.filesystem("memory")
    if system.exists("/runs"):
        system.rm("/runs", recursive=True)
    for path in source.rglob("*"):
        if path.is_file():
            system.pipe_file(f"/runs/one/{path.relative_to(source).as_posix()}", path.read_bytes())
    return system


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in {".parquet", ".json"}
    }


def test_the_same_run_comes_from_memory_a_server_and_a_file(source: Path, address: str) -> None:
    put_in_memory(source)
    expected = content(source)
    assert len(expected) > 8
    for url in ("memory://runs/one", "memory://runs/one/", address, f"{address}/", source.as_uri()):
        assert content(run_at(url)) == expected, url


def test_every_command_that_asks_for_a_run_takes_a_url(
    source: Path, address: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = invoke(["gate", address, "-q", "--allow-unsealed"])
    assert invoke(["gate", str(source), "-q", "--allow-unsealed"]) == code
    assert code in {0, 10, 11, 12}
    assert invoke(["explain", "--run", address]) == 0
    assert invoke(["compare", address, str(source), "-q"]) == 0
    assert invoke(["report", address]) == 0
    assert invoke(["gate", address, "--write"]) == 2
    assert "is a URL here" in capsys.readouterr().err
    assert not (source / "report.html").exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/run", "found ftp"),
        ("http://example.org/run", "found http"),
        ("zip://x::https://host/run", "found zip"),
        ("https://host/a::b", "found https"),
        ("ssh://host/run", "found ssh"),
        ("https://me:secret@host/run", "a name or a password"),
        ("https://host/run?token=1", "a query"),
        ("https://host/run#part", "a fragment"),
        ("file://elsewhere/run", "another machine"),
        ("https://[host/run", "not a URL"),
        ("memory://no/such", "no run.json here"),
    ],
)
def test_urls_that_are_not_opened(url: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        run_at(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("scheme", "package"), [("s3", "s3fs"), ("gs", "gcsfs")])
def test_a_scheme_without_its_package_names_the_extra(
    scheme: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=f"reading {scheme}:// needs {package} of the extra '{scheme}'"):
        run_at(f"{scheme}://bucket/run")


@pytest.mark.parametrize(
    "name", ["../../x.parquet", "/etc/x.parquet", "a/../../x.parquet", "a\\x.parquet", "a\nb.parquet"]
)
def test_names_in_run_json_never_leave_the_copy(name: str, source: Path, cache: Path, tmp_path: Path) -> None:
    seal = Seal(files={f"records/{name}": "0" * 64}, evaluations="0" * 64)
    (source / "seal.json").write_text(seal.text(), "utf-8")
    system = put_in_memory(source)
    system.pipe_file("/x.parquet", b"outside")
    with pytest.raises(DataError, match="names a file outside itself"):
        run_at("memory://runs/one")
    system.rm_file("/runs/one/seal.json")
    info = json.loads((source / "run.json").read_text("utf-8"))
    info["records"] = {name: "0" * 64}
    system.pipe_file("/runs/one/run.json", json.dumps(info).encode("utf-8"))
    with pytest.raises(DataError, match="names a file outside itself"):
        run_at("memory://runs/one")
    assert not list(cache.rglob("*.parquet"))
    assert not (tmp_path / "x.parquet").exists()


def test_sizes_are_bounded(source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_memory(source)
    monkeypatch.setattr(remote_run, "LARGEST_FILE", 1000)
    with pytest.raises(DataError, match="larger than the 1,000 bytes"):
        run_at("memory://runs/one")
    monkeypatch.setattr(remote_run, "LARGEST_FILE", 1 << 20)
    monkeypatch.setattr(remote_run, "LARGEST_RUN", (source / "run.json").stat().st_size + 10)
    with pytest.raises(DataError, match="larger than the 10 bytes"):
        run_at("memory://runs/one")
    monkeypatch.setattr(remote_run, "LARGEST_RUN", 1 << 30)
    monkeypatch.setattr(remote_run, "MOST_FILES", 2)
    with pytest.raises(DataError, match="at most 2 are read"):
        run_at("memory://runs/one")
    assert not [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_never_reaches_a_local_file(target: str) -> None:
    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server, url = serving(Redirecting)
    try:
        with pytest.raises(IncompleteError, match=r"cannot read run\.json"):
            run_at(f"{url}/run")
    finally:
        server.shutdown()
        server.server_close()


def test_a_place_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IncompleteError, match=r"cannot read run\.json: URLError"):
        run_at("http://127.0.0.1:9/run")


def test_a_copy_is_replaced_when_the_run_changes(source: Path) -> None:
    system = put_in_memory(source)
    before = run_at("memory://runs/one")
    RunDir(before).check()
    content = (source / "results.json").read_bytes() + b" "
    system.pipe_file("/runs/one/results.json", content)
    after = run_at("memory://runs/one")
    assert (after / "results.json").read_bytes() == content
    with pytest.raises(DataError, match="changed since it was sealed"):
        RunDir(after).check()


def test_a_run_of_an_earlier_version_comes_with_its_records(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(STORED, tmp_path / "old"))
    info = json.loads((folder / "run.json").read_text("utf-8"))
    info["records"] = {
        path.relative_to(folder / "records").as_posix(): file_digest(path)
        for path in folder.rglob("records/*/*.parquet")
    }
    (folder / "run.json").write_text(json.dumps(info), "utf-8")
    put_in_memory(folder)
    assert content(run_at("memory://runs/one")) == content(folder)
