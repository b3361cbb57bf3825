from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from harness.core.errors import DataError, IncompleteError
from harness.core.reporter import Silent
from harness.storage.store import MANIFEST, Store, _manifest_digest

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
    assert "corrupt" in reporter.warnings[0]


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
        from harness.storage.store import Store
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


NO_KEYS = ["", "..", ".", "../../Documents", "/etc", "a" * 63, "a" * 65, KEY.upper(), f"{KEY}\n", f"../{KEY}", "ab\0"]


@pytest.mark.parametrize("key", NO_KEYS)
def test_what_is_no_key_never_becomes_a_path(tmp_path: Path, key: str) -> None:
    victim = tmp_path / "Documents"
    victim.mkdir()
    (victim / "a.txt").write_text("work")
    root = tmp_path / "a" / "cache"
    store = Store(root)
    for use in (store.path, store.get, lambda kind, key: store.make(kind, key, never)):
        with pytest.raises(DataError, match="expected a cache key"):
            use("data", key)
    with pytest.raises(DataError, match="expected a cache key"), store.lock("data", key):
        pass
    assert (victim / "a.txt").read_text() == "work"
    assert not root.exists()


@pytest.mark.parametrize("kind", ["", "..", "a/b", "/etc", "../data", "work", "locks", "damaged", "Data", "data\n"])
def test_a_kind_is_a_plain_name_other_than_the_store_s_own_folders(tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path)
    for use in (store.path, store.get, lambda kind, key: store.make(kind, key, never)):
        with pytest.raises(DataError, match="expected a cache entry kind"):
            use(kind, KEY)
    with pytest.raises(DataError, match="expected a cache entry kind"), store.lock(kind, KEY):
        pass


def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "real")
    Store(tmp_path / "cache").make("data", KEY, write_one)
    assert (tmp_path / "real" / "data" / "ab" / KEY / "file.txt").is_file()


@pytest.mark.parametrize("part", [f"data/ab/{KEY}", "data/ab", "data"])
def test_a_link_below_the_root_is_refused_and_its_target_stays(tmp_path: Path, part: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "a.txt").write_text("work")
    link = tmp_path / "cache" / part
    link.parent.mkdir(parents=True)
    link.symlink_to(victim)
    store = Store(tmp_path / "cache")
    for use in (store.get, lambda kind, key: store.make(kind, key, write_one)):
        with pytest.raises(IncompleteError, match="a symbolic link") as caught:
            use("data", KEY)
        assert caught.value.where is not None
        assert caught.value.where.file == link
    assert link.is_symlink()
    assert [path.name for path in victim.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("part", ["work", "work/data", f"work/data/{KEY}", "locks", f"locks/data-{KEY}.lock"])
def test_links_in_the_store_s_own_folders_are_refused(tmp_path: Path, part: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o700)
    link = tmp_path / "cache" / part
    link.parent.mkdir(parents=True)
    link.symlink_to(victim)
    with pytest.raises(IncompleteError, match="a symbolic link"):
        Store(tmp_path / "cache").make("data", KEY, write_one)
    assert list(victim.iterdir()) == []
    assert victim.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["file.txt", MANIFEST])
def test_a_file_of_an_entry_that_is_a_link_makes_it_damaged(tmp_path: Path, name: str) -> None:
    entry = Store(tmp_path / "cache").make("data", KEY, write_one)
    victim = tmp_path / "victim"
    (entry.path / name).rename(victim)
    (entry.path / name).symlink_to(victim)
    before = victim.read_bytes()
    reporter = Silent()
    again = Store(tmp_path / "cache", reporter=reporter).make("data", KEY, write_one)
    assert not (again.path / name).is_symlink()
    assert len(reporter.warnings) == 1
    assert victim.read_bytes() == before


def test_a_link_to_the_folder_of_damaged_entries_moves_nothing_there(tmp_path: Path) -> None:
    entry = Store(tmp_path / "cache").make("data", KEY, write_one)
    (entry.path / "file.txt").write_text("changed")
    (tmp_path / "victim").mkdir()
    (tmp_path / "cache" / "damaged").symlink_to(tmp_path / "victim")
    with pytest.raises(IncompleteError, match="a symbolic link"):
        Store(tmp_path / "cache").get("data", KEY)
    assert list((tmp_path / "victim").iterdir()) == []


@pytest.mark.parametrize("name", ["../victim", "/etc/passwd", "a/../../victim", ".."])
def test_a_manifest_names_files_of_its_entry_only(tmp_path: Path, name: str) -> None:
    entry = Store(tmp_path / "cache").make("data", KEY, write_one)
    victim = entry.path.parent / "victim"
    victim.write_text("work")
    manifest = json.loads((entry.path / MANIFEST).read_text())
    del manifest["digest"]
    manifest["files"][name] = {"size": 4, "sha256": "0" * 64}
    manifest["digest"] = _manifest_digest(manifest, "data", KEY)
    (entry.path / MANIFEST).write_text(json.dumps(manifest))
    reporter = Silent()
    assert Store(tmp_path / "cache", reporter=reporter).get("data", KEY) is None
    assert "is not a file of the entry" in reporter.warnings[0]
    assert victim.read_text() == "work"


@pytest.mark.parametrize(
    "change", [{"files": {"file.txt": 3}}, {"files": {"file.txt": {}}}, {"meta": 1}, {"made": "x"}]
)
def test_a_manifest_of_another_shape_is_damage(tmp_path: Path, change: dict[str, object]) -> None:
    entry = Store(tmp_path).make("data", KEY, write_one)
    manifest = json.loads((entry.path / MANIFEST).read_text())
    (entry.path / MANIFEST).write_text(json.dumps({**manifest, **change}))
    reporter = Silent()
    assert Store(tmp_path, reporter=reporter).get("data", KEY) is None
    assert "its manifest is unreadable" in reporter.warnings[0]


@pytest.mark.parametrize("folder", [True, False])
def test_what_was_never_an_entry_is_left_where_it_is(tmp_path: Path, folder: bool) -> None:
    place = tmp_path / "data" / "ab" / KEY
    place.parent.mkdir(parents=True)
    if folder:
        place.mkdir()
        (place / "a.txt").write_text("work")
    else:
        place.write_text("work")
    for use in (Store(tmp_path).get, lambda kind, key: Store(tmp_path).make(kind, key, write_one)):
        with pytest.raises(IncompleteError, match="was left unchanged"):
            use("data", KEY)
    assert (place / "a.txt" if folder else place).read_text() == "work"


def test_a_build_that_leaves_a_link_makes_no_entry(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("work")

    def linked(work: Path) -> dict[str, int]:
        (work / "file.txt").symlink_to(victim)
        return {}

    with pytest.raises(IncompleteError, match="contains a symbolic link"):
        Store(tmp_path / "cache").make("data", KEY, linked)
    assert victim.read_text() == "work"


def test_any_changed_byte_of_an_entry_makes_it_anew(tmp_path: Path) -> None:
    """Each bit of the manifest and of the files counts: what they say beside the files' digests too."""
    entry = Store(tmp_path).make("items", KEY, write_one)
    whole = {path: path.read_bytes() for path in entry.path.iterdir()}
    for path, content in whole.items():
        for place in range(len(content)):
            for file, kept in whole.items():
                file.write_bytes(kept)
            changed = bytearray(content)
            changed[place] ^= 1 << place % 8
            path.write_bytes(changed)
            reporter = Silent()
            assert Store(tmp_path, reporter=reporter).get("items", KEY) is None, (path.name, place)
            assert len(reporter.warnings) == 1
            os.replace(next((tmp_path / "damaged").iterdir()), entry.path)


def test_a_manifest_counts_for_its_own_entry_only(tmp_path: Path) -> None:
    """A whole entry that was copied to another key is not an entry of that key."""
    store = Store(tmp_path)
    entry = store.make("items", KEY, write_one)
    other = store.path("items", "cd" + "0" * 62)
    shutil.copytree(entry.path, other)
    assert Store(tmp_path).get("items", other.name) is None


def test_a_file_that_was_added_makes_the_entry_damaged(tmp_path: Path) -> None:
    entry = Store(tmp_path).make("items", KEY, write_one)
    (entry.path / "adapter_config.json").write_text("{}")
    reporter = Silent()
    assert Store(tmp_path, reporter=reporter).get("items", KEY) is None
    assert "adapter_config.json was added" in reporter.warnings[0]


def test_a_manifest_below_the_entry_is_a_file_like_others(tmp_path: Path) -> None:
    def nested(work: Path) -> dict[str, int]:
        (work / "inner").mkdir()
        (work / "inner" / MANIFEST).write_text("inner")
        return {}

    Store(tmp_path).make("items", KEY, nested)
    assert Store(tmp_path).get("items", KEY) is not None


RACE = """
import sys, time
from pathlib import Path
from harness.core.reporter import Silent
from harness.storage.store import Store

root, fresh, keys, start = Path(sys.argv[1]), sys.argv[2] == "fresh", int(sys.argv[3]), float(sys.argv[4])

def build(work):
    for number in range(3):
        (work / f"f{number}").write_text("x" * 200)
    return {"n": 1}

time.sleep(max(0, start - time.time()))
reporter = Silent()
for number in range(keys):
    store = Store(root, reporter=reporter, fresh=fresh)
    key = f"{number:064x}"
    store.get("records", key)
    entry = store.make("records", key, build)
    for number in range(3):
        assert (entry.path / f"f{number}").read_text() == "x" * 200
print(len(reporter.warnings))
"""


@pytest.mark.parametrize("mode", ["new", "damaged", "fresh"])
def test_processes_that_want_the_same_entries_at_once(tmp_path: Path, mode: str) -> None:
    """No error, and no whole entry taken for a damaged one, while three processes make, read and replace entries."""
    keys = 150
    for number in range(keys if mode == "damaged" else 0):
        entry = Store(tmp_path).make("records", f"{number:064x}", write_one)
        (entry.path / "file.txt").write_text("CONTENT")
    start = time.time() + 1
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, tmp_path, mode if first else "", str(keys), str(start)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for first in (True, False, False)
    ]
    answers = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], answers
    warnings = sum(int(out) for out, _ in answers)
    assert warnings == (keys if mode == "damaged" else 0)
    aside = tmp_path / "damaged"
    assert len(list(aside.iterdir()) if aside.exists() else []) == warnings


def test_a_folder_on_another_device_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renaming a folder of a lower layer of a container's file system fails with EXDEV."""
    rename = os.replace

    def across(source: Path, target: Path) -> None:
        if Path(source).name == KEY and Path(source).is_dir():
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(source), None, str(target))
        rename(source, target)

    monkeypatch.setattr(os, "replace", across)
    entry = Store(tmp_path).make("records", KEY, write_one)
    assert (entry.path / "file.txt").read_text() == "content"
    assert not (tmp_path / "work" / "records" / KEY).exists()
    (entry.path / "file.txt").write_text("CONTENT")
    assert Store(tmp_path).make("records", KEY, write_one).meta == {"rows": 3}
    assert [path.name for path in (tmp_path / "records" / KEY[:2]).iterdir()] == [KEY]


@pytest.mark.parametrize(("umask", "file", "folder"), [(0o002, 0o664, 0o775), (0o077, 0o600, 0o700)])
def test_what_is_stored_has_the_modes_of_the_umask(tmp_path: Path, umask: int, file: int, folder: int) -> None:
    program = f"""
import os, sys
from pathlib import Path
os.umask({umask})
from harness.storage.store import Store
entry = Store(Path(sys.argv[1])).make("records", {KEY!r}, lambda work: (work / "a").write_text("b") and {{}})
print(entry.path.stat().st_mode & 0o777, (entry.path / "manifest.json").stat().st_mode & 0o777)
"""
    run = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(folder), str(file)]
