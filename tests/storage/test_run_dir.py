from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import DataError
from harness.core.evaluation import Item
from harness.schema.run_info import RunInfo
from harness.storage.items_file import write_items
from harness.storage.run_dir import RunDir


def test_items_survive_and_are_sorted(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.items_path("reviews").parent.mkdir()
    nasty = "</script> {{7*7}} \u202e \x00 é 🙂"
    items = [
        Item("b", {}, {"text": nasty}, target="x", clusters={"parent": "1"}, slices=("a=b",), tags=("critical",)),
        Item("a", {}, {"more": "one", "less": "two"}),
    ]
    write_items(run.items_path("reviews"), items)
    found = run.read_items("reviews")
    assert [item.id for item in found] == ["a", "b"]
    assert found[1].texts == {"text": nasty}
    assert found[1].clusters == {"parent": "1"}
    assert found[1].slices == ("a=b",)
    assert found[0].target is None


def test_run_info_survives(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_info(RunInfo(run_id="r", suite="s", suite_text="a: 1\n", command=["harness"], started="2026-01-01"))
    assert run.read_info().suite_text == "a: 1\n"


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run directory"):
        RunDir(tmp_path).read_info()
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(DataError, match=r"cannot read run\.json"):
        RunDir(tmp_path).read_info()
    with pytest.raises(DataError, match="cannot read items"):
        RunDir(tmp_path).read_items("reviews")


def test_a_missing_training_log_is_empty(tmp_path: Path) -> None:
    assert RunDir(tmp_path).read_training("base") == []


def test_training_time_is_that_of_all_seeds() -> None:
    info = RunInfo(run_id="a", suite="s", suite_text="", command=[], started="2026-01-01T00:00:00Z")
    info.training = {
        "a": {"seconds": 2.0}, "a seed 1": {"seconds": 3}, "a seed 2": {"seconds": 4.5},
        "a seed more": {"seconds": 90.0},
        "b": {"seconds": 1.0}, "b seed 7": {},
    }  # fmt: skip
    assert info.further_seeds("a") == ["a seed 1", "a seed 2"]
    assert info.training_seconds("a") == 9.5
    assert info.training_seconds("b") is None
    assert info.training_seconds("c") is None
