from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from harness.report.formats.page_environment import compiled_templates


def _page(settings: Path) -> str:
    cache = compiled_templates(settings)
    return Environment(loader=DictLoader({"a": "{{ 1 + 1 }}"}), bytecode_cache=cache).get_template("a").render()


def test_templates_are_compiled_once_for_each_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    settings = tmp_path / "settings.py"
    settings.write_text("first = 1")
    assert (_page(settings), _page(settings)) == ("2", "2")
    (kept,) = (tmp_path / "__pycache__").iterdir()
    settings.write_text("second = 2")
    assert _page(settings) == "2"
    assert len(list((tmp_path / "__pycache__").iterdir())) == 2
    kept.write_bytes(kept.read_bytes()[:40])
    settings.write_text("first = 1")
    assert _page(settings) == "2"


def test_where_nothing_can_be_written_they_are_compiled_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    settings = tmp_path / "settings.py"
    settings.write_text("first = 1")
    (tmp_path / "__pycache__").write_text("a file where the folder should be")
    assert _page(settings) == "2"


def test_python_without_bytecode_keeps_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert compiled_templates(tmp_path / "settings.py") is None
