"""The content-addressed store: finished work under its content key, unfinished work beside it.

Layout below the cache folder:

    <kind>/<key[:2]>/<key>/         a finished entry: its files and `manifest.json`
    work/<kind>/<key>/              an unfinished entry: what a killed step left, to go on from
    locks/<kind>-<key>.lock         held while one process makes an entry; others wait

An entry appears by one rename, after its files are flushed. Its manifest holds each file's size and SHA-256, and a
digest of itself; an entry that does not match, or holds a file more, is moved aside, and made again with a warning.
What looks damaged is looked at again under the entry's lock before it is moved, for another process may be putting it
there.

Keys and kinds are no paths: whatever comes out of a file is checked at `Store.path` before it reaches the disk. The
cache folder itself may be a link; below it none is followed, and what is not an entry of ours is left where it is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from harness.core.digests import file_digest, is_key, text_digest
from harness.core.errors import DataError, IncompleteError, Where
from harness.core.reporter import Reporter, Silent
from harness.storage import atomic, plain_files
from harness.storage.locks import hold

MANIFEST = "manifest.json"
# Fetched and parsed data is pinned by digest: making it "anew" would only download the same bytes.
PINNED = {"artifacts", "converted", "data", "packaged"}
STORE_FORMAT = 2
WORK, LOCKS, DAMAGED = "work", "locks", "damaged"
REMOTE_RUNS = "remote-runs"
"""Copies of runs at a URL, made anew by each command that is given one."""
_KIND = re.compile(r"[a-z][a-z0-9_]*\Z")


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


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A finished folder of the store, whole or not."""

    kind: str
    key: str
    path: Path

    def used(self) -> float:
        """When it was last used, in seconds since the epoch."""
        return max(path.stat().st_mtime for path in (self.path, self.path / MANIFEST) if path.exists())


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
        """Where an entry is or would be.

        Raises:
            DataError: when `key` is no content key or `kind` no kind of entry.
            IncompleteError: when a link stands on the way.
        """
        self._check(kind, key)
        return self._own(kind, key[:2], key)

    def get(self, kind: str, key: str) -> Entry | None:
        """The finished entry, or None. A damaged one is moved away with a warning.

        Raises:
            DataError, IncompleteError: as `path` does; and when what stands there was never an entry.
        """
        try:
            return self._look(kind, key)
        except _Damaged:
            with self.lock(kind, key):
                return self._look_or_discard(kind, key)

    def _look_or_discard(self, kind: str, key: str) -> Entry | None:
        """`get` for whoever holds the lock of the key."""
        try:
            return self._look(kind, key)
        except _Damaged as fault:
            self._discard(self.path(kind, key), str(fault))
            return None

    def _look(self, kind: str, key: str) -> Entry | None:
        """The entry if there is a whole one, and None if there is nothing.

        Raises:
            _Damaged: when what is there is not whole.
        """
        path = self.path(kind, key)
        manifest = _manifest(path, kind, key)
        if manifest is None:
            if os.path.lexists(path):
                raise _Damaged("its manifest is unreadable, changed or of an earlier version")
            return None
        if self._opened is not None and kind not in PINNED and manifest["made"] < self._opened:
            return None
        if (kind, key) not in self._checked:
            try:
                fault = _fault(path, manifest)
            except OSError as error:  # another process may be putting the entry aside
                fault = f"it cannot be read: {error.strerror}"
            if fault is not None:
                raise _Damaged(fault)
            self._checked.add((kind, key))
            # When an entry was last used, for whoever clears the cache; the manifest says when it was made.
            with suppress(OSError):
                os.utime(path / MANIFEST)
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
        entry = self.get(kind, key)
        if entry is not None:
            return entry
        with self.lock(kind, key, on_wait):
            entry = self._look_or_discard(kind, key)
            if entry is not None:
                return entry
            work = self._own(WORK, kind, key)
            with atomic.explained(work):
                work.mkdir(parents=True, exist_ok=True)
                meta = build(work) or {}
                shutil.rmtree(work / ".resume", ignore_errors=True)
                self._seal(work, kind, key, meta)
                target = self.path(kind, key)
                target.parent.mkdir(parents=True, exist_ok=True)
                atomic.replace_folder(work, target)
            made = self._look_or_discard(kind, key)
        if made is None:
            raise IncompleteError(
                "a cache entry was corrupt right after it was written.",
                where=Where(self.path(kind, key)),
                hint="check the disk, then rerun.",
            )
        return made

    def entries(self) -> Iterator[StoredEntry]:
        """Everything finished in the store, whole or not, by kind and key."""
        for kind in sorted(path.name for path in self.root.glob("*") if _is_kind(path.name) and path.is_dir()):
            for path in sorted(self.root.glob(f"{kind}/??/*")):
                if is_key(path.name) and path.is_dir() and not path.is_symlink():
                    yield StoredEntry(kind, path.name, path)

    def remove(self, kind: str, key: str) -> None:
        """Removes a finished entry; it is made again when it is needed."""
        with self.lock(kind, key):
            atomic.remove_folder(self.path(kind, key))

    @contextmanager
    def lock(self, kind: str, key: str, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
        """Holds the lock of one key; it is released when the process ends, however it ends."""
        self._check(kind, key)
        path = self._own(LOCKS, f"{kind}-{key}.lock")
        with hold(path, on_wait):
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def _check(self, kind: str, key: str) -> None:
        """The one door: nothing else turns a key into a path."""
        if not _is_kind(kind):
            raise DataError(f"expected a cache entry kind, found {kind[:60]!r}.", where=Where(self.root))
        if not is_key(key):
            raise DataError(
                f"expected a cache key (64 lowercase hexadecimal digits), found {str(key)[:60]!r}.",
                where=Where(self.root),
                hint="use a key from a harness run, not a path or a name.",
            )

    def _own(self, *parts: str) -> Path:
        """A path below the root on which no link stands.

        Raises:
            IncompleteError: at the first link.
        """
        path = self.root
        for part in parts:
            path = path / part
            if path.is_symlink():
                raise IncompleteError(
                    "the cache contains a symbolic link in place of its own files; harness does not follow it.",
                    where=Where(path),
                    hint="remove the link, or set HARNESS_CACHE_DIR to the intended cache folder.",
                )
        return path

    def _seal(self, work: Path, kind: str, key: str, meta: dict[str, Any]) -> None:
        link = _link_in(work)
        if link is not None:
            raise IncompleteError(
                "the unfinished cache entry contains a symbolic link.",
                where=Where(work / link),
                hint=f"remove {work}, then rerun.",
            )
        files = {
            path.relative_to(work).as_posix(): {"size": path.stat().st_size, "sha256": file_digest(path)}
            for path in sorted(work.rglob("*"))
            if path.is_file() and path != work / MANIFEST
        }
        content = {"format": STORE_FORMAT, "made": time.time(), "meta": meta, "files": files}
        manifest = {**content, "digest": _manifest_digest(content, kind, key)}
        atomic.write_text(work / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
        atomic.sync_tree(work)

    def _discard(self, path: Path, fault: str) -> None:
        """Moves an entry aside, and only an entry: a folder at its place in the root, with a manifest of ours.

        Raises:
            IncompleteError: when it is anything else; then it stays as it is.
        """
        if not path.is_dir() or not os.path.lexists(path / MANIFEST):
            raise IncompleteError(
                f"a folder that is not a cache entry (no {MANIFEST}) occupies the entry's path; it was left unchanged.",
                where=Where(path),
                hint="move it elsewhere, then rerun.",
            )
        aside = self._own(DAMAGED) / f"{path.name}-{time.time_ns()}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        atomic.move_folder(path, aside)
        self.reporter.warn(f"corrupt cache entry ({fault}); rebuilding it. Old entry: {aside}")


class _Damaged(Exception):
    """An entry that is not whole; the text says what is wrong."""


def _manifest_digest(content: dict[str, Any], kind: str, key: str) -> str:
    """Digest of all that a manifest says, and of the entry that it belongs to.

    The content takes the way through JSON first, so that what is written and what is read have one digest.
    """
    plain = json.loads(json.dumps(content))
    return text_digest(json.dumps({"kind": kind, "key": key, "manifest": plain}, sort_keys=True))


def _is_kind(name: str) -> bool:
    return _KIND.match(name) is not None and name not in {WORK, LOCKS, DAMAGED}


def _manifest(path: Path, kind: str, key: str) -> dict[str, Any] | None:
    file = path / MANIFEST
    try:
        manifest: Any = None if file.is_symlink() else plain_files.read_json(file)
        right = (
            manifest["format"] == STORE_FORMAT
            and isinstance(manifest["made"], int | float)
            and isinstance(manifest["meta"], dict)
            and all(isinstance(facts["size"], int) and "sha256" in facts for facts in manifest["files"].values())
            and manifest.pop("digest") == _manifest_digest(manifest, kind, key)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    checked: dict[str, Any] = manifest
    return checked if right else None


def _fault(path: Path, manifest: dict[str, Any]) -> str | None:
    link = _link_in(path)
    if link is not None:
        return f"{link} is a link"
    for name, facts in manifest["files"].items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            return f"its manifest names {name!r}, which is not a file of the entry"
        file = path / name
        if not file.is_file():
            return f"{name} is missing"
        if file.stat().st_size != facts["size"]:
            return f"{name} has {file.stat().st_size} bytes instead of {facts['size']}"
        if file_digest(file) != facts["sha256"]:
            return f"{name} has changed since it was written"
    present = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    added = present - {MANIFEST, *manifest["files"]}
    return f"{min(added)} was added since it was written" if added else None


def _link_in(folder: Path) -> Path | None:
    """The first link below a folder, relative to it; links are not followed."""
    for base, folders, files in os.walk(folder):
        for name in sorted([*folders, *files]):
            if (Path(base) / name).is_symlink():
                return (Path(base) / name).relative_to(folder)
    return None
