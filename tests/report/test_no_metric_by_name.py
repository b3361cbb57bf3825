"""The report and the gates know no metric by name: what one means is in results.json."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import harness
from harness.core import registry

ROOT = Path(harness.__file__).parent
FILES = sorted(path for folder in ("report", "gates") for path in (ROOT / folder).rglob("*") if path.is_file())
# Words that are metrics' names and have another meaning in a page.
WORDS = {"power", "regard", "accuracy"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_metric_is_known_by_name(path: Path) -> None:
    known = set(registry.names("metrics")) - WORDS
    if path.suffix == ".py":
        tree = ast.parse(path.read_text("utf-8"))
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert {text for text in texts if text.partition("[")[0] in known} == set()
    elif path.suffix in (".j2", ".js"):
        quoted = re.findall(r"""["']([\w.]+)["'\[]""", path.read_text("utf-8"))
        assert set(quoted) & known == set()
