"""Temporary files and folders of living processes: what a killed one left is taken over or removed by the next.

The owner holds a lock on the file or folder. The lock ends with its process, however that ends, so whoever gets the
lock knows that nobody else is writing there. Where a file system has no locks, nothing is taken over or removed.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@contextmanager
def part_file(path: Path) -> Iterator[tuple[int, Path]]:
    """An empty file beside `path`, open for writing: its descriptor and its name.

    The names are numbered, so a writer takes over what a killed one left, and removes the numbers after its own. When
    the block ends without having renamed the file, it is removed.

    Raises:
        OSError: when the folder cannot be written.
    """
    number, handle, part = _first_free(path)
    try:
        os.ftruncate(handle, 0)
        yield handle, part
    finally:
        if _is_at(handle, part):
            part.unlink(missing_ok=True)
        os.close(handle)
    for later in itertools.count(number + 1):
        left = _part(path, later)
        if not os.path.lexists(left):
            return
        with suppress(OSError):
            rest = _taken(left)
            if rest is not None:
                left.unlink(missing_ok=True)
                os.close(rest)


@contextmanager
def part_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path`; when the block ends without having renamed it, it is removed.

    Raises:
        OSError: when the folder cannot be written.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.????????"):
        with suppress(OSError):
            _remove_if_left(left)
    made, lock = _new_folder(path)
    try:
        yield made
    finally:
        if _is_at(lock, made):
            shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def _part(path: Path, number: int) -> Path:
    return path.with_name(f".{path.name}.part{number}")


def _first_free(path: Path) -> tuple[int, int, Path]:
    """Number, descriptor and name of the first part file that nobody is writing."""
    for number in itertools.count():
        part = _part(path, number)
        try:
            handle = _taken(part)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            return number, handle, Path(name)
        if handle is not None:
            return number, handle, part
    raise AssertionError("the numbers do not end")


def _taken(part: Path) -> int | None:
    """A descriptor of `part` that holds its lock; None where another process or another user has the file."""
    while True:
        try:
            handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            if os.path.lexists(part):
                return None
            raise
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno not in _NO_LOCKS:
                return None
            part.unlink(missing_ok=True)
            raise
        if _is_at(handle, part):
            return handle
        os.close(handle)  # its writer renamed or removed it between the two calls


def _new_folder(path: Path) -> tuple[Path, int]:
    while True:
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        with suppress(FileNotFoundError):  # another process may have taken it for one that was left
            lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_at(lock, made):
                return made, lock
            os.close(lock)


def _remove_if_left(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file or folder still has this name."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False
