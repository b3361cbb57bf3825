"""docs/security.md names a test for each promise, and each of these tests exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "security.md"


def test_every_promise_is_held_by_a_test_that_exists() -> None:
    text = PAGE.read_text("utf-8")
    promises = [line for line in text.partition("## What harness promises")[2].splitlines() if line.startswith("| ")]
    promises = promises[: next(place for place, line in enumerate(promises) if line.startswith("| attack"))]
    rows = [line for line in promises if line != "| promise | test |"]
    named = [re.search(r"\| `(test_\w+)` \|\Z", row) for row in rows]
    assert len(rows) > 40
    assert [row for row, name in zip(rows, named, strict=True) if name is None] == []
    known = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert sorted(set(re.findall(r"\btest_\w+", text)) - known) == []


def test_the_pages_link_to_each_other() -> None:
    assert "(docs/security.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "(security.md)" in (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert "(docs/security.md)" in (ROOT / "SECURITY.md").read_text("utf-8")
    assert "(../SECURITY.md)" in PAGE.read_text("utf-8")
