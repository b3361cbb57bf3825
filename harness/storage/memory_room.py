"""How much memory is left, asked before a file is read that would need more; and giving back what is free."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

from harness.core.errors import DataError, Where

_SYSTEM = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
_GB = 1e9


def available() -> int | None:
    """Bytes that this process can still take: what the system has, and what its control group may; None if unknown."""
    rooms = []
    with suppress(OSError, ValueError, StopIteration):
        line = next(line for line in _SYSTEM.read_text("ascii").splitlines() if line.startswith("MemAvailable:"))
        rooms.append(int(line.split()[1]) * 1024)
    with suppress(OSError, ValueError):
        most = (_GROUP / "memory.max").read_text("ascii").strip()
        rooms.append(int(most) - int((_GROUP / "memory.current").read_text("ascii")))
    return min(rooms) if rooms else None


def require(needed: int, what: str, where: Where) -> None:
    """Checks that so many bytes are there.

    Args:
        needed: bytes, at the least.
        what: what needs them, as the beginning of a sentence.

    Raises:
        DataError: when they are not.
    """
    room = available()
    if room is not None and needed > room:
        raise DataError(
            f"{what}, which takes at least {needed / _GB:,.1f} GB of memory; {room / _GB:,.1f} GB are free.",
            where=where,
            hint="use a sample of the rows, or a machine with more memory.",
        )


def give_back() -> None:
    """Hands memory that was freed back to the system: after a step over many rows, arrow and the C library keep it."""
    if "pyarrow" in sys.modules:
        import pyarrow as pa

        pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
