"""Where a run was made: versions, hardware, git state (git_facts.py). Imports nothing heavy."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.core.distribution import installed_version
from harness.pipeline.git_facts import git_state as git_state

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "accelerate",
    "peft",
    "scikit-learn",
    "scipy",
    "numpy",
    "pyarrow",
    "sacrebleu",
    "evaluate",
)


def versions() -> dict[str, str]:
    """Installed versions of Python and of what results depend on; `missing` where absent."""
    ours = {"python": platform.python_version(), "harness": installed_version()}
    return ours | {package: _version(package) for package in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def hardware() -> dict[str, Any]:
    """Processor, usable cores, memory in bytes, operating system."""
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "memory": total_memory(),
        "system": f"{platform.system()} {platform.release()}",
    }


def usable_cores() -> int:
    """Cores that this process may use (affinity respected)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory() -> int | None:
    """Physical memory in bytes, where the system says."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def ci_attempt() -> int | None:
    """Which attempt of one job this is (GitHub's "re-run"), or None outside CI."""
    value = os.environ.get("GITHUB_RUN_ATTEMPT", "")
    return int(value) if value.isdecimal() else None


def answering(device: str = "auto") -> dict[str, Any]:
    """On which device and in which precision models would answer here."""
    from harness.models.device_policy import answer_policy

    return dict(answer_policy(device))
