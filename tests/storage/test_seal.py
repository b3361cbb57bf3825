"""What decides is what is digested: a run that was changed, shortened or added to is refused, and says where."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_support.stored_runs import small_info, small_results, small_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.storage import atomic, seal
from harness.storage.run_dir import RunDir

SEALED = ("results.json", "run.json", "records/reviews/base.parquet", "records/reviews/new.parquet")
FIXTURE = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("run") / "whole").path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> RunDir:
    return RunDir(Path(shutil.copytree(whole, tmp_path / "run")))


def refusal(run: RunDir) -> str:
    with pytest.raises(DataError) as caught:
        RunDir(run.path).read_results()
    return str(caught.value)


def test_a_seal_holds_every_file_that_decides(run: RunDir) -> None:
    assert tuple(seal.read(run.path).files) == tuple(sorted(SEALED))
    assert run.read_results().evaluations[0].name == "reviews"


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([*SEALED, seal.SEAL]), st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.booleans())
def test_any_changed_byte_and_any_shorter_file_is_refused(
    run: RunDir, name: str, place: float, difference: int, shorten: bool
) -> None:
    path = run.path / name
    content = path.read_bytes()
    at = int(place * len(content))
    changed = content[:at] if shorten else content[:at] + bytes([content[at] ^ difference]) + content[at + 1 :]
    path.write_bytes(changed)
    try:
        assert f"  {name}: " in refusal(run)
    finally:
        path.write_bytes(content)
    assert RunDir(run.path).read_results() is not None


@pytest.mark.parametrize("name", SEALED[2:])
def test_a_missing_file_of_records_is_named(run: RunDir, name: str) -> None:
    (run.path / name).unlink()
    assert f"{name}: missing" in refusal(run)


def test_added_records_are_named(run: RunDir) -> None:
    added = run.replicate_path("reviews", "new", 7)
    added.parent.mkdir()
    shutil.copy(run.records_path("reviews", "new"), added)
    assert "records/reviews/new/seed-7.parquet: added since" in refusal(run)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_what_is_no_plain_file_is_refused_without_waiting(run: RunDir, make: Callable[[Path], None]) -> None:
    path = run.records_path("reviews", "new")
    path.unlink()
    make(path)
    assert "records/reviews/new.parquet: cannot be read" in refusal(run)


def test_links_in_the_place_of_records_are_refused(run: RunDir, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(run.path / "records" / "reviews", elsewhere)
    (run.path / "records" / "reviews").symlink_to(elsewhere)
    assert "records/reviews: added since" in refusal(run)


def test_all_differences_are_said_at_once(run: RunDir) -> None:
    run.records_path("reviews", "base").unlink()
    run.info_path.write_text(run.info_path.read_text().replace('"name: s', '"name: t'))
    text = refusal(run)
    assert "2 of its files differ" in text
    assert "records/reviews/base.parquet: missing" in text
    assert "run.json: changed" in text


def test_a_run_whose_seal_was_deleted_is_not_taken_for_an_old_one(run: RunDir) -> None:
    (run.path / seal.SEAL).unlink()
    assert "expected seal.json, found nothing" in refusal(run)
    info = json.loads(run.info_path.read_text())
    del info["format"]
    run.info_path.write_text(json.dumps(info))
    assert "expected seal.json, found nothing" in refusal(run)


def test_a_run_that_did_not_finish_has_no_seal(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_info(small_info("running"))
    assert "no results.json" in refusal(run)
    assert not run.sealed


def test_writing_again_seals_again(run: RunDir) -> None:
    results = run.read_results()
    run.write(results.model_copy(update={"title": "another"}))
    assert RunDir(run.path).read_results().title == "another"
    assert not [path.name for path in run.path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("stop", range(3))
def test_a_writer_that_is_stopped_leaves_the_old_run_or_the_new_one(
    run: RunDir, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before each of the three writes; the third one is the seal."""
    written = 0
    whole = atomic.write_bytes

    def stopped(path: Path, content: bytes) -> None:
        nonlocal written
        if written == stop:
            raise KeyboardInterrupt
        written += 1
        whole(path, content)

    monkeypatch.setattr(atomic, "write_bytes", stopped)
    with pytest.raises(KeyboardInterrupt):
        run.write(small_results(), small_info(attempts=2))
    monkeypatch.undo()
    found = RunDir(run.path)
    assert (len(found.read_results().evaluations), found.read_info().attempts) == (1, 1)


@pytest.mark.parametrize("moved", range(2))
def test_what_was_sealed_and_not_moved_yet_is_moved_by_the_next_reader(
    run: RunDir, moved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, moves = os.replace, 0

    def stopped(source: Path, target: Path) -> None:
        nonlocal moves
        if str(source).endswith(".sealed"):
            if moves == moved:
                raise KeyboardInterrupt
            moves += 1
        replace(source, target)

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        run.write(small_results(), small_info(attempts=2))
    monkeypatch.undo()
    found = RunDir(run.path)
    assert (len(found.read_results().evaluations), found.read_info().attempts) == (0, 2)


def test_figures_may_have_changed_where_nobody_reads_them(run: RunDir) -> None:
    value = json.loads(run.results_path.read_text())
    value["verdict"]["sentence"] = "all is well"
    run.results_path.write_text(json.dumps(value))
    assert "`harness gate RUN --from-records`" in refusal(run)
    assert RunDir(run.path).read_results(figures=False).evaluations[0].name == "reviews"
    value["evaluations"][0]["protocols"] = {"base": "head"}
    run.results_path.write_text(json.dumps(value))
    with pytest.raises(DataError, match=r"results\.json: changed"):
        RunDir(run.path).read_results(figures=False)


def test_a_run_of_0_1_0_is_held_to_the_digests_that_it_has(tmp_path: Path) -> None:
    run = RunDir(Path(shutil.copytree(FIXTURE, tmp_path / "run")))
    assert run.read_results().suite == "old-names"
    run.records_path("notes", "words").unlink()
    assert "records/notes/words.parquet: missing" in refusal(run)
