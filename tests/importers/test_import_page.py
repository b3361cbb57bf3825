"""docs/import.md shows the totals of the kept logs, and every format has a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_support.import_totals import CASES, Case, row

from harness.core import registry

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name} {case.version}" for name, case in CASES])
def test_the_table_holds_their_totals_and_ours(name: str, case: Case, tmp_path: Path) -> None:
    line, off = row(name, case, tmp_path)
    assert off <= (5e-5 if case.note.startswith("4 digits") else 1e-12)
    assert line in (DOCS / "import.md").read_text("utf-8").splitlines()


def test_every_format_has_a_page_that_the_overview_names() -> None:
    overview = (DOCS / "import.md").read_text("utf-8")
    for name in ("lm-eval", *registry.names("importers")):
        assert f"(coming-from/{name}.md)" in overview, name
        page = (DOCS / "coming-from" / f"{name}.md").read_text("utf-8")
        assert f"harness import {name} " in page
        assert "| there | here |" in page
