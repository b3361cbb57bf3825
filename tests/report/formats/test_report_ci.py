"""What CI systems are told: GitHub annotations, GitLab code quality, the comment's body."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.formats.ci_annotations import github_annotations, gitlab_code_quality
from harness.report.formats.comment import comment_markdown
from harness.report.formats.junit import junit_xml
from harness.report.formats.sarif import sarif
from harness.report.formats.summary import summary_markdown
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult, VerdictResult
from harness.schema.run_info import JudgedBy, LockState, RunInfo
from harness.storage.run_dir import RunDir

COMMAND = re.compile(r"::(error|warning) ([^:]*(?:=[^:]*)*)::(.*)")


def gate(verdict: str = "fail", blocking: bool = True, **more: object) -> GateResult:
    return GateResult.model_validate(
        {
            "id": "g",
            "kind": "absolute",
            "metric": "m.x",
            "model": "x",
            "severity": "error",
            "verdict": verdict,
            "blocking": blocking,
            "sentence": "said",
            "alpha": 0.05,
            "where": "s.yaml:7",
            **more,
        }
    )


def results_with(*gates: GateResult) -> Results:
    return Results.model_validate(
        {
            **{key: [] for key in ("models", "data", "evaluations", "metrics", "comparisons", "flips", "tables")},
            "suite": "s",
            "suite_digest": "0" * 64,
            "title": "t",
            "seed": 0,
            "baseline": "base",
            "candidates": [],
            "release": [],
            "gates": [one.model_dump() for one in gates],
            "verdict": VerdictResult(overall="fail", exit_code=10, sentence="."),
        }
    )


def info(path: Path, **more: object) -> RunInfo:
    return RunInfo.model_validate(
        {"run_id": "r", "suite": "s", "suite_path": str(path), "suite_text": "", "command": [], "started": "t", **more}
    )


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it."""
    found = COMMAND.fullmatch(line)
    assert found is not None, line
    given = dict(part.split("=", 1) for part in found.group(2).split(","))
    return found.group(1), given, found.group(3).replace("%0A", "\n").replace("%25", "%")


def test_an_annotation_stands_at_the_gate_s_own_line(tmp_path: Path) -> None:
    run = info(tmp_path / "suites" / "s.yaml")
    (line,) = github_annotations(results_with(gate(sentence="95% sure: no, really")), run, tmp_path)
    level, given, text = parsed(line)
    assert (level, given["file"], given["line"], text) == ("error", "suites/s.yaml", "7", "95% sure: no, really")
    assert given["title"] == "gate g (x)%3A fail"


def test_a_suite_outside_the_checkout_has_no_place(tmp_path: Path) -> None:
    run = info(tmp_path / "elsewhere" / "s.yaml")
    (line,) = github_annotations(results_with(gate()), run, tmp_path / "checkout")
    assert "file" not in parsed(line)[1]
    judged = info(tmp_path / "x.yaml", judged_by=JudgedBy(suite_path=str(tmp_path / "new.yaml"), suite_text=""))
    (line,) = github_annotations(results_with(gate()), judged, tmp_path)
    assert parsed(line)[1]["file"] == "new.yaml"


def test_what_blocks_is_an_error_worst_first_and_the_rest_a_warning(tmp_path: Path) -> None:
    gates = [
        gate("pass", id="fine"),
        gate("fail", blocking=False, id="quiet"),
        gate("pass", id="old", waiver="waiver expired", waiver_holds=False),
        gate("inconclusive", id="open"),
        gate("fail", id="bad"),
        gate("error", id="broken"),
    ]
    lines = [parsed(line) for line in github_annotations(results_with(*gates), None, tmp_path)]
    assert [(level, given["title"].split()[1]) for level, given, _ in lines] == [
        ("error", "broken"),
        ("error", "bad"),
        ("error", "open"),
        ("warning", "quiet"),
        ("warning", "old"),
    ]


def test_there_are_at_most_ten_and_the_last_counts_the_rest(tmp_path: Path) -> None:
    gates = [gate(id=f"g{number}") for number in range(25)]
    lines = github_annotations(results_with(*gates), None, tmp_path)
    assert len(lines) == 10
    assert lines[-1] == "::error title=harness::16 more gates in the job summary"
    assert len(github_annotations(results_with(*gates[:10]), None, tmp_path)) == 10


@given(st.text(), st.text(), st.text())
def test_no_text_begins_a_command_of_its_own(sentence: str, name: str, waiver: str) -> None:
    hostile = gate(sentence=sentence + "\n::error::x", id=name, waiver=waiver, slice=f"a={name}")
    (line,) = github_annotations(results_with(hostile), None, Path.cwd())
    assert "\n" not in line
    assert "\r" not in line
    level, given, _ = parsed(line)
    assert level == "error"
    assert set(given) == {"title"}


def test_code_quality_is_what_gitlab_reads(tmp_path: Path) -> None:
    text = gitlab_code_quality(
        results_with(gate(), gate("error", id="e"), gate("pass")), info(tmp_path / "s.yaml"), tmp_path
    )
    entries = json.loads(text)
    assert [(entry["severity"], entry["check_name"]) for entry in entries] == [
        ("critical", "gate.error"),
        ("major", "gate.fail"),
    ]
    assert {"description", "fingerprint", "location"} <= entries[0].keys()
    assert entries[1]["location"] == {"path": "s.yaml", "lines": {"begin": 7}}
    assert len({entry["fingerprint"] for entry in entries}) == 2


def test_junit_names_the_suite_s_file_and_line(tmp_path: Path) -> None:
    member = gate(id="1", sentence="inner \x00 words", blocking=False)
    whole = gate(kind="any_of", members=[member.model_dump()])
    case = ElementTree.fromstring(junit_xml(results_with(whole), info(tmp_path / "s.yaml"), tmp_path)).find(
        "testsuite/testcase"
    )
    assert case is not None
    assert (case.get("file"), case.get("line")) == ("s.yaml", "7")
    body = case.find("failure")
    assert body is not None
    assert body.text is not None
    assert "  fail 1: inner" in body.text


def test_the_comment_can_be_found_again_and_stays_below_the_limit(plain: RunDir) -> None:
    text = (plain.path / "comment.md").read_text("utf-8")
    assert text.startswith("<!-- harness: sentiment -->\n## ")
    assert "<details><summary>All 5 verdicts</summary>" in text
    results = plain.read_results()
    long = [gate(id=f"g{number}", sentence="words & <b> " * 40) for number in range(400)]
    body = comment_markdown(results.model_copy(update={"gates": long}), None)
    assert len(body.encode("utf-8")) <= 64_000
    assert "more lines in report.html." in body
    assert body.rstrip().endswith("</details>")
    assert "<b>" not in body


def test_a_comment_of_hostile_text_is_inert(hostile: RunDir) -> None:
    text = (hostile.path / "comment.md").read_text("utf-8")
    body = text.partition("\n")[2].replace("<details><summary>", "").replace("</summary>", "").replace("</details>", "")
    assert "<script" not in body
    assert "<!--" not in body
    assert "@everyone" not in body


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"attempts": 1, "counted": True, "locked": True}, "Attempt 1 under s.lock."),
        ({"attempts": 3, "counted": True, "locked": True, "seeds": [0, 1, 1]}, "with 2 seeds. Each additional attempt"),
        ({"attempts": 2, "counted": False, "locked": False}, "No new attempt"),
    ],
)
def test_attempts_show_in_the_summary(state: dict[str, object], words: str, tmp_path: Path) -> None:
    lock = LockState.model_validate({"file": "s.lock", **state})
    assert words in summary_markdown(results_with(gate()), info(tmp_path / "s.yaml", lock=lock))


def test_sarif_places_every_gate_that_did_not_pass_at_its_line(tmp_path: Path) -> None:
    suite = tmp_path / "suites" / "s.yaml"
    info = RunInfo(run_id="r", suite="s", suite_text="", suite_path=str(suite), command=[], started="2026-01-01")
    results = results_with(
        gate("pass"),
        gate("inconclusive", False, id="quiet"),
        gate("fail", id="loud", slice="source=web", sentence="is\nworse"),
        gate("error", id="broken", where=None),
    )
    page = json.loads(sarif(results, info, tmp_path))
    (run,) = page["runs"]
    assert page["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["gate.fail", "gate.inconclusive", "gate.error"]
    found = {entry["message"]["text"]: (entry["ruleId"], entry["level"]) for entry in run["results"]}
    assert found == {
        "gate broken: said": ("gate.error", "error"),
        "gate loud on source=web: is worse": ("gate.fail", "error"),
        "gate quiet: said": ("gate.inconclusive", "warning"),
    }
    place = run["results"][1]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "suites/s.yaml"}, "region": {"startLine": 7}}
    assert len({entry["partialFingerprints"]["gate/v1"] for entry in run["results"]}) == 3
    elsewhere = json.loads(sarif(results, info, tmp_path / "other"))
    assert "locations" not in elsewhere["runs"][0]["results"][0]
