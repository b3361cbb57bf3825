from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core import registry
from harness.core.errors import SuiteError
from harness.suite.bundled import suites, titles


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package that brings a folder of suites."""
    folder = tmp_path / "outside_suites"
    folder.mkdir()
    (folder / "__init__.py").write_text("", "utf-8")
    facts = tmp_path / "outside-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n", "utf-8")
    (facts / "entry_points.txt").write_text("[harness.suites]\noutside = outside_suites\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    registry._installed.cache_clear()
    registry._entries.cache_clear()
    yield folder
    registry._installed.cache_clear()
    registry._entries.cache_clear()
    sys.modules.pop("outside_suites", None)


def test_ours_are_found() -> None:
    assert suites()["sentiment"].name == "sentiment.yaml"


def test_outside_packages_add_theirs(outside: Path) -> None:
    (outside / "legal.yaml").write_text("name: legal", "utf-8")
    assert suites()["legal"] == (outside / "legal.yaml").resolve()
    assert "sentiment" in suites()


def test_one_name_from_two_packages_is_an_error(outside: Path) -> None:
    (outside / "sentiment.yaml").write_text("name: sentiment", "utf-8")
    with pytest.raises(SuiteError, match="two packages provide the suite 'sentiment'"):
        suites()


def test_titles(outside: Path) -> None:
    (outside / "legal.yaml").write_text("name: legal\ntitle: Contracts", "utf-8")
    (outside / "plain.yaml").write_text("name: plain", "utf-8")
    (outside / "broken.yaml").write_text("name: [", "utf-8")
    found = titles()
    assert (found["legal"], found["plain"]) == ("Contracts", "plain")
    assert found["broken"].startswith("cannot be read: ")
    assert found["sentiment"] == "Sentiment of reviews and tweets"


def test_what_is_registered_must_be_a_package(outside: Path) -> None:
    (outside.parent / "outside-1.0.dist-info" / "entry_points.txt").write_text("[harness.suites]\nx = json.tool\n")
    with pytest.raises(SuiteError, match="not a package"):
        suites()
