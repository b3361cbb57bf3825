"""`harness cache`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.subcommands.cache_command import command
from harness.storage.store import Store

KEY = "ab" + "0" * 62


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path))
    store = Store(tmp_path)
    store.make("items", KEY, lambda work: (work / "file").write_text("content") and {})
    return store


def test_size_verify_and_prune(store: Store) -> None:
    runner = CliRunner()
    shown = runner.invoke(command, ["size"], standalone_mode=False)
    assert "items" in shown.output
    assert "total" in shown.output
    whole = runner.invoke(command, ["verify"], standalone_mode=False)
    assert (whole.return_value, "no damage found." in whole.output) == (0, True)
    (store.path("items", KEY) / "file").write_text("CONTENT")
    damaged = runner.invoke(command, ["verify", "--json"], standalone_mode=False)
    assert damaged.return_value == 12
    assert json.loads(damaged.stdout)["damaged"] == [f"items/{KEY}"]
    pruned = runner.invoke(command, ["prune", "--json"], standalone_mode=False)
    assert [part["name"] for part in json.loads(pruned.stdout)["parts"]] == ["damaged"]
    assert "nothing to remove." in runner.invoke(command, ["prune"], standalone_mode=False).output
