"""What holds for the whole process: threads, memory, matrix products, the hub. Set once, by the command line."""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import platform
import sys
from dataclasses import dataclass

from harness.cli import idle_cores
from harness.core.thread_waiting import POLICY, SPIN, waiting

ENVIRONMENT = {
    # Threads that spin while they wait make small models several times slower as soon as anything else runs on the
    # machine. Read by OpenMP when torch is loaded.
    POLICY: "PASSIVE",
    # Where the package `kernels` is installed, transformers would fetch code from the hub and run it.
    "USE_HUB_KERNELS": "NO",
}
"""Defaults; what the user has set stays."""
MOMENT = "3000"
"""Turns that threads spin on an idle machine before they sleep, about 0.1 ms where measured: as long as torch takes
from one product to the next. Waking them takes longer than many of the products in a small batch. If other work begins
later, a step of training takes up to 50% longer, and less than with torch's default (benchmarks/waiting_threads.py)."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""glibc's names of what `mallopt` sets."""
_KEPT, _HEAP = 128 * 2**20, 32 * 2**20
_OWN_WISHES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
_COLLECT_AFTER = (100_000, 20, 50)
"""New objects, and smaller collections, between collections. A run makes millions of rows and records that stay, and
Python's own thresholds walk them again and again: a seventh of the time of a run whose answers are known."""
_FIRST_COLLECTION = 1_000_000
"""New objects before the first collection: torch and transformers alone make 600,000 that stay."""
_SWITCHES = {"0": "off", "1": "on"}


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """The settings of this process.

    Attributes:
        threads: of torch; None for one per core.
        waiting: how GNU OpenMP's threads wait: `sleep`, `spin`, or how many turns they spin before they sleep.
        keeps_freed_memory: whether freed memory is kept for the next layer.
        fast_paths: `on` or `off`: whether answers may be had with less work (HARNESS_FAST_PATHS).
        onednn: `auto`, `on` or `off`: whose matrix products are used (HARNESS_ONEDNN).
        offline: whether the Hugging Face hub is never asked.
        hub_kernels: whether transformers may fetch code for attention from the hub.
    """

    threads: int | None
    waiting: str
    keeps_freed_memory: bool
    fast_paths: str
    onednn: str
    offline: bool
    hub_kernels: bool

    @classmethod
    def apply(cls) -> ProcessSettings:
        """Sets what has a default, and returns what holds."""
        written = os.environ.get("OMP_NUM_THREADS", "")
        threads = int(written) if written.isdecimal() else None
        let_spin(threads)
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        collect_seldom()
        fast = "off" if os.environ.get("HARNESS_FAST_PATHS") == "0" else "on"
        return cls(
            threads=threads,
            waiting=waiting(),
            keeps_freed_memory=keep_freed(),
            fast_paths=fast,
            onednn="off" if fast == "off" else _SWITCHES.get(os.environ.get("HARNESS_ONEDNN", ""), "auto"),
            offline=_true("HF_HUB_OFFLINE"),
            hub_kernels=_true("USE_HUB_KERNELS"),
        )

    def lines(self) -> list[str]:
        """The settings for people."""
        freed = "kept for the next layer" if self.keeps_freed_memory else "returned to the system"
        hub = "offline" if self.offline else "reachable"
        kernels = "allowed" if self.hub_kernels else "refused"
        return [
            f"threads: {self.threads or 'one per core'} (OMP_NUM_THREADS)",
            f"waiting threads, in this process: {self.waiting} ({POLICY}, {SPIN})",
            f"freed memory: {freed}",
            f"fast paths: {self.fast_paths} (HARNESS_FAST_PATHS); oneDNN products: {self.onednn} (HARNESS_ONEDNN)",
            f"Hugging Face hub: {hub} (HF_HUB_OFFLINE); kernels from the hub: {kernels} (USE_HUB_KERNELS)",
        ]


def let_spin(threads: int | None) -> None:
    """Lets waiting threads spin for a moment before they sleep, where each has a core that nothing else wants.

    Args:
        threads: of torch; None for one per core.
    """
    if POLICY not in os.environ and SPIN not in os.environ and threads != 1 and idle_cores.enough(threads):
        os.environ[SPIN] = MOMENT


def collect_seldom() -> None:
    """Lets Python look for cycles of dead objects later and less often, and not once more when the process ends.

    At the end Python would walk all that torch and transformers hold, several times: a second after the last line of
    output. Files, locks, and temporary folders do not wait for that.
    """
    gc.set_threshold(_FIRST_COLLECTION, *_COLLECT_AFTER[1:])
    if _often_after_first not in gc.callbacks:
        gc.callbacks.append(_often_after_first)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def _often_after_first(phase: str, _facts: object) -> None:
    if phase == "stop":
        gc.callbacks.remove(_often_after_first)
        gc.set_threshold(*_COLLECT_AFTER)


def keep_freed() -> bool:
    """Lets the process keep up to 128 MB that it has freed, and take blocks of up to 32 MB from what it keeps.

    Every layer asks torch for the same few megabytes and frees them again. By default glibc hands them back to the
    system, which clears the pages each time: a fifth of the time of a small encoder.

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


def _true(name: str) -> bool:
    return os.environ.get(name, "").upper() in {"1", "YES", "TRUE", "ON"}
