"""`harness items` and `harness relabel`: from a doubtful label in the data to a new run that is judged again."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_support.release_desk import ReleaseDesk, Said, rows

from harness.core.digests import file_digest
from harness.storage.run_dir import RunDir

WRONG = (9, 33, 60)
"""Rows of the test split whose label is planted wrong: their texts are as plain as any."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> ReleaseDesk:
    monkeypatch.chdir(tmp_path)
    desk = ReleaseDesk(tmp_path, capfd)
    made = rows()
    for number in WRONG:
        made[number]["mood"] = "bad" if made[number]["mood"] == "good" else "good"
    desk.write_rows(made)
    return desk


def table(said: Said) -> list[dict[str, str]]:
    assert said.code == 0, said.err
    return list(csv.DictReader(io.StringIO(said.out)))


def fixes(folder: Path, made: list[dict[str, str]]) -> Path:
    path = folder / "fixes.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(made[0]))
        writer.writeheader()
        writer.writerows(made)
    return path


def digests(run: RunDir) -> dict[str, str]:
    return {str(path): file_digest(path) for path in run.path.rglob("*") if path.is_file()}


def test_doubtful_labels_come_first_and_their_correction_is_a_new_run(desk: ReleaseDesk) -> None:
    run = desk.run("mood.yaml")
    before = digests(run)
    listed = table(desk("items", run.path, "--csv"))
    assert len(listed) == 40
    doubted = [row for row in listed if row["suggested"]]
    assert listed[: len(doubted)] == doubted
    assert doubted
    assert all(row["baseline"] == row["model"] == row["suggested"] != row["label"] for row in doubted)
    confidences = [float(row["confidence"]) for row in doubted]
    assert confidences == sorted(confidences, reverse=True)
    assert not any(row["new_label"] for row in listed)
    for row in doubted:
        row["new_label"] = row["suggested"]
    done = desk("relabel", run.path, fixes(desk.folder, listed), "--json")
    made = RunDir(desk.folder / done.json["run_dir"])
    assert done.code == made.read_results().verdict.exit_code
    assert made.path != run.path
    assert digests(run) == before
    info = made.read_info()
    assert info.relabeled is not None
    assert (info.relabeled.run, info.relabeled.labels) == (run.path.name, {"mood": len(doubted)})
    assert f"labels changed: {len(doubted)} of mood" in done.err
    assert any("mood.accuracy of large:" in note for note in made.read_results().notes)
    assert f"Relabeled from run {run.path.name}" in (made.path / "report.html").read_text("utf-8")
    assert desk("gate", made.path, "--from-records").code == done.code


def test_the_figures_are_those_of_a_run_on_corrected_data(desk: ReleaseDesk) -> None:
    run = desk.run("mood.yaml")
    listed = table(desk("items", run.path, "--csv"))
    right = {row["body"]: row["mood"] for row in rows()}
    for row in listed:
        row["new_label"] = right[row["text.text"]] if right[row["text.text"]] != row["label"] else ""
    assert sum(bool(row["new_label"]) for row in listed) == len(WRONG)
    made = RunDir(desk.folder / desk("relabel", run.path, fixes(desk.folder, listed), "--json").json["run_dir"])
    made_again = rows()
    desk.write_rows(made_again)
    fresh = desk.run("mood.yaml")
    for model in ("small", "large"):
        pairs = [_by_text(other, model) for other in (made, fresh)]
        assert pairs[0].keys() == pairs[1].keys()
        for text, values in pairs[0].items():
            np.testing.assert_allclose(values, pairs[1][text], rtol=1e-12)
    figures = [
        {(row.id, row.model): row.interval.value for row in other.read_results().metrics if row.slice is None}
        for other in (made, fresh)
    ]
    assert figures[0] == pytest.approx(figures[1])


def _by_text(run: RunDir, model: str) -> dict[str, list[Any]]:
    texts = {item.id: item.texts["text"] for item in run.read_items("mood")}
    records = run.records("mood", model)
    names = sorted(records.stat_names)
    columns = [records.stat(name).tolist() for name in names] + [records.numbers("margin").tolist()]
    return {texts[item]: [column[row] for column in columns] for row, item in enumerate(records.item_ids)}


def test_items_are_chosen_by_case_and_slice_and_hidden_texts_are_read_again(desk: ReleaseDesk) -> None:
    run = desk.run(desk.suite("mood.yaml", ("max_train_rows: 20", "max_train_rows: 4")), "--no-texts")
    right = [run.records("mood", name).stat("correct") > 0.5 for name in ("small", "large")]
    broken = table(desk("items", run.path, "--broken", "--csv"))
    fixed = table(desk("items", run.path, "--fixed", "--slice", "place=north", "--csv"))
    assert len(broken) == int((right[0] & ~right[1]).sum())
    north = run.records("mood", "small").in_slice("place=north")
    assert len(fixed) == int((~right[0] & right[1] & north).sum()) > 0
    assert all("lamp number" in row["text.text"] for row in fixed)
    (desk.folder / "notes.csv").unlink()
    said = desk("items", run.path, "--wrong")
    assert said.code == 0
    assert "cannot be read" in said.err
    assert "unknown slice" in desk("items", run.path, "--slice", "place=west").err
    assert "unknown evaluation" in desk("items", run.path, "--evaluation", "moood").err
    assert json.loads(desk("items", run.path, "--json", "--limit", "2").out)["count"] == 40


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("item_id,new\nx,good\n", "expected rows with the columns item_id, new_label"),
        ("item_id,new_label\nnowhere,good\n", "the run has no item 'nowhere' in mood"),
        ("item_id,new_label\nITEM,fine\n", "unknown label 'fine'"),
        ("item_id,new_label\nITEM,good\nITEM,bad\n", "has two new labels"),
        ("item_id,new_label\nITEM,\n", "no new label differs"),
        ("evaluation,item_id,new_label\nmoood,ITEM,good\n", "unknown classification task 'moood'"),
    ],
)
def test_a_faulty_file_is_located_and_makes_no_run(desk: ReleaseDesk, text: str, said: str) -> None:
    run = desk.run("mood.yaml")
    (desk.folder / "fixes.csv").write_text(text.replace("ITEM", run.read_items("mood")[0].id), "utf-8")
    runs = {path.name for path in desk.folder.glob("reports/mood/*")}
    refused = desk("relabel", run.path, "fixes.csv")
    assert refused.code == 2
    assert said in refused.err
    assert "fixes.csv" in refused.err
    assert {path.name for path in desk.folder.glob("reports/mood/*")} == runs
