"""docs/architecture.md and CONTRIBUTING.md name files of the house, and each of these files exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
# A path below harness/, or from the top: `gates/decision.py`, `suite/checks/`, `tests/e2e/test_outside_package.py`.
_PATH = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`")


def test_every_file_of_a_suites_way_exists() -> None:
    named = _PATH.findall(PAGE.read_text("utf-8"))
    assert len(named) > 20
    assert [path for path in named if not any((top / path).exists() for top in (ROOT / "harness", ROOT))] == []


def test_every_folder_stands_in_the_table_of_layers() -> None:
    table = PAGE.read_text("utf-8").partition("## Layers")[2].partition("\n## ")[0]
    layers = set(re.findall(r"`(\w+)`", table))
    folders = {path.name for path in (ROOT / "harness").iterdir() if (path / "__init__.py").is_file()}
    assert sorted(folders - layers) == []


def test_the_files_that_contributors_copy_exist() -> None:
    named = re.findall(r"`(harness/[a-z_/]+\.py|tests/[a-z_/]+\.py)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(named) > 4
    assert [path for path in named if not (ROOT / path).exists()] == []
