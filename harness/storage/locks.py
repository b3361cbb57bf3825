"""Locks that end with their process, however it ends (POSIX `flock`).

A lock file may be removed by whoever holds it: a process that waited for it notices, and takes the one that is there
now.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from harness.storage import atomic


def try_hold(path: Path) -> BinaryIO | None:
    """Takes the lock file at `path`, or returns None when another process holds it.

    The lock is held while the returned file is open.
    """
    try:
        return _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def hold(path: Path, on_wait: Callable[[], None] | None = None) -> BinaryIO:
    """Takes the lock file at `path`, and waits for it while another process holds it.

    Args:
        on_wait: called once before waiting.
    """
    handle = try_hold(path)
    if handle is not None:
        return handle
    if on_wait is not None:
        on_wait()
    return _locked(path, fcntl.LOCK_EX)


def _locked(path: Path, operation: int) -> BinaryIO:
    while True:
        handle = _opened(path)
        try:
            fcntl.flock(handle.fileno(), operation)
            if _is_at(handle, path):
                return handle
        except BaseException:
            handle.close()
            raise
        handle.close()


def _opened(path: Path) -> BinaryIO:
    with atomic.explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return path.open("a+b")
        except PermissionError:
            # Another user's lock file in a shared cache: one that can be read can be locked.
            return path.open("rb")


def _is_at(handle: BinaryIO, path: Path) -> bool:
    """Whether the open file is the one that stands at `path` now."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False
