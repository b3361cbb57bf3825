"""Logs that the tools wrote themselves, by mock models (`make_logs/`): figures and totals are theirs."""

from __future__ import annotations

import gzip
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.cli.app import invoke
from harness.commands.imported_runs.import_logs import importer
from harness.core.errors import DataError
from harness.storage.run_dir import RunDir

LOGS = Path(__file__).parent / "logs"


def imported(arguments: list[str], folder: Path) -> dict[str, Any]:
    """(model, metric) → value of the run that `harness import` makes."""
    assert invoke(["import", *arguments, "--out", str(folder), "-q"]) == 0
    run = RunDir(max(folder.glob("*/*/results.json")).parent)
    run.check()
    results = run.read_results()
    return {(entry.model, entry.metric): entry for entry in results.metrics}


@pytest.mark.parametrize("suffix", ["json", "eval"])
def test_inspect(suffix: str, tmp_path: Path) -> None:
    entries = imported(["inspect", *(f"{name}={LOGS}/inspect/{name}.{suffix}" for name in ("base", "tuned"))], tmp_path)
    header = json.loads((LOGS / "inspect" / "base.json").read_text("utf-8"))
    for score in header["results"]["scores"]:
        theirs = score["metrics"]["accuracy"]["value"]
        assert entries["base", f"as_logged[{score['name']}]"].interval.value == pytest.approx(theirs, abs=1e-12)
    entry = entries["tuned", "as_logged[match]"]
    assert (entry.interval.value, entry.n, entry.clusters) == (0.875, 16, 8)


def test_promptfoo(tmp_path: Path) -> None:
    file = LOGS / "promptfoo" / "results.json"
    entries = imported(["promptfoo", f"base={file}#base", f"tuned={file}#tuned"], tmp_path)
    stats = json.loads(file.read_text("utf-8"))["results"]["prompts"]
    for prompt in stats:
        counted = prompt["metrics"]
        judged = counted["testPassCount"] + counted["testFailCount"]
        entry = entries[prompt["provider"], "exact_match_strict"]
        assert entry.interval.value == pytest.approx(counted["testPassCount"] / judged)
        assert (entry.n, counted["testErrorCount"]) == (judged, 2)
    both = imported(["promptfoo", str(file)], tmp_path / "both")
    assert {model for model, _ in both} == {"base", "tuned"}


def test_deepeval(tmp_path: Path) -> None:
    files = [LOGS / "deepeval" / f"{name}.json" for name in ("base", "tuned")]
    entries = imported(["deepeval", *map(str, files)], tmp_path)
    for file in files:
        for score in json.loads(file.read_text("utf-8"))["metricsScores"]:
            theirs = math.fsum(score["scores"]) / len(score["scores"])
            ours = {"Equal": "exact_match_strict", "Length": "as_logged[Length]"}[score["metric"]]
            assert entries[file.stem, ours].interval.value == pytest.approx(theirs, abs=1e-12)


def test_a_run_that_was_imported_is_gated_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(["inspect", *(f"{name}={LOGS}/inspect/{name}.json" for name in ("base", "tuned"))], tmp_path / "out")
    (run,) = (path.parent for path in (tmp_path / "out").glob("*/*/results.json"))
    suite = json.loads((run / "suite.yaml").read_text("utf-8")) if (run / "suite.yaml").exists() else None
    suite = suite or json.loads(json.loads((run / "run.json").read_text("utf-8"))["suite_text"])
    suite["gates"] = [{"id": "better", "metric": "sums.as_logged[match]", "kind": "absolute", "min": 0.2, "min_n": 5}]
    (tmp_path / "gates.yaml").write_text(json.dumps(suite), "utf-8")
    assert invoke(["gate", str(run), "--suite", str(tmp_path / "gates.yaml")]) == 0
    assert invoke(["run", str(tmp_path / "gates.yaml"), "--out", str(tmp_path / "again")]) == 2
    assert "no model can be asked" in capsys.readouterr().err


def spoiled(change: Any, tmp_path: Path) -> Path:
    page = json.loads((LOGS / "inspect" / "base.json").read_text("utf-8"))
    change(page)
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(page), "utf-8")
    return file


def test_a_log_that_contradicts_its_own_total_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = spoiled(lambda page: page["samples"][1]["scores"]["match"].update(value="C"), tmp_path)
    if json.loads((LOGS / "inspect" / "base.json").read_text("utf-8"))["samples"][1]["scores"]["match"]["value"] == "C":
        file = spoiled(lambda page: page["samples"][1]["scores"]["match"].update(value="I"), tmp_path)
    other = LOGS / "inspect" / "tuned.json"
    assert invoke(["import", "inspect", f"base={file}", f"tuned={other}", "--out", str(tmp_path)]) == 2
    assert "its 16 answers give" in capsys.readouterr().err


def test_failed_samples_count_against_their_model(tmp_path: Path) -> None:
    def fail(page: Any) -> None:
        for sample in page["samples"][:6]:
            sample["error"] = {"message": "out of memory"}

    file = spoiled(fail, tmp_path)
    entries = imported(["inspect", f"base={file}", f"tuned={LOGS}/inspect/tuned.json"], tmp_path / "out")
    results = RunDir(max((tmp_path / "out").glob("*/*/results.json")).parent).read_results()
    assert results.evaluations[0].counts["base"]["failed"] == 6
    assert results.evaluations[0].coverage == {"base": 10 / 16, "tuned": 1.0}
    assert entries["base", "as_logged[match]"].n == 10


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("inspect", b"{"),
        ("inspect", b"[]"),
        ("inspect", b'{"eval": 3}'),
        ("promptfoo", b"{}"),
        ("promptfoo", b'{"results": {"results": [3]}}'),
        ("deepeval", b'{"testCases": []}'),
        ("deepeval", b'{"testCases": [null]}'),
        ("table", b"id\n1\n"),
        ("table", b"text\n1\n"),
    ],
)
def test_what_is_no_log_is_said_to_be_none(
    name: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / ("log.csv" if name == "table" else "log.json")
    file.write_bytes(content)
    assert invoke(["import", name, f"a={file}", f"b={file}", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "out").exists()


def test_a_damaged_archive_is_an_error_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "log.eval"
    content = bytearray((LOGS / "inspect" / "base.eval").read_bytes())
    for start in range(100, len(content) - 2000, 997):
        content[start] ^= 0x40
    file.write_bytes(bytes(content))
    with pytest.raises(DataError):
        importer("inspect").read(file, {})
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("samples/1.json", "{}")
    with pytest.raises(DataError, match="did not end"):
        importer("inspect").read(file, {})


def test_an_unknown_format_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["import", "inspekt", "x"]) == 2
    assert "Did you mean 'inspect'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "log", "format_"),
    [
        ("inspect", "promptfoo/results.json", "promptfoo"),
        ("promptfoo", "deepeval/base.json", "deepeval"),
        ("deepeval", "inspect/base.eval", "inspect"),
        ("deepeval", "lighteval", "lighteval"),
        ("table", "inspect/base.json", "inspect"),
        ("lm-eval", "nemo_nel", "nemo"),
        ("nemo", "lm_eval", "lm-eval"),
    ],
)
def test_a_log_of_another_format_is_named(
    asked: str, log: str, format_: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["import", asked, f"a={LOGS / log}", f"b={LOGS / log}", "--out", str(tmp_path)]) == 2
    assert f"harness import {format_} …" in capsys.readouterr().err


def test_a_gzipped_log_and_one_in_another_unicode(tmp_path: Path) -> None:
    files = []
    for name, packed in (
        ("base", lambda text: gzip.compress(text.encode())),
        ("tuned", lambda text: text.encode("utf-16")),
    ):
        file = tmp_path / f"{name}.json.gz"
        file.write_bytes(packed((LOGS / "inspect" / f"{name}.json").read_text("utf-8")))
        files.append(f"{name}={file}")
    entries = imported(["inspect", *files], tmp_path / "out")
    assert entries["tuned", "as_logged[match]"].interval.value == 0.875


def test_a_run_that_was_killed_and_the_newest_one_that_ended(tmp_path: Path) -> None:
    killed = tmp_path / "2.eval"
    whole = (LOGS / "inspect" / "base.eval").read_bytes()
    (tmp_path / "1.eval").write_bytes(whole)
    with zipfile.ZipFile(killed, "w") as archive:
        page = json.loads((LOGS / "inspect" / "base.json").read_text("utf-8"))
        archive.writestr("_journal/start.json", json.dumps({"version": 2, "eval": page["eval"], "plan": page["plan"]}))
        for place, sample in enumerate(page["samples"][:5]):
            archive.writestr(f"samples/{place}.json", json.dumps(sample))
    (read,) = importer("inspect").read(killed, {})
    (evaluation,) = read.evaluations.values()
    assert len(evaluation.answers) == 5
    assert "'started'" in evaluation.notes[0]
    (read,) = importer("inspect").read(tmp_path, {})
    (evaluation,) = read.evaluations.values()
    assert len(evaluation.answers) == 16
    assert "holds 2 runs" in evaluation.notes[0]


def test_items_that_are_no_pairs_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def other(page: Any) -> None:
        for sample in page["samples"]:
            sample["target"] = "another"

    def renamed(page: Any) -> None:
        for sample in page["samples"]:
            sample["id"] = f"other {sample['id']}"

    for change, said in ((other, "same id but different right answers"), (renamed, "no item of")):
        file = spoiled(change, tmp_path)
        assert invoke(["import", "inspect", f"b={LOGS}/inspect/tuned.json", f"t={file}", "--out", str(tmp_path)]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("value", [None, float("nan"), [1, 2], {"a": 1}, "yes"])
def test_an_answer_without_a_figure_fails_where_the_other_model_has_it(value: Any, tmp_path: Path) -> None:
    def spoil(page: Any) -> None:
        for sample in page["samples"][:3]:
            sample["scores"]["match"]["value"] = value
        page["results"] = {}

    file = spoiled(spoil, tmp_path)
    entries = imported(["inspect", f"base={LOGS}/inspect/tuned.json", f"tuned={file}"], tmp_path / "out")
    assert {entry.n for (model, _), entry in entries.items() if model == "tuned"} == {13}


def test_deepevals_numbered_and_repeated_names_are_paired_by_content(tmp_path: Path) -> None:
    files = []
    for name, cut in (("base", 0), ("tuned", 3)):
        page = json.loads((LOGS / "deepeval" / f"{name}.json").read_text("utf-8"))
        page["testCases"] = page["testCases"][cut:]
        for place, case in enumerate(page["testCases"]):
            case["name"] = f"test_case_{place}"
        page["metricsScores"] = {"odd": 3}
        page["testCases"][0]["metricsData"] = 3
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(page), "utf-8")
    entries = imported(["deepeval", *map(str, files)], tmp_path / "out")
    right = [case["success"] for case in page["testCases"]]
    assert len(right) == 9
    results = RunDir(max((tmp_path / "out").glob("*/*/results.json")).parent).read_results()
    assert results.evaluations[0].n == 12
    assert entries


def test_odd_values_in_promptfoos_results_are_no_internal_error(tmp_path: Path) -> None:
    page = json.loads((LOGS / "promptfoo" / "results.json").read_text("utf-8"))
    rows = page["results"]["results"]
    rows[0]["gradingResult"] = {"componentResults": 3}
    rows[1]["namedScores"] = [1]
    rows[2]["testCase"]["assert"] = 5
    rows[3]["score"] = rows[4]["vars"]["number"] = float("nan")
    file = tmp_path / "results.json"
    file.write_text(json.dumps(page), "utf-8")
    assert imported(["promptfoo", str(file)], tmp_path / "out")
    rows[4] = 7
    file.write_text(json.dumps(page), "utf-8")
    with pytest.raises(DataError, match=r"results\.results\[4\]"):
        importer("promptfoo").read(file, {})
