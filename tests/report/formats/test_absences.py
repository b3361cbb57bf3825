"""What is missing behind a figure stands in every table that it touches, and at the end of a run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness_support.page_reader import whole_page

from harness.report.formats.write_reports import write_reports
from harness.schema.results.absences import absences
from harness.storage.run_dir import RunDir


@pytest.fixture(scope="module")
def gappy(tmp_path_factory: pytest.TempPathFactory, plain: RunDir) -> RunDir:
    """The run of `plain` where finetuned left answers out, and reviews has items without a partner."""
    run = RunDir(tmp_path_factory.mktemp("gappy") / "run-0")
    run.path.mkdir()
    results = plain.read_results()
    for evaluation in results.evaluations:
        for model, counts in evaluation.counts.items():
            counts.update({"unread": 0, "failed": 0, "empty": 0, "no_gold": 0})
            if model == "finetuned":
                counts.update({"unread": 1234, "failed": 56, "empty": 7, "no_gold": 8})
    for row in results.comparisons:
        if row.evaluation == "reviews" and row.candidate == "finetuned":
            row.only_baseline, row.only_candidate = 40, 2
    results.evaluations[0].skipped = {"other": "its labels are LABEL_0 and LABEL_1."}
    results.evaluations[1].skipped = {"other": "its labels are LABEL_0 and LABEL_1."}
    results.data[0].notes = ["5 rows were dropped: their text is empty"]
    run.write(results, plain.read_info())
    write_reports(run)
    return run


MISSING = "1,234 unread, 56 failed, 7 empty, 8 without gold"


def rows_of(path: Path, start: str) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if line.startswith(start)]


def test_the_end_of_a_run_counts_everything_once(gappy: RunDir) -> None:
    results = gappy.read_results()
    lines = list(absences(results))
    first, second = results.evaluations[:2]
    assert lines[0] == f"other was not evaluated on {first.name}, {second.name}: its labels are LABEL_0 and LABEL_1"
    assert sum(MISSING in line for line in lines) == sum("finetuned" in one.counts for one in results.evaluations)
    unpaired = [line for line in lines if "without a partner" in line]
    assert unpaired
    assert len(unpaired) == len(set(unpaired))
    assert "items without a partner: 40 of" in unpaired[0]
    assert f"data {results.data[0].name}: 5 rows were dropped: their text is empty" in lines


@pytest.mark.parametrize("name", ["summary.md", "comment.md"])
def test_the_tables_of_the_summary_say_so(gappy: RunDir, name: str) -> None:
    (gate,) = rows_of(gappy.path / name, "| better |")
    (delta,) = rows_of(gappy.path / name, "| reviews.accuracy |")
    for row in (gate, delta):
        assert "40 of the baseline and 2 of the candidate without a partner; finetuned: 1,234 unread" in row


def test_the_tables_of_the_page_and_the_card_say_so(gappy: RunDir) -> None:
    page = whole_page((gappy.path / "report.html").read_text("utf-8"))
    assert (
        len(
            re.findall(
                r'class="quiet missing"[^>]*>[^<]*40 of the baseline and 2 of the candidate without a partner', page
            )
        )
        >= 2
    )
    assert page.count(MISSING) >= 3
    (accuracy,) = rows_of(gappy.path / "model-card.md", "| accuracy |")
    assert MISSING in accuracy


def test_nothing_missing_adds_no_words(plain: RunDir) -> None:
    assert 'class="quiet missing"' not in whole_page((plain.path / "report.html").read_text("utf-8"))
    assert "without a partner" not in (plain.path / "summary.md").read_text("utf-8")
