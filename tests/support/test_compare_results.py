from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from harness_support import compare_results
from harness_support.intended_differences import REASONS, Difference, reason_of

ROOT = Path(__file__).parents[2]
RUN = ROOT / "tests" / "fixtures" / "run_0_1_0"


def changed(tmp_path: Path, section: str, **fields: object) -> tuple[Path, dict[str, object]]:
    """The stored run with other fields in a section's first row, its rows in reverse order; and that row as it was."""
    copy = Path(shutil.copytree(RUN, tmp_path / "run"))
    results = json.loads((copy / "results.json").read_text())
    row = results[section][0]
    before = dict(row)
    row.update(fields)
    results[section].reverse()
    (copy / "results.json").write_text(json.dumps(results))
    return copy, before


def test_a_run_agrees_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_results.main([str(RUN), str(RUN)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1] == "0 without a reason"


def test_a_change_without_a_reason_is_printed_whatever_the_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, before = changed(tmp_path, "metrics", n=1234)
    assert compare_results.main([str(RUN), str(copy)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("without a reason: metrics ")
    assert lines[1].endswith(f": n: {before['n']} → 1234")
    assert lines[2] == "1 without a reason"


def test_changes_with_a_reason_are_counted_under_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy, before = changed(tmp_path, "metrics", method="linearized ratio of sums, t interval", low=0.0, high=1.0)
    assert before["low"] != 0.0
    assert compare_results.main([str(RUN), str(copy)]) == 0
    assert "3  jackknife errors with Satterthwaite's degrees of freedom" in capsys.readouterr().out


def test_a_changed_figure_has_no_reason_but_that_of_its_metric() -> None:
    def reason(metric: str, before: float, after: float) -> str | None:
        figures = {"before": before, "after": after, "value_before": before, "value_after": after}
        return reason_of(Difference("metrics", "e", "", metric, ("m",), "", "value", **figures))

    assert reason("accuracy", 0.5, 0.6) is None
    assert reason("accuracy", 0.5, 0.500001) == "last digits: networks are asked in other batches"
    assert reason("stereoset_ss", 0.5, 0.6) is None


def test_every_reason_quotes_the_changelog() -> None:
    text = " ".join((ROOT / "CHANGELOG.md").read_text("utf-8").split())
    assert [reason.name for reason in REASONS if reason.changelog not in text] == []
