from __future__ import annotations

from pathlib import Path

import pytest
from harness_support.stored_runs import small_info, small_results

from harness.core.errors import DataError
from harness.storage.run_dir import RunDir
from harness.storage.run_folders import claim, find

IDENTITY = "ab" * 32


def test_an_unfinished_run_is_continued_and_counted(tmp_path: Path) -> None:
    with claim(tmp_path, "s", IDENTITY, resume=True) as (first, attempt):
        assert attempt == 1
        first.write_info(small_info("interrupted"))
    with claim(tmp_path, "s", IDENTITY, resume=True) as (second, attempt):
        assert second.path == first.path
        assert attempt == 2
        second.write(small_results(), small_info("finished", attempts=2))
    with claim(tmp_path, "s", IDENTITY, resume=True) as (third, attempt):
        assert third.path != first.path
        assert attempt == 1


def test_another_suite_or_fresh_gets_its_own_folder(tmp_path: Path) -> None:
    with claim(tmp_path, "s", IDENTITY, resume=True) as (first, _):
        first.write_info(small_info("failed"))
    with claim(tmp_path, "s", "cd" * 32, resume=True) as (other, attempt):
        assert other.path != first.path
        assert attempt == 1
    with claim(tmp_path, "s", IDENTITY, resume=False) as (fresh, attempt):
        assert fresh.path not in {first.path, other.path}
        assert attempt == 1


def test_a_run_that_a_living_process_holds_is_left_alone(tmp_path: Path) -> None:
    with claim(tmp_path, "s", IDENTITY, resume=True) as (first, _):
        first.write_info(small_info("running"))
        with claim(tmp_path, "s", IDENTITY, resume=True) as (second, attempt):
            assert second.path != first.path
            assert attempt == 1


def test_the_newest_finished_run_is_found(tmp_path: Path) -> None:
    for name, done in (("20260101-000000-a", True), ("20260102-000000-a", True), ("20260103-000000-a", False)):
        run = RunDir(tmp_path / name)
        run.path.mkdir()
        if done:
            run.write(small_results(), small_info("finished"))
        else:
            run.write_info(small_info("running"))
    assert find(tmp_path).path.name == "20260102-000000-a"
    assert find(tmp_path / "20260101-000000-a").path.name == "20260101-000000-a"
    with pytest.raises(DataError, match="no finished run here"):
        find(tmp_path / "nowhere")
