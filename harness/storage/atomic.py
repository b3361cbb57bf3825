"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core.errors import HarnessError, IncompleteError, Where
from harness.storage.temporary import part_file, part_folder

_EXHAUSTED = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than the system allows",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open on this machine",
}
_NUMBER = re.compile(r"\b(?:os error|[Ee]rrno) (\d+)\b")
_TORCH_WRITER = ("inline_container", "PytorchStreamWriter", "file write failed")
_UMASK = os.umask(0o022)
os.umask(_UMASK)
"""Temporary files are made for their owner alone; what they become is readable as the user's umask says."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of renameat2(2)."""
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Writes a file by temporary file, fsync and rename; the old content stays until then.

    Raises:
        IncompleteError: when the disk is full or the folder cannot be written.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part_file(path) as (handle, part):
            with os.fdopen(handle, "wb", closefd=False) as out:
                out.write(content)
            os.fsync(handle)
            os.fchmod(handle, 0o666 & ~_UMASK)
            os.replace(part, path)
        _sync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    write_bytes(path, content.encode("utf-8"))


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path` that becomes `path` when the block ends well.

    An existing `path` is replaced. When the block raises, nothing stays behind; what a killed process left is removed
    by the next one that writes `path`.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part_folder(path) as temporary:
            yield temporary
            sync_tree(temporary)
            replace_folder(temporary, path)


def replace_folder(source: Path, target: Path) -> None:
    """Renames `source` to `target`; a folder that stood there is removed.

    Where the system can exchange two folders in one step, `target` is there at any moment.
    """
    os.chmod(source, 0o777 & ~_UMASK)
    if not target.exists():
        move_folder(source, target)
    elif _exchanged(source, target):
        shutil.rmtree(source, ignore_errors=True)
    else:
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
        move_folder(target, old / "was")
        move_folder(source, target)
        shutil.rmtree(old, ignore_errors=True)
    _sync_folder(target.parent)


def move_folder(source: Path, target: Path) -> None:
    """Renames a folder; across devices, and layers of a container's file system, it is copied and then renamed."""
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with part_folder(target) as beside:
            shutil.copytree(source, beside / "copy", symlinks=True)
            sync_tree(beside)
            os.replace(beside / "copy", target)
            shutil.rmtree(source)


def remove_folder(path: Path) -> None:
    """Removes a folder in one step for everybody else: it is renamed first, and then emptied."""
    if path.is_dir():
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
        move_folder(path, aside / "was")
        shutil.rmtree(aside, ignore_errors=True)


def _exchanged(first: Path, second: Path) -> bool:
    """Exchanges two folders in one step; False where the system or the file system cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    here = -100  # AT_FDCWD: relative paths start at the current folder
    return bool(rename(here, os.fsencode(first), here, os.fsencode(second), _EXCHANGE) == 0)


def sync_tree(root: Path) -> None:
    """Flushes every file below `root` to the disk."""
    for base, _, names in os.walk(root):
        for name in names:
            descriptor = os.open(Path(base) / name, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        _sync_folder(Path(base))


def _sync_folder(path: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exhausted(error: BaseException) -> str | None:
    """What the system ran out of, for an error that says so in any way; None for every other.

    torch, safetensors and pyarrow raise classes of their own, some with the system's number in their text.
    """
    number = getattr(error, "errno", None)
    text = str(error)
    if number is None and (match := _NUMBER.search(text)) is not None:
        number = int(match.group(1))
    if number is None and isinstance(error, RuntimeError) and any(words in text for words in _TORCH_WRITER):
        number = errno.ENOSPC
    return _EXHAUSTED.get(number) if isinstance(number, int) else None


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns a full disk, a limit of the system or a folder without permission into a clear error about `path`."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        lacking = exhausted(error)
        if lacking is not None:
            raise IncompleteError(
                f"{lacking}; partially written files were removed.",
                where=Where(path),
                hint="free some space or raise the limit (`ulimit`), then rerun the command; finished work is kept.",
            ) from error
        if not isinstance(error, OSError):
            raise
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise IncompleteError(
                f"cannot write to the folder: {error.strerror}.",
                where=Where(path),
                hint="pass a different folder with --out, or set HARNESS_CACHE_DIR to a writable folder.",
            ) from error
        if error.errno in _NO_FOLDER and _on_the_way(error.filename, path):
            raise IncompleteError(
                f"cannot create or write the folder: {error.strerror}: {error.filename}.",
                where=Where(path),
                hint="pass a different folder with --out or --lock, or set HARNESS_CACHE_DIR to a writable folder.",
            ) from error
        raise


def _on_the_way(name: object, path: Path) -> bool:
    """Whether a file name is `path`, a folder above it, or a file right beside one of these."""
    return isinstance(name, str) and Path(name).parent in {path, *path.parents}
