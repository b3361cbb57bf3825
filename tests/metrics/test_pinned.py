"""A module's files are digested by reading, and run only as the bytes that were digested."""

from __future__ import annotations

import hashlib
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.metrics import pinned_module
from harness.metrics.pinned_module import imported, read_module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    (made / "parts").mkdir(parents=True)
    (made / "mine.py").write_text("from .helper import VALUE\nfrom .parts import more\n", "utf-8")
    (made / "helper.py").write_text("VALUE = 1\n", "utf-8")
    (made / "parts" / "more.py").write_text("from ..helper import VALUE\nDEEP = VALUE + 1\n", "utf-8")
    (made / "words.txt").write_text("a\n", "utf-8")
    return made


def test_the_digest_is_what_sha256sum_says(folder: Path) -> None:
    found = read_module(folder)
    command = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    # A fixed command of our own, with nothing from outside in it.
    said = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert found.digest == said.split()[0]
    assert (found.main, sorted(found.files)) == ("mine.py", ["helper.py", "mine.py", "parts/more.py", "words.txt"])
    alone = read_module(folder / "mine.py")
    assert alone.digest == hashlib.sha256((folder / "mine.py").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["mine.py", "helper.py", "parts/more.py", "words.txt", "new.py", ".hidden"])
def test_every_file_counts(folder: Path, name: str) -> None:
    before = read_module(folder).digest
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write("# more\n")
    assert read_module(folder).digest != before


def test_a_renamed_file_counts(folder: Path) -> None:
    before = read_module(folder).digest
    (folder / "words.txt").rename(folder / "other.txt")
    assert read_module(folder).digest != before


def test_compiled_code_beside_the_source_is_neither_digested_nor_run(folder: Path, tmp_path: Path) -> None:
    before = read_module(folder).digest
    other = tmp_path / "other.py"
    other.write_text("VALUE = 'compiled'\n", "utf-8")
    target = folder / "__pycache__" / f"helper.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(str(other), str(target), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    found = read_module(folder)
    assert found.digest == before
    with imported([found]) as (module,):
        assert module.VALUE == 1
    (folder / "helper.pyc").write_bytes(target.read_bytes())
    with pytest.raises(SuiteError, match="compiled code"):
        read_module(folder)


@pytest.mark.parametrize("where", ["mine.py", "helper.py", "parts", "words.txt", "__pycache__", "."])
def test_links_are_refused(folder: Path, tmp_path: Path, where: str) -> None:
    place, moved = folder / where, tmp_path / "moved"
    if where == "__pycache__":
        moved.mkdir()
    else:
        place.rename(moved)
    place.symlink_to(moved)
    with pytest.raises(SuiteError, match="symbolic link"):
        read_module(folder)


def test_what_is_no_plain_file_or_too_much_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned_module, "MOST_FILES", 4)
    with pytest.raises(SuiteError, match="more than 4 files"):
        read_module(folder)
    monkeypatch.setattr(pinned_module, "MOST_FILES", 9)
    monkeypatch.setattr(pinned_module, "MOST_BYTES", 20)
    with pytest.raises(SuiteError, match="more than 20 bytes"):
        read_module(folder)
    monkeypatch.undo()
    os.mkfifo(folder / "pipe")
    with pytest.raises(SuiteError, match="not a regular file"):
        read_module(folder)
    (folder / "pipe").unlink()
    (folder / "a\nb").write_text("", "utf-8")
    with pytest.raises(SuiteError, match="control characters"):
        read_module(folder)


def test_a_missing_module_is_said(folder: Path) -> None:
    with pytest.raises(SuiteError, match="cannot read"):
        read_module(folder / "nowhere")
    (folder / "mine.py").unlink()
    with pytest.raises(SuiteError, match=r"has no file 'mine\.py'"):
        read_module(folder)


def test_what_runs_is_what_was_read(folder: Path) -> None:
    found = read_module(folder)
    for file in folder.rglob("*.py"):
        file.write_text("raise RuntimeError('changed after it was read')\n", "utf-8")
    with imported([found, found]) as (first, second):
        assert (first.VALUE, first.more.DEEP) == (1, 2)
        assert first is not second
        beside = Path(first.__file__ or "").parent
        assert (beside / "words.txt").read_text("utf-8") == "a\n"
        assert beside.parent.stat().st_mode & 0o077 == 0
        assert not list(beside.rglob("*.pyc"))
    assert not beside.exists()
    assert not any(name.startswith("harness_metric_code_") for name in sys.modules)


def test_a_module_that_fails_leaves_nothing_behind(folder: Path) -> None:
    (folder / "mine.py").write_text("import mine_needs_this\n", "utf-8")
    finders = list(sys.meta_path)
    with pytest.raises(ModuleNotFoundError, match="mine_needs_this"), imported([read_module(folder)]):
        pass
    assert sys.meta_path == finders
