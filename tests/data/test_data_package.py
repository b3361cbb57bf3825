from __future__ import annotations

import subprocess
import sys

from harness.data.catalog import catalog_index

HEAVY = ("pyarrow", "unearth", "datasets", "pandas", "torch", "ruamel", "httpx2", "httpx")


def test_importing_the_package_is_light() -> None:
    code = "import sys, harness.data; print(*sorted(set(sys.modules) & set(sys.argv[1:])))"
    done = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_page_lists_every_entry() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text("utf-8")
    for name in catalog_index.names():
        assert f"`{name}`" in page
