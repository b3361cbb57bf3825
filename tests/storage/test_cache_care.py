"""What the cache holds, whether it is whole, and what can go."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from harness.core.reporter import Silent
from harness.core.requests import Likelihood
from harness.storage.cache_care import UNFINISHED_DAYS, prune, sizes, verify
from harness.storage.locks import hold
from harness.storage.response_cache import RESPONSES, ResponseCache, response_key
from harness.storage.store import MANIFEST, Store

KEYS = [f"{number:064x}" for number in range(4)]


def build(work: Path) -> dict[str, int]:
    (work / "file").write_text("content")
    return {}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three items, one checkpoint and two responses."""
    store = Store(tmp_path)
    for key in KEYS[:3]:
        store.make("items", key, build)
    store.make("checkpoints", KEYS[3], build)
    responses = ResponseCache(tmp_path / RESPONSES, Silent())
    responses.put_many([(response_key("a", "m"), Likelihood(-1.0, 1)), (response_key("b", "m"), Likelihood(-2.0, 1))])
    responses.close()
    return store


def aged(path: Path, days: float) -> None:
    at = time.time() - days * 86_400
    for file in [path, *path.rglob("*")]:
        os.utime(file, (at, at))


def test_sizes_count_entries_and_responses(store: Store) -> None:
    counts = {part.name: part.count for part in sizes(store)}
    assert (counts["items"], counts["checkpoints"], counts["responses"]) == (3, 1, 2)
    assert not {"lock files", "unfinished work", "damaged"} & set(counts)
    items = next(part for part in sizes(store) if part.name == "items")
    manifest = store.path("items", KEYS[0]) / MANIFEST
    assert items.bytes >= 3 * (len("content") + manifest.stat().st_size - 20)


def test_verify_finds_every_kind_of_damage_once(store: Store) -> None:
    assert verify(Store(store.root), Silent()) == []
    (store.path("items", KEYS[1]) / "file").write_text("CONTENT")
    with sqlite3.connect(store.root / RESPONSES) as connection:
        connection.execute("UPDATE checked_responses SET value = replace(value, '-1.0', '-3.0')")
    faults = verify(Store(store.root), Silent())
    assert faults == [f"items/{KEYS[1]}", f"responses/{response_key('a', 'm').hex()}"]
    assert verify(Store(store.root), Silent()) == []


def test_prune_removes_what_nothing_needs(store: Store) -> None:
    (store.path("items", KEYS[1]) / "file").write_text("CONTENT")
    assert Store(store.root).get("items", KEYS[1]) is None
    for name, days in (("old", UNFINISHED_DAYS + 1), ("new", 1)):
        for folder in (store.root / "work" / "items" / name, store.root / "remote-runs" / name):
            folder.mkdir(parents=True)
            (folder / "part").write_text("half")
            aged(folder, days)
    (store.root / "locks").mkdir(exist_ok=True)
    (store.root / "locks" / "items-x.lock").touch()
    held = hold(store.root / "locks" / "items-held.lock")
    planned = prune(store, dry_run=True)
    assert {part.name: part.count for part in planned} == {
        "damaged": 1,
        "unfinished work": 1,
        "copies of runs at a URL": 1,
        "lock files": 1,
    }
    assert prune(store) == planned
    assert prune(store) == []
    assert [path.name for path in (store.root / "work" / "items").iterdir()] == ["new"]
    assert [path.name for path in (store.root / "locks").iterdir()] == ["items-held.lock"]
    held.close()
    assert store.get("items", KEYS[0]) is not None


def test_prune_by_age_keeps_what_was_used(store: Store) -> None:
    for path in store.root.glob("*/??/*"):
        aged(path, 40)
    Store(store.root).get("items", KEYS[2])
    removed = {part.name: part.count for part in prune(store, older_than=30)}
    assert removed == {"entries": 3}
    assert [entry.key for entry in store.entries()] == [KEYS[2]]
    aged(store.root / RESPONSES, 40)
    assert {part.name for part in prune(store, older_than=30)} == {"responses"}


def test_no_lock_file_stays_behind(store: Store) -> None:
    assert list((store.root / "locks").iterdir()) == []
