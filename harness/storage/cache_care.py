"""What the cache folder holds, whether it is whole, and what can go."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.core.reporter import Reporter
from harness.storage.locks import try_hold
from harness.storage.response_cache import RESPONSES, ResponseCache
from harness.storage.store import DAMAGED, LOCKS, REMOTE_RUNS, WORK, Store

UNFINISHED_DAYS = 7
"""Work that nobody went on with for so long is not waited for any more."""
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class CachePart:
    """Files of one kind.

    Attributes:
        count: entries; rows of the response cache; files or folders of what is left over.
    """

    name: str
    count: int
    bytes: int


def sizes(store: Store) -> list[CachePart]:
    """What the cache holds by kind, then responses, unfinished work, damaged entries and lock files."""
    counts: Counter[str] = Counter()
    space: Counter[str] = Counter()
    for entry in store.entries():
        counts[entry.kind] += 1
        space[entry.kind] += _bytes(entry.path)
    parts = [CachePart(kind, counts[kind], space[kind]) for kind in sorted(counts)]
    file = store.root / RESPONSES
    if file.is_file():
        cache = ResponseCache(file, store.reporter)
        parts.append(CachePart("responses", len(cache), file.stat().st_size))
        cache.close()
    left_over = {
        "unfinished work": [*_unfinished(store)],
        "copies of runs at a URL": [*_copies(store)],
        "damaged": [*_damaged(store)],
        "lock files": [*_locks(store)],
    }
    return parts + [CachePart(name, len(paths), sum(map(_bytes, paths))) for name, paths in left_over.items() if paths]


def verify(store: Store, reporter: Reporter) -> list[str]:
    """Reads everything again: each file, manifest and response. What is damaged is put aside, to be made again.

    Returns:
        what was damaged, a line each.
    """
    faults = []
    entries = list(store.entries())
    with reporter.task("checking the cache", len(entries), "entries") as task:
        for entry in entries:
            if store.get(entry.kind, entry.key) is None:
                faults.append(f"{entry.kind}/{entry.key}")
            task.advance()
    file = store.root / RESPONSES
    if file.is_file():
        cache = ResponseCache(file, reporter)
        damaged = cache.damaged()
        cache.remove(damaged)
        cache.close()
        faults += [f"responses/{key.hex()}" for key in damaged]
    return faults


def prune(store: Store, *, older_than: float | None = None, dry_run: bool = False) -> list[CachePart]:
    """Removes what nothing needs: damaged entries, lock files that nobody holds, and what is a week old of unfinished
    work and of copied runs.

    Args:
        older_than: days; finished entries and responses that were not used for so long go as well.
        dry_run: only says what would go.

    Returns:
        what went, or would go.
    """
    now = time.time()
    removed = []
    week = now - UNFINISHED_DAYS * _DAY
    needless = {
        "damaged": [*_damaged(store)],
        "unfinished work": [path for path in _unfinished(store) if _newest(path) < week],
        "copies of runs at a URL": [path for path in _copies(store) if _newest(path) < week],
        "lock files": [path for path in _locks(store) if _is_free(path)],
    }
    for name, paths in needless.items():
        removed.append(CachePart(name, len(paths), sum(map(_bytes, paths))))
        for path in () if dry_run else paths:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    if older_than is not None:
        old = [entry for entry in store.entries() if now - entry.used() > older_than * _DAY]
        removed.append(CachePart("entries", len(old), sum(_bytes(entry.path) for entry in old)))
        for entry in () if dry_run else old:
            store.remove(entry.kind, entry.key)
        responses = [
            path for path in store.root.glob(f"{RESPONSES}*") if now - path.stat().st_mtime > older_than * _DAY
        ]
        if store.root / RESPONSES in responses:
            removed.append(CachePart("responses", len(responses), sum(map(_bytes, responses))))
            for path in () if dry_run else responses:
                path.unlink(missing_ok=True)
    return [part for part in removed if part.count]


def _unfinished(store: Store) -> Iterator[Path]:
    yield from sorted(store.root.glob(f"{WORK}/*/*"))


def _copies(store: Store) -> Iterator[Path]:
    yield from sorted(store.root.glob(f"{REMOTE_RUNS}/*"))


def _damaged(store: Store) -> Iterator[Path]:
    yield from sorted([*store.root.glob(f"{DAMAGED}/*"), *store.root.glob(f"{RESPONSES}.damaged-*")])
    # What a killed process was about to remove or to put in place.
    yield from sorted(store.root.glob("*/??/.*.*"))


def _locks(store: Store) -> Iterator[Path]:
    yield from sorted(store.root.glob(f"{LOCKS}/*.lock"))


def _is_free(path: Path) -> bool:
    handle = try_hold(path)
    if handle is None:
        return False
    handle.close()
    return True


def _bytes(path: Path) -> int:
    if path.is_symlink():
        return 0
    if path.is_file():
        return path.stat().st_size
    return sum(_bytes(file) for file in path.rglob("*") if file.is_file())


def _newest(path: Path) -> float:
    return max(file.lstat().st_mtime for file in [path, *path.rglob("*")])
