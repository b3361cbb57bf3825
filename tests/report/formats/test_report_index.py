"""reports/index.html: runs of a suite in order, trends with intervals, damaged runs left out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from harness_support.page_reader import Page

from harness.report.formats.index_page import suites, write_index
from harness.report.formats.inline_parts import digest
from harness.report.formats.run_history import CACHE, history
from harness.storage.run_dir import RunDir


@pytest.fixture
def folder(tmp_path: Path, plain: RunDir) -> Path:
    """Three runs of one suite, each with another figure at its gates."""
    for number in range(3):
        run = RunDir(tmp_path / "sentiment" / f"run-{number}")
        run.path.mkdir(parents=True)
        results = plain.read_results()
        results.gates[0].observed = 0.1 + 0.01 * number
        info = plain.read_info()
        info.run_id, info.started = run.path.name, f"2026-01-0{number + 1}T00:00:00Z"
        run.write(results, info)
        (run.path / "report.html").write_text("x")
    return tmp_path


def test_runs_are_listed_newest_first_and_linked(folder: Path) -> None:
    page = Page(write_index(folder).read_text("utf-8"))
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a" and "tabindex" not in attributes]
    links = [link for link in links if link != "#main"]
    assert links[0] == "sentiment/run-2/report.html"
    assert {link for link in links if link} == {f"sentiment/run-{number}/report.html" for number in range(3)}
    (data, script) = page.inside["script"]
    assert json.loads(data)[0]["1"]["better: reviews.accuracy, finetuned"][0] == "+10.0"
    policy = next(a["content"] or "" for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert f"script-src '{digest(script)}'" in policy


def test_each_gate_has_a_trend_with_the_interval_of_its_figure(folder: Path, plain: RunDir) -> None:
    (suite,) = suites(folder, history(folder))
    trends = {chart.title.split(":")[0]: chart for chart in suite.trends}
    assert set(trends) == {"better", "memory", "drift", "names"}
    assert [row[2] for row in trends["better"].rows] == ["+10.0", "+11.0", "+12.0"]
    wanted = next(row for row in plain.read_results().comparisons if row.id == "reviews.accuracy")
    low, high = (float(end.replace("−", "-")) for end in trends["better"].rows[0][3].split("…"))
    assert (low, high) == pytest.approx((wanted.delta.low * 100, wanted.delta.high * 100), abs=0.06)
    assert trends["memory"].rows[0][2].startswith("×")


def test_the_cache_follows_results_and_equal_files_give_equal_bytes(folder: Path) -> None:
    first = write_index(folder).read_bytes()
    assert write_index(folder).read_bytes() == first
    (folder / CACHE).write_text("{broken")
    assert write_index(folder).read_bytes() == first
    stored = json.loads((folder / CACHE).read_text())
    stored["runs"]["sentiment/run-0"]["row"] = {"no": "row"}
    (folder / CACHE).write_text(json.dumps(stored))
    assert write_index(folder).read_bytes() == first
    run = RunDir(folder / "sentiment" / "run-1")
    results = run.read_results()
    results.verdict.sentence = "Something else altogether."
    run.write(results)
    assert b"Something else altogether." in write_index(folder).read_bytes()


def test_damaged_and_unfinished_runs_are_left_out(folder: Path) -> None:
    (folder / "sentiment" / "run-0" / "results.json").write_text("{")
    (folder / "sentiment" / "empty").mkdir()
    assert [row.run_id for _, row in history(folder).runs] == ["run-1", "run-2"]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    assert "no finished run" in write_index(tmp_path).read_text("utf-8")


def test_hostile_runs_are_text(tmp_path: Path, hostile: RunDir) -> None:
    shutil.copytree(hostile.path, tmp_path / "sentiment" / "a")
    text = write_index(tmp_path).read_text("utf-8")
    assert text.count("<script") == 2
    assert "&lt;/script&gt;" in text
