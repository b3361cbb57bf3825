"""The most memory that was held for a while; torch is needed for a GPU's alone."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


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


def gpu_name() -> str:
    """The name of the GPU that torch uses."""
    import torch

    return str(torch.cuda.get_device_name())


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024
