from __future__ import annotations

import subprocess
import sys

import pytest

import harness.data
from harness.data import catalog

HEAVY = ("pyarrow", "unearth", "datasets", "pandas", "torch", "ruamel", "httpx2", "httpx")


def test_importing_the_package_is_light() -> None:
    code = "import sys, harness.data; print(*sorted(set(sys.modules) & set(sys.argv[1:])))"
    done = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_is_there_whatever_was_imported_before() -> None:
    for name in harness.data.__all__:
        assert getattr(harness.data, name) is not None
    assert callable(harness.data.overlap)
    assert callable(harness.data.preview)
    assert harness.data.catalog is catalog
    with pytest.raises(AttributeError, match="nothing"):
        _ = harness.data.nothing


def test_the_page_lists_every_entry() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text("utf-8")
    for name in catalog.names():
        assert f"`{name}`" in page
