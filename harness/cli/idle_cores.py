"""Whether this machine has a core for each of our threads just now."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_LOAD = Path("/proc/loadavg")
_GROUP = Path("/sys/fs/cgroup")
_LOOKS, _PAUSE = 3, 0.005
"""Times to look, and the seconds between: what runs for a moment, as the system's own work does, is not counted."""


def enough(threads: int | None) -> bool:
    """Whether the threads of all processes that run now leave as many cores as we have threads.

    Args:
        threads: ours; None for one per core.

    Returns:
        False also where the system does not say so: only Linux does.
    """
    if not hasattr(os, "sched_getaffinity"):
        return False
    cores = len(os.sched_getaffinity(0))
    try:
        others = sorted(_others() for _ in range(_LOOKS))[_LOOKS // 2]
        return others + (threads or cores) <= min(cores, _granted())
    except (OSError, ValueError, IndexError):
        return False


def _others() -> int:
    """Threads that run or wait for a core, without the one that asks; it is the only one of ours so early."""
    time.sleep(_PAUSE)
    running = int(_LOAD.read_text("ascii").split()[3].partition("/")[0])
    if running < 1:
        raise ValueError("a system that does not see this thread sees no others")
    return running - 1


def _granted() -> float:
    """Cores that the control group (version 2 or 1) grants; it halts a process that uses more, even to wait."""
    with suppress(FileNotFoundError):
        most, _, period = (_GROUP / "cpu.max").read_text("ascii").partition(" ")
        return float("inf") if most == "max" else int(most) / int(period)
    with suppress(FileNotFoundError):
        quota = int((_GROUP / "cpu/cpu.cfs_quota_us").read_text("ascii"))
        if quota > 0:
            return quota / int((_GROUP / "cpu/cpu.cfs_period_us").read_text("ascii"))
    return float("inf")
