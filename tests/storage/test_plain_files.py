"""Files of strangers: plain files only, JSON of any depth."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.core.errors import DataError
from harness.storage import plain_files
from harness.storage.records_file import read_records
from harness.storage.run_dir import RunDir

DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


def test_plain_files_and_links_to_them_are_read(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"é": 1}', "utf-8")
    (tmp_path / "two.json").symlink_to("one.json")
    assert plain_files.read_json(tmp_path / "one.json") == plain_files.read_json(tmp_path / "two.json") == {"é": 1}
    with pytest.raises(FileNotFoundError):
        plain_files.read_bytes(tmp_path / "none")


def test_pipes_devices_and_folders_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="expected a plain file"):
            plain_files.read_bytes(path)


def test_deep_nesting_is_an_error_of_the_text() -> None:
    for text in (DEEP, DEEP.encode(), "[" * 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            plain_files.parse_json(text)


@pytest.mark.parametrize("content", ["pipe", DEEP, '{"a"', "[]", "7"])
def test_a_stored_run_s_damaged_files_are_errors_of_the_data(content: str, tmp_path: Path) -> None:
    (tmp_path / "records" / "t").mkdir(parents=True)
    for name in ("items", "training"):
        (tmp_path / name).mkdir()
    files = ("run.json", "results.json", "items/t.parquet", "records/t/m.parquet", "training/m.jsonl")
    for name in files:
        if content == "pipe":
            os.mkfifo(tmp_path / name)
        else:
            (tmp_path / name).write_text(content, "utf-8")
    run = RunDir(tmp_path)
    for read in (run.read_info, lambda: run.read_results(), lambda: run.read_items("t")):
        with pytest.raises(DataError):
            read()
    with pytest.raises(DataError):
        read_records(run.records_path("t", "m"))
    if content != "pipe":
        with pytest.raises(DataError):
            run.read_training("m")


@pytest.mark.parametrize("name", ["../x", "..", "a/b", "/etc/x", "", ".", "a\0b"])
def test_a_stored_run_s_names_lead_nowhere_else(name: str, tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    for ask in (
        lambda: run.records_path(name, "m"),
        lambda: run.records_path("t", name),
        lambda: run.items_path(name),
        lambda: run.training_path(name),
        lambda: run.models(name),
        lambda: run.replicates("t", name),
    ):
        with pytest.raises(DataError, match="expected a name"):
            ask()


@pytest.mark.parametrize("changes", [{"models": 7}, {"models": {"a": 1}}, {"only": 3}, {"only": "a"}, {"seed": []}])
def test_a_stored_run_s_changes_have_their_types(changes: dict[str, object], tmp_path: Path) -> None:
    known = {"run_id": "r", "suite": "s", "suite_text": "", "command": [], "started": "now"}
    (tmp_path / "run.json").write_text(json.dumps({**known, "overrides": changes}), "utf-8")
    with pytest.raises(DataError, match=r"cannot read run\.json"):
        RunDir(tmp_path).read_info()
    right = {"models": {"a": "x"}, "only": ["a"], "seed": 3}
    (tmp_path / "run.json").write_text(json.dumps({**known, "overrides": right}), "utf-8")
    assert RunDir(tmp_path).read_info().overrides == right
