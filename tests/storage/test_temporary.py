from __future__ import annotations

import errno
import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.storage import atomic
from harness.storage.temporary import part_file, part_folder

KILLED = (
    "import sys, os, signal\nfrom pathlib import Path\nfrom harness.storage.temporary import part_file\n"
    "path = Path(sys.argv[1])\n"
    "with part_file(path) as (first, _), part_file(path) as (second, _):\n"
    "    os.write(first, b'half')\n    os.write(second, b'half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
)


def test_what_killed_writers_left_goes_with_the_next_write(tmp_path: Path) -> None:
    target = tmp_path / "audit.html"
    subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    atomic.write_text(target, "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["audit.html"]
    assert target.read_text() == "whole"


def test_a_living_writer_keeps_its_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    with part_file(target) as (handle, part):
        atomic.write_text(target, "other")
        assert part.exists()
        assert target.read_text() == "other"
        with open(handle, "wb", closefd=False) as out:
            out.write(b"own")
        part.replace(target)
        atomic.write_text(target, "third")
    assert target.read_text() == "third"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_writers_at_once_leave_one_of_their_contents(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    texts = [letter * 5_000 for letter in "abcdef"]

    def write(text: str) -> None:
        for _ in range(40):
            atomic.write_text(target, text)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_text() in texts
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_names_that_are_taken_by_something_else_are_left_alone(tmp_path: Path) -> None:
    target, aim = tmp_path / "file.txt", tmp_path / "aim"
    aim.write_text("aim")
    (tmp_path / ".file.txt.part0").symlink_to(aim)
    (tmp_path / ".file.txt.part1").mkdir()
    atomic.write_text(target, "new")
    assert (target.read_text(), aim.read_text()) == ("new", "aim")
    assert (tmp_path / ".file.txt.part1").is_dir()


def test_without_locks_files_and_folders_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with part_folder(tmp_path / "entry") as living:
        atomic.write_text(tmp_path / "file.txt", "new")
        with atomic.folder(tmp_path / "entry") as work:
            (work / "a").write_text("a")
        assert living.is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["entry", "file.txt"]
