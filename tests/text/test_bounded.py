from __future__ import annotations

import itertools
import re
import signal
import sys
import threading

import pytest

from harness.text.bounded import BoundExceeded, bounded


def test_what_never_ends_is_ended() -> None:
    def count() -> None:
        for _ in itertools.count():
            pass

    with pytest.raises(BoundExceeded, match=r"it takes more than 0\.2 s"), bounded("it", seconds=0.2):
        count()


def test_a_pattern_that_backtracks_for_ever_is_ended() -> None:
    with pytest.raises(BoundExceeded), bounded("the pattern", seconds=0.2):
        re.search(r"(a+)+$", "a" * 64 + "b")


@pytest.mark.skipif(sys.platform != "linux", reason="address space is bounded on Linux alone")
def test_what_fills_the_memory_is_ended() -> None:
    with pytest.raises(BoundExceeded, match="64 MB"), bounded("it", memory=2**26):
        assert len("a" * 2**30)
    assert len("a" * 2**27) == 2**27


def test_what_keeps_its_bounds_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with bounded("it"):
        value = sum(range(1000))
    assert value == 499_500
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_another_thread_runs_unbounded() -> None:
    results: list[int] = []

    def work() -> None:
        with bounded("it", seconds=0.01):
            results.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [1]
