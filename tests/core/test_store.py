from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from harness.core.reporter import Silent
from harness.core.store import MANIFEST, Store

KEY = "ab" + "0" * 62


def write_one(work: Path) -> dict[str, int]:
    (work / "file.txt").write_text("content")
    return {"rows": 3}


def never(work: Path) -> dict[str, int]:
    raise AssertionError("built again")


def test_an_entry_is_made_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get("data", KEY) is None
    assert store.make("data", KEY, write_one).meta == {"rows": 3}
    again = Store(tmp_path).make("data", KEY, never)
    assert (again.path / "file.txt").read_text() == "content"


def test_fresh_makes_old_entries_again_but_only_once(tmp_path: Path) -> None:
    for kind in ("records", "data"):
        Store(tmp_path).make(kind, KEY, write_one)
    time.sleep(0.01)
    fresh = Store(tmp_path, fresh=True)
    built = []
    fresh.make("records", KEY, lambda work: built.append(write_one(work)) or {})
    fresh.make("records", KEY, never)
    assert len(built) == 1
    fresh.make("data", KEY, never)


@pytest.mark.parametrize("damage", ["change", "shorten", "remove", "manifest"])
def test_a_damaged_entry_is_made_again_with_a_warning(tmp_path: Path, damage: str) -> None:
    entry = Store(tmp_path).make("data", KEY, write_one)
    file = entry.path / "file.txt"
    if damage == "change":
        file.write_text("CONTENT")
    elif damage == "shorten":
        file.write_text("con")
    elif damage == "remove":
        file.unlink()
    else:
        (entry.path / MANIFEST).write_text("{")
    reporter = Silent()
    again = Store(tmp_path, reporter=reporter).make("data", KEY, write_one)
    assert (again.path / "file.txt").read_text() == "content"
    assert len(reporter.warnings) == 1
    assert "damaged" in reporter.warnings[0]


def test_a_failed_build_leaves_its_work_for_the_next(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def half(work: Path) -> dict[str, int]:
        (work / "part").write_text("1")
        (work / ".resume").mkdir()
        (work / ".resume" / "state").write_text("half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        store.make("data", KEY, half)
    assert store.get("data", KEY) is None

    def rest(work: Path) -> dict[str, int]:
        assert (work / "part").read_text() == "1"
        assert (work / ".resume" / "state").read_text() == "half"
        return {}

    entry = store.make("data", KEY, rest)
    assert sorted(path.name for path in entry.path.iterdir()) == [MANIFEST, "part"]
    assert set(json.loads((entry.path / MANIFEST).read_text())["files"]) == {"part"}


def test_two_threads_build_once(tmp_path: Path) -> None:
    built: list[int] = []
    waited: list[int] = []

    def slow(work: Path) -> dict[str, int]:
        built.append(1)
        time.sleep(0.3)
        return write_one(work)

    def want() -> None:
        Store(tmp_path).make("data", KEY, slow, on_wait=lambda: waited.append(1))

    threads = [threading.Thread(target=want) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert len(waited) == 2


def test_sigkill_releases_the_lock_and_keeps_the_work(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from harness.core.store import Store
        def build(work):
            (work / "part").write_text("first")
            print("ready", flush=True)
            time.sleep(60)
        Store(Path({str(tmp_path)!r})).make("data", {KEY!r}, build)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()

    def rest(work: Path) -> dict[str, str]:
        return {"found": (work / "part").read_text()}

    assert Store(tmp_path).make("data", KEY, rest).meta == {"found": "first"}
