"""A Python process in which no package of an extra can be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.core.distribution import EXTRAS

BLOCK = """\
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {names!r} else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


def run_without(
    code: str, *, folder: Path, cache: Path, names: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs code where `names` (all modules of all extras when empty) are as if they were not installed."""
    blocked = names or tuple(sorted({module for modules in EXTRAS.values() for module in modules}))
    return subprocess.run(
        [sys.executable, "-c", BLOCK.format(names=blocked) + code],
        cwd=folder,
        env={**os.environ, "HARNESS_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=120,
    )
