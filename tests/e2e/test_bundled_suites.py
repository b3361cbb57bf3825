"""Every bundled suite is planned with its real data: what it asks of them is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITES = Path(__file__).parents[2] / "suites"


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("suite", sorted(SUITES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bundled_suite_fits_its_data(suite: Path, tmp_path: Path) -> None:
    shutil.copy(suite, tmp_path)
    if "checkpoints/base" in suite.read_text("utf-8"):
        pytest.skip("it compares checkpoints that a reader brings")
    done = subprocess.run(
        [sys.executable, "-m", "harness", "plan", suite.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    if "is not on this machine" in done.stderr:
        pytest.skip(f"its data cannot be had here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "estimated time" in done.stdout
