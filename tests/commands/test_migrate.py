"""`harness migrate`: the diff, the rewritten file, and its lock; on a suite and a run that 0.1.0 made."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from harness.cli.app import invoke
from harness.core.errors import DataError
from harness.pytest_plugin import check

MARK = "made by 0.1.0, unsealed"
MADE = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The fixture's suite with its data and its lock, as 0.1.0 left them."""
    for name in ("old-names.yaml", "old-names.lock", "notes.csv", "questions.csv"):
        shutil.copy(MADE / name, tmp_path / name)
    return tmp_path / "old-names.yaml"


def test_the_diff_writes_nothing(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = suite.read_bytes()
    assert invoke(["migrate", str(suite)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "-  words: {classical: {task: notes, labels: 40}}" in lines
    assert "+  words: {classical: {task: notes, max_train_rows: 40}}" in lines
    assert suite.read_bytes() == before


def test_writing_keeps_attempts_and_makes_a_valid_suite_and_lock(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = suite.with_suffix(".lock")
    before = json.loads(lock.read_text("utf-8"))
    assert invoke(["migrate", str(suite), "--write"]) == 0
    assert "attempts so far: 1" in capsys.readouterr().out
    after = json.loads(lock.read_text("utf-8"))
    assert after["attempts"] == before["attempts"]
    assert after["data"] == before["data"]
    assert after["suite_digest"] != before["suite_digest"]
    assert invoke(["validate", str(suite)]) == 0
    # The lock is the one that `harness lock` would write now: nothing differs, so attempts stay counted.
    assert invoke(["lock", str(suite)]) == 0
    assert "nothing changed; attempts so far: 1." in capsys.readouterr().out
    assert invoke(["migrate", str(suite), "--write"]) == 0
    assert "nothing to rename" in capsys.readouterr().out


def test_a_lock_that_was_not_of_the_suite_is_not_renewed(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = suite.with_suffix(".lock")
    before = lock.read_bytes()
    suite.write_text(suite.read_text("utf-8").replace("max: 0.9", "max: 0.95"), "utf-8")
    assert invoke(["migrate", str(suite), "--write"]) == 13
    assert "gate parity" in capsys.readouterr().err
    assert lock.read_bytes() == before
    assert invoke(["validate", str(suite)]) == 0


def test_what_is_wrong_after_renaming_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_bytes(
        b"\xef\xbb\xbfname: wrong\r\nmodels: {base: {load: ./base, quantise: 8bit}}\r\ncompare: {baseline: bas}\r\n"
    )
    assert invoke(["migrate", str(path), "--write"]) == 2
    output = capsys.readouterr()
    assert "+models: {base: {load: ./base, quantize: 8bit}}" in output.out
    assert "Did you mean 'base'?" in output.err
    assert path.read_bytes().startswith(b"\xef\xbb\xbfname: wrong\r\n")
    assert b"quantize: 8bit}}\r\n" in path.read_bytes()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    target = tmp_path / "reports" / "old-names" / "run"
    shutil.copytree(MADE, target)
    return target


def test_a_run_of_0_1_0_is_judged_under_the_new_names(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = json.loads((run / "results.json").read_text("utf-8"))
    assert invoke(["gate", str(run), "--write", "--allow-unsealed"]) == stored["verdict"]["exit_code"]
    output = capsys.readouterr()
    assert MARK in output.err
    assert "places.squad_exact_match of overlap is not ≥ 20%" in output.out
    results = json.loads((run / "results.json").read_text("utf-8"))
    assert [gate["verdict"] for gate in results["gates"]] == [gate["verdict"] for gate in stored["gates"]]
    assert {evaluation["kind"] for evaluation in results["evaluations"]} == {
        "classification",
        "question_answering",
        "group_fairness",
    }
    # Judged again, it is still a run of 0.1.0, whose records have that version's names.
    assert json.loads((run / "run.json").read_text("utf-8")).get("format", 1) == 1
    for name in ("report.html", "summary.md", "comment.md", "junit.xml", "model-card.md"):
        assert MARK in (run / name).read_text("utf-8"), name
    # Sealed from now on, it is still one of which nobody knows whether it was changed before.
    (run / "results.json").write_bytes((run / "results.json").read_bytes() + b" ")
    assert invoke(["gate", str(run), "--allow-unsealed"]) == 2
    assert "results.json: changed" in capsys.readouterr().err
    old = r"exact_match\b(?<!squad_exact_match)|answer_f1|demographic_parity_gap|licence"
    assert not re.search(old, (run / "summary.md").read_text("utf-8") + (run / "metrics.csv").read_text("utf-8"))


def test_a_run_of_0_1_0_is_scored_again_from_its_records(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gates = tmp_path / "gates.yaml"
    text = (run / "old-names.yaml").read_text("utf-8").replace("max: 0.9", "max: 0.9, alpha: 0.031")
    gates.write_text(text, "utf-8")
    for name in ("notes.csv", "questions.csv"):
        shutil.copy(run / name, tmp_path / name)
    assert invoke(["migrate", str(gates), "--write"]) == 0
    assert invoke(["gate", str(run), "--allow-unsealed", "--suite", str(gates)]) == 10
    assert "96.9% confidence" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["report"], ["explain", "--run"], ["selftest", "--swaps", "200"]])
def test_other_commands_read_a_run_of_0_1_0(run: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*command, str(run)]) == 0
    assert MARK in capsys.readouterr().err


def test_a_run_of_0_1_0_is_compared_and_indexed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["compare", str(run), str(run)]) == 0
    assert "places.squad_f1" in capsys.readouterr().out
    reports = run.parents[1]
    assert invoke(["index", str(reports)]) == 0
    page = (reports / "index.html").read_text("utf-8")
    assert "old-names" in page
    assert MARK in page


def test_a_run_of_0_1_0_is_judged_only_when_unsealed_runs_are_allowed(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["gate", str(run)]) == 2
    output = capsys.readouterr()
    assert (output.out, MARK in output.err, "--allow-unsealed" in output.err) == ("", True, True)
    with pytest.raises(DataError, match="unsealed"):
        check(run=run)
    code = json.loads((run / "results.json").read_text("utf-8"))["verdict"]["exit_code"]
    assert invoke(["gate", str(run), "--allow-unsealed", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["unsealed"] == {str(run): MARK}


@pytest.mark.parametrize("damage", ["removed", "garbage"])
def test_unreadable_records_of_0_1_0_are_not_judged_from_stored_results(
    run: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where run.json holds no digests of records, which nothing then misses."""
    info = json.loads((run / "run.json").read_text("utf-8"))
    (run / "run.json").write_text(json.dumps({**info, "records": {}}), "utf-8")
    records = run / "records" / "notes" / "words.parquet"
    if damage == "removed":
        records.unlink()
    else:
        records.write_bytes(b"PAR1")
    assert invoke(["gate", str(run), "--allow-unsealed"]) == 2
    assert "cannot read records" in capsys.readouterr().err


def test_a_suite_of_planted_worlds_is_migrated(tmp_path: Path) -> None:
    suite = tmp_path / "worlds.yaml"
    now = (Path(__file__).parents[2] / "suites" / "calibration.yaml").read_text("utf-8")
    suite.write_text(
        now.replace("\nplanted_bias:", "\nworlds:").replace(".false_alarm_rate[", ".false_alarms["), "utf-8"
    )
    assert invoke(["migrate", str(suite), "--write"]) == 0
    assert suite.read_text("utf-8") == now
