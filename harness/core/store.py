"""The content-addressed store: finished work under its content key, unfinished work beside it.

Layout below the cache folder:

    <kind>/<key[:2]>/<key>/         a finished entry: its files and `manifest.json`
    work/<kind>/<key>/              an unfinished entry: what a killed step left, to go on from
    locks/<kind>-<key>.lock         held while one process makes an entry; others wait

An entry appears by one rename, after its files are flushed. Its manifest holds each file's
size and SHA-256; an entry that does not match is moved aside, and made again with a warning.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core import atomic
from harness.core.errors import IncompleteError, Where
from harness.core.keys import file_digest
from harness.core.locks import try_hold
from harness.core.reporter import Reporter, Silent

MANIFEST = "manifest.json"
# Fetched and parsed data is pinned by digest: making it "anew" would only download the same bytes.
PINNED = {"artifacts", "converted", "data", "packaged"}
STORE_FORMAT = 1


def default_cache() -> Path:
    """`HARNESS_CACHE_DIR`, or the platform's cache folder for this user."""
    configured = os.environ.get("HARNESS_CACHE_DIR")
    if configured:
        return Path(configured).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "harness"
    return Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "harness"


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished, checked folder of the store."""

    kind: str
    key: str
    path: Path
    meta: dict[str, Any]


class Store:
    """Finds and makes entries by (kind, key).

    Args:
        root: the cache folder; made when missing.
        reporter: told about damaged entries.
        fresh: entries made before this store was opened count as missing (`run --fresh`), except
            fetched data.
    """

    def __init__(self, root: Path | None = None, *, reporter: Reporter | None = None, fresh: bool = False) -> None:
        self.root = (root or default_cache()).absolute()
        self.reporter: Reporter = reporter or Silent()
        self.fresh = fresh
        self._opened = time.time() if fresh else None
        self._checked: set[tuple[str, str]] = set()

    def path(self, kind: str, key: str) -> Path:
        return self.root / kind / key[:2] / key

    def get(self, kind: str, key: str) -> Entry | None:
        """The finished entry, or None. A damaged one is moved away with a warning."""
        path = self.path(kind, key)
        manifest = self._manifest(path)
        if manifest is None:
            if path.exists():
                self._discard(path, "its manifest cannot be read")
            return None
        if self._opened is not None and kind not in PINNED and manifest["made"] < self._opened:
            return None
        if (kind, key) not in self._checked:
            fault = _fault(path, manifest)
            if fault is not None:
                self._discard(path, fault)
                return None
            self._checked.add((kind, key))
        return Entry(kind, key, path, manifest["meta"])

    def make(
        self,
        kind: str,
        key: str,
        build: Callable[[Path], dict[str, Any] | None],
        *,
        on_wait: Callable[[], None] | None = None,
    ) -> Entry:
        """Returns the entry, building it first when it is missing.

        `build(work)` writes the entry's files into `work` and returns its meta data (JSON). The
        work folder of a killed build is handed to the next one as it was left, so that a build
        can resume; what must not become part of the entry goes below `work / ".resume"`.
        Two processes that want one entry: the second waits for the first.
        """
        found = self.get(kind, key)
        if found is not None:
            return found
        with self.lock(kind, key, on_wait):
            found = self.get(kind, key)
            if found is not None:
                return found
            work = self.root / "work" / kind / key
            with atomic.explained(work):
                work.mkdir(parents=True, exist_ok=True)
                meta = build(work) or {}
                shutil.rmtree(work / ".resume", ignore_errors=True)
                self._seal(work, meta)
                target = self.path(kind, key)
                target.parent.mkdir(parents=True, exist_ok=True)
                atomic.replace_folder(work, target)
        made = self.get(kind, key)
        if made is None:
            raise IncompleteError(
                "an entry of the cache was damaged right after it was written.",
                where=Where(self.path(kind, key)),
                hint="check the disk, then run again.",
            )
        return made

    @contextmanager
    def lock(self, kind: str, key: str, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
        """Holds the lock of one key; it is released when the process ends, however it ends."""
        path = self.root / "locks" / f"{kind}-{key}.lock"
        handle = try_hold(path)
        if handle is None and on_wait is not None:
            on_wait()
        while handle is None:
            time.sleep(0.2)
            handle = try_hold(path)
        with handle:
            yield

    def _manifest(self, path: Path) -> dict[str, Any] | None:
        try:
            manifest = json.loads((path / MANIFEST).read_text("utf-8"))
            return manifest if manifest["format"] == STORE_FORMAT and isinstance(manifest["files"], dict) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _seal(self, work: Path, meta: dict[str, Any]) -> None:
        files = {
            str(path.relative_to(work)): {"size": path.stat().st_size, "sha256": file_digest(path)}
            for path in sorted(work.rglob("*"))
            if path.is_file() and path.name != MANIFEST
        }
        manifest = {"format": STORE_FORMAT, "made": time.time(), "meta": meta, "files": files}
        atomic.write_text(work / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
        atomic.sync_tree(work)

    def _discard(self, path: Path, fault: str) -> None:
        aside = self.root / "damaged" / f"{path.name}-{time.time_ns()}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, aside)
        self.reporter.warn(f"a cache entry was damaged ({fault}); it is made again. The old one: {aside}")


def _fault(path: Path, manifest: dict[str, Any]) -> str | None:
    for name, facts in manifest["files"].items():
        file = path / name
        if not file.is_file():
            return f"{name} is missing"
        if file.stat().st_size != facts["size"]:
            return f"{name} has {file.stat().st_size} bytes instead of {facts['size']}"
        if file_digest(file) != facts["sha256"]:
            return f"{name} has another digest than when it was written"
    return None
