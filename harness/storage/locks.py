"""Locks that end with their process, however it ends (POSIX `flock`)."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import BinaryIO

from harness.storage import atomic


def try_hold(path: Path) -> BinaryIO | None:
    """Takes the lock file at `path`, or returns None when another process holds it.

    The lock is held while the returned file is open.
    """
    with atomic.explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+b")
    try:
        fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    except BaseException:
        handle.close()
        raise
    return handle
