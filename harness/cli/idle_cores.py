"""Whether this machine has a core for each of our threads right now."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LOAD = Path("/proc/loadavg")
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_LOOKS, _SECONDS = 3, 0.005
"""Times to look, and the seconds before each: what runs for a moment, as the system's own work does, is not counted."""


def enough(threads: int | None) -> bool:
    """Whether the threads of all processes that run now leave as many cores as we have threads.

    Args:
        threads: ours; None for one per core.

    Returns:
        False also where the system does not say so: only Linux does.
    """
    if not hasattr(os, "sched_getaffinity"):
        return False
    try:
        cores = len(os.sched_getaffinity(0))
        others = sorted(_others() for _ in range(_LOOKS))[_LOOKS // 2]
        return others + (threads or cores) <= min(cores, _granted())
    except (OSError, ValueError, IndexError, ArithmeticError):
        return False


def _others() -> int:
    """Threads that run or wait for a core, without the one that asks; it is the only one of ours this early.

    It keeps its core while time passes, so that two commands that begin together see each other.
    """
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        pass
    running = int(_LOAD.read_text("ascii").split()[3].partition("/")[0])
    if running < 1:
        raise ValueError("a system that does not see this thread sees no others")
    return running - 1


def _granted() -> float:
    """Cores that the control groups of this process grant; they throttle a process that uses more, even to spin."""
    return min((quota for folder in _own_groups() for quota in _quotas(folder)), default=float("inf"))


def _own_groups() -> Iterator[Path]:
    """Folders of the groups, of version 2 and 1, with those above them; some exist only outside of a container."""
    own = _OWN_GROUPS.read_text("utf-8").splitlines() if _OWN_GROUPS.exists() else []
    for line in ["0::/", "0:cpu:/", *own]:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = _GROUPS / "cpu" if controllers else _GROUPS
        group = top / path.lstrip("/")
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(top))


def _quotas(folder: Path) -> Iterator[float]:
    with suppress(FileNotFoundError, NotADirectoryError):
        most, _, period = (folder / "cpu.max").read_text("ascii").partition(" ")
        if most != "max":
            yield int(most) / int(period)
    with suppress(FileNotFoundError, NotADirectoryError):
        quota = int((folder / "cpu.cfs_quota_us").read_text("ascii"))
        if quota > 0:
            yield quota / int((folder / "cpu.cfs_period_us").read_text("ascii"))
