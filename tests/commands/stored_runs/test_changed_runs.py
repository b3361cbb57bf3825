"""Every reader of a stored run refuses one that was changed since it was sealed, and says what differs."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli.app import invoke
from harness.core.errors import DataError
from harness.pytest_plugin import check
from harness.report.formats.index_page import write_index
from harness.report.live_server import server
from harness.storage import seal
from harness.storage.run_dir import RunDir

SUITE = """\
name: tamper
data: {d: {file: data.csv, id: rid, splits: {train: 0.4, validation: 0.1, test: 0.5}}}
models:
  words: {classical: {task: t}}
  trivial: {heuristic: {task: t, rule: majority}}
compare: {baseline: words, candidates: [trivial]}
tasks: {t: {classification: {data: d, text: text, label: label, labels: [negative, positive], metrics: [accuracy]}}}
gates: [{id: acc, metric: t.accuracy, kind: non_inferiority, margin: 0.02, min_n: 20}]
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose gate failed: a majority rule against counts of words."""
    folder = tmp_path_factory.mktemp("tamper")
    draw = random.Random(0)
    rows = ["rid,text,label"]
    for number in range(300):
        label = draw.choice(["positive", "negative"])
        words = [draw.choice(["the", "film", "was", "it", "and", "a", "story"]) for _ in range(6)]
        rows.append(f"r{number},{' '.join(words)} {'good' if label == 'positive' else 'bad'} {number},{label}")
    (folder / "data.csv").write_text("\n".join(rows) + "\n", "utf-8")
    (folder / "s.yaml").write_text(SUITE, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HARNESS_CACHE_DIR", str(folder / "cache"))
        assert invoke(["run", "s.yaml", "--quiet"]) == 10
    (run,) = (folder / "reports" / "tamper").iterdir()
    return run


@pytest.fixture
def run(failed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(failed, tmp_path / "reports" / "tamper" / failed.name))


def believe(run: Path) -> None:
    """Edits results.json as the gate would like to read it."""
    value = json.loads((run / "results.json").read_text("utf-8"))
    for row in value["comparisons"]:
        bounds = [{**bound, "low": -0.001, "high": 0.02} for bound in row["delta"]["bounds"]]
        row["delta"] |= {"value": 0.01, "low": -0.002, "high": 0.03, "bounds": bounds}
    (run / "results.json").write_text(json.dumps(value), "utf-8")


def test_a_finished_run_is_sealed_last(run: Path) -> None:
    assert (run / seal.SEAL).stat().st_mtime_ns >= (run / "records" / "t" / "words.parquet").stat().st_mtime_ns
    assert invoke(["gate", str(run)]) == 10
    assert invoke(["gate", str(run), "--from-records"]) == 10


@pytest.mark.parametrize(
    "command",
    [["gate"], ["explain", "acc", "--run"], ["report"], ["selftest", "--no-ask", "--swaps", "100"], ["serve"]],
)
def test_every_command_refuses_and_says_what_differs(
    run: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    believe(run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert invoke([*command, str(run)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "results.json: changed" in output.err
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_comparing_exporting_and_the_pytest_plug_in_refuse_too(
    run: Path, failed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "records" / "t" / "trivial.parquet").unlink()
    for command in (["compare", str(failed), str(run)], ["export", str(run), "words", str(tmp_path / "out")]):
        assert invoke(command) == 2
        assert "records/t/trivial.parquet: missing" in capsys.readouterr().err
    for read in (lambda: check(run=run), lambda: server(RunDir(run), 0)):
        with pytest.raises(DataError, match=r"trivial\.parquet: missing"):
            read()


def test_an_index_lists_it_apart(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = run.parents[1]
    write_index(reports)  # The cache of the index knows the run as it was.
    value = json.loads((run / "results.json").read_text("utf-8"))
    (run / "results.json").write_text(json.dumps(value | {"title": "x" * len(value["title"])}, indent=1), "utf-8")
    assert invoke(["index", str(reports)]) == 0
    assert "not shown: tamper/" in capsys.readouterr().err
    page = (reports / "index.html").read_text("utf-8")
    assert "results.json: changed" in page
    assert "No runs" in page


def test_a_plan_does_not_use_it(
    run: Path, failed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(failed.parents[2] / "cache"))
    suite = failed.parents[2] / "s.yaml"
    assert invoke(["plan", str(suite)]) == 0
    assert "is not used" not in capsys.readouterr().err
    believe(run)
    assert invoke(["plan", str(suite)]) == 0
    assert "the newest run is not used" in capsys.readouterr().err


def test_from_records_reads_no_figure(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = json.loads((run / "results.json").read_text("utf-8"))
    believe(run)
    assert invoke(["gate", str(run), "--from-records"]) == 10
    said = before["gates"][0]["sentence"].split(" by more than")[0]
    shown = capsys.readouterr().out
    assert f"{said} by more than 2 points: 100% → 52.6%, improvement −47.4 points" in shown
    assert invoke(["gate", str(run), "--from-records", "--write"]) == 2
    (run / "records" / "t" / "trivial.parquet").write_bytes((run / "records" / "t" / "words.parquet").read_bytes())
    assert invoke(["gate", str(run), "--from-records"]) == 2


@pytest.mark.parametrize("command", [["gate", "--write"], ["selftest", "--no-ask", "--swaps", "100"]])
def test_what_writes_into_a_run_seals_it_again(run: Path, command: list[str]) -> None:
    old: dict[str, Any] = seal.read(run).files
    invoke([command[0], str(run), *command[1:]])
    assert invoke(["gate", str(run)]) == 10
    assert {name for name, value in seal.read(run).files.items() if value != old[name]} <= {"results.json", "run.json"}
