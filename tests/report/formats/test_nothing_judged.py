"""A run in which nothing was judged: the verdict `none` in every report, and never a check mark."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.gates.overall_verdict import overall
from harness.report.formats.ci_annotations import github_annotations
from harness.report.formats.index_page import index_html
from harness.report.formats.write_reports import write_reports
from harness.storage.run_dir import RunDir

SENTENCE = "no gates: nothing was judged."
CHECK_MARKS = "✓✔✅☑"


@pytest.fixture
def ungated(tmp_path: Path, plain: RunDir) -> RunDir:
    """The run of `plain` as a suite without gates leaves it."""
    run = RunDir(tmp_path / "sentiment" / "run-0")
    run.path.mkdir(parents=True)
    results = plain.read_results().model_copy(update={"gates": [], "verdict": overall([])})
    run.write(results, plain.read_info())
    write_reports(run)
    return run


@pytest.mark.parametrize("name", ["summary.md", "comment.md", "junit.xml", "report.html"])
def test_a_report_says_that_nothing_was_judged(ungated: RunDir, name: str) -> None:
    text = (ungated.path / name).read_text("utf-8")
    assert SENTENCE in text
    if not name.endswith("html"):
        assert not set(CHECK_MARKS) & set(text)


def test_the_page_shows_no_pass(ungated: RunDir) -> None:
    text = (ungated.path / "report.html").read_text("utf-8")
    chip = text.split('<a class="chip v-none"')[1].split("</a>")[0]
    assert "Not judged" in chip
    assert "Not judged" in text
    assert not set(CHECK_MARKS) & set(chip)
    assert 'class="ic v-pass"' not in text


def test_junit_has_a_skipped_case_instead_of_an_empty_file(ungated: RunDir) -> None:
    case = ElementTree.parse(ungated.path / "junit.xml").find("testsuite/testcase")
    assert case is not None
    skipped = case.find("skipped")
    assert skipped is not None
    assert (case.get("name"), skipped.get("message")) == ("no gates", SENTENCE)


def test_the_index_and_annotations_say_so(ungated: RunDir, tmp_path: Path) -> None:
    page = index_html(tmp_path)
    assert "chip v-none" in page
    assert SENTENCE in page
    assert not set(CHECK_MARKS) & set(page.split("<main")[1])
    (line,) = github_annotations(ungated.read_results(), None, tmp_path)
    assert line == f"::warning title=harness::{SENTENCE}"


def test_a_gate_that_was_left_out_is_named_in_every_report(tmp_path: Path, plain: RunDir) -> None:
    results = plain.read_results()
    gate = results.gates[0].model_copy(
        update={"verdict": "error", "blocking": True, "left_out": True, "sentence": "Cannot be judged: gone."}
    )
    results = results.model_copy(update={"gates": [gate], "verdict": overall([gate])})
    run = RunDir(tmp_path / "run")
    run.path.mkdir()
    run.write(results, plain.read_info())
    write_reports(run)
    for name in ("summary.md", "comment.md", "junit.xml", "report.html"):
        text = (run.path / name).read_text("utf-8")
        assert gate.id in text, name
        assert "nothing was judged" in text or name == "junit.xml"
    assert ElementTree.parse(run.path / "junit.xml").find("testsuite/testcase/error") is not None
