"""Work shared out to a few threads: results come as they are ready, and stopping is quick."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")


def as_ready(jobs: Sequence[J], work: Callable[[J], R], threads: int) -> Iterator[tuple[J, R]]:
    """(job, result) of every job, in the order in which they end.

    Threads are daemons: a caller that stops in the middle does not wait for a call that hangs.

    Raises:
        BaseException: what `work` raised, in the caller's thread.
    """
    waiting: queue.SimpleQueue[J] = queue.SimpleQueue()
    ready: queue.SimpleQueue[tuple[J, R | None, BaseException | None]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                ready.put((job, work(job), None))
            except BaseException as error:  # handed to the caller's thread
                ready.put((job, None, error))

    for _ in range(min(threads, len(jobs))):
        threading.Thread(target=serve, daemon=True).start()
    try:
        for _ in range(len(jobs)):
            job, result, error = ready.get()
            if error is not None:
                raise error
            yield job, result  # type: ignore[misc]  # a result where there is no error
    finally:
        stopped.set()
