"""Bounds on the time and memory of what strangers' templates and patterns do.

A chat template or a regular expression of a file is a program. One that never ends, or fills the memory, would take
the whole run with it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SECONDS = 10.0
BYTES = 2**30
_STATUS = Path("/proc/self/statm")


class BoundExceeded(ValueError):
    """A stranger's code took longer, or more memory, than it may; the text says which."""


@contextmanager
def bounded(what: str, *, seconds: float = SECONDS, memory: int = BYTES) -> Iterator[None]:
    """Ends what runs inside after a time, or when it asks for much memory.

    Both are had on Linux, the time also on macOS; where neither is (Windows, or another thread than the main one), it
    runs unbounded. Calls do not nest.

    Args:
        what: names the code, for the message.
        memory: bytes of address space beside what the process has.

    Raises:
        BoundExceeded: when either is used up.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise BoundExceeded(f"{what} takes more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with _memory(memory):
            yield
    except MemoryError as error:
        raise BoundExceeded(f"{what} takes more than {memory // 2**20} MB of memory") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _memory(memory: int) -> Iterator[None]:
    if not _STATUS.exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(_STATUS.read_text("ascii").split()[0]) * resource.getpagesize()
    limits = [used + memory, *(limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
