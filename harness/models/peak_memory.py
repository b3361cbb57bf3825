"""The most memory that was held for a while, and what is kept for the next layer; torch is needed for a GPU's alone."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import sys
from functools import lru_cache
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""glibc's names of what `mallopt` sets."""
_KEPT, _HEAP = 128 * 2**20, 32 * 2**20
_OWN_WISHES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


class Memory:
    """The most memory held since `start`, in bytes: of the GPU, or of the process where the system can tell."""

    def __init__(self, device: str) -> None:
        self._graphics = device == "cuda"
        self._known = self._graphics

    def start(self) -> None:
        """Forgets the peak so far."""
        if self._graphics:
            import torch

            torch.cuda.reset_peak_memory_stats()
            return
        try:
            _RESET.write_text("5")  # Linux: the resident peak begins anew
            self._known = True
        except OSError:
            self._known = False

    def peak(self) -> int | None:
        """Bytes; None where the system keeps no peak that can be reset."""
        if not self._known:
            return None
        if self._graphics:
            import torch

            return int(torch.cuda.max_memory_allocated())
        try:
            lines = _STATUS.read_text().splitlines()
        except OSError:
            return None
        return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)


@lru_cache(maxsize=1)
def keep_freed() -> bool:
    """Lets the process keep up to 128 MB that it has freed, and take blocks of up to 32 MB from what it keeps.

    Every layer asks torch for the same few megabytes and frees them again. By default glibc hands them back to the
    system, which clears the pages anew each time: a fifth of the time of a small encoder.

    Returns:
        Whether it was done: with glibc alone, and unless the environment says how memory is to be kept.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in _OWN_WISHES):
        return False
    try:
        library = ctypes.CDLL(None)
        return bool(library.mallopt(_MMAP_THRESHOLD, _HEAP)) and bool(library.mallopt(_TRIM_THRESHOLD, _KEPT))
    except (OSError, AttributeError):
        return False


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024
