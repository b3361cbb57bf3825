"""SIGINT and SIGTERM stop a command as an exception, at a place where an exception is safe."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

RETRY_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 30.0
"""After this long an import counts as hanging, and is broken off."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, as schedulers and container runtimes send it: a command stops as after Ctrl-C."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Turns SIGTERM into `Terminated` and SIGINT into KeyboardInterrupt in the main thread; does nothing elsewhere.

    Libraries in C++ (torch) import Python modules while they are loaded themselves, and an exception
    that arises there aborts the process. A signal that arrives during an import, or a finalizer, waits for its end.
    A SIGINT that the parent process had ignored (`nohup`, a shell's background jobs) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stops: dict[signal.Signals, type[KeyboardInterrupt]] = {signal.SIGTERM: Terminated}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        stops[signal.SIGINT] = KeyboardInterrupt
    waiting_since: dict[int, float] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        since = waiting_since.setdefault(number, time.monotonic())
        if _unsafe(frame) and time.monotonic() - since < LONGEST_WAIT_SECONDS:
            retry = threading.Timer(RETRY_SECONDS, signal.pthread_kill, (threading.main_thread().ident, number))
            retry.daemon = True
            retry.start()
            return
        waiting_since.clear()
        raise stops[signal.Signals(number)]

    before = {number: signal.signal(number, stop) for number in stops}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _unsafe(frame: FrameType | None) -> bool:
    """Whether an import is under way, or a finalizer, in which Python prints an exception and goes on."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>" or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
