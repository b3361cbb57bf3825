from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.errors import IncompleteError
from harness.storage import atomic


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    atomic.write_text(path, "one")
    atomic.write_text(path, "two")
    assert path.read_text() == "two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_a_failing_write_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    atomic.write_text(path, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(IncompleteError, match="no space left") as caught:
        atomic.write_text(path, "new")
    assert caught.value.exit_code == 12
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(IncompleteError, match="no space left"), atomic.explained(full), full.open("wb") as out:
        out.write(b"x" * 100_000)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EFBIG, "Error writing bytes to file. Detail: [errno 27] File too large"), "larger than the"),
        (OSError(errno.EDQUOT, "quota"), "quota is used up"),
        (OSError(errno.EMFILE, "Too many open files"), "too many files are open"),
        (ValueError("I/O error: No space left on device (os error 28)"), "no space left"),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 196032 vs 195920"), "no space left"),
    ],
)
def test_what_a_library_raises_where_the_system_ran_out_says_so(error: Exception, said: str, tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match=said), atomic.explained(tmp_path):
        raise error


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("errno is not known"), KeyError("x")])
def test_other_errors_stay_as_they_are(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)), atomic.explained(tmp_path):
        raise error


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "entry"

    def half() -> None:
        with atomic.folder(target) as work:
            (work / "a").write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        half()
    assert list(tmp_path.iterdir()) == []
    with atomic.folder(target) as work:
        (work / "a").write_text("whole")
    with atomic.folder(target) as work:
        (work / "b").write_text("second")
    assert [entry.name for entry in target.iterdir()] == ["b"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["entry"]


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    program = (
        "import sys, os, signal\nfrom pathlib import Path\nfrom harness.storage import atomic\n"
        "with atomic.folder(Path(sys.argv[1])) as work:\n"
        "    (work / 'half').write_text('x')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    target = tmp_path / "mod[e]l"
    subprocess.run([sys.executable, "-c", program, str(target)], check=False)
    (left,) = tmp_path.iterdir()
    with atomic.folder(target) as other:
        assert not left.exists()
        with atomic.folder(target) as work:
            assert other.is_dir()
            (work / "whole").write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_folder_without_permission_says_so(tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match="cannot write") as caught, atomic.explained(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert "--out" in str(caught.value)


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(IncompleteError, match="cannot create or write") as caught:
        atomic.write_text(tmp_path / "taken" / "deep" / "file.txt", "new")
    assert str(tmp_path / "taken") in caught.value.message
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(IncompleteError, match="cannot create or write"):
        atomic.write_text(tmp_path / "folder", "new")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "taken"]


def test_a_missing_file_of_the_work_inside_stays_a_defect(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic.folder(tmp_path / "made") as made:
        (made / "nested" / "missing").read_text()
    assert not list(tmp_path.iterdir())
