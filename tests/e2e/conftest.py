"""Fixtures around the tiny world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness_support.tiny_world import Shell, write_world


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """The path of a tiny suite in a folder of its own."""
    folder = tmp_path / "world"
    folder.mkdir()
    return write_world(folder)


@pytest.fixture
def shell(world: Path, tmp_path: Path) -> Shell:
    return Shell(world.parent, tmp_path / "cache")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shell, dict[str, Any]]:
    """One finished run of the tiny suite, shared by the tests that only read it."""
    folder = tmp_path_factory.mktemp("finished")
    write_world(folder)
    shell = Shell(folder, tmp_path_factory.mktemp("finished-cache"))
    return shell, shell.run("tiny.yaml")
