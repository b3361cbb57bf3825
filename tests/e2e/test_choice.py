"""`compare.choose`: the best of several models is released, on validation data for nothing, on test data at a price."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from harness_support.tiny_world import BAD, GOOD, Shell, sentence

SUITE = """\
name: sweep
data:
  notes: {{file: notes.csv, splits: fold, held_out: true}}
models:
  small: {{classical: {{task: notes, max_train_rows: 12}}}}
  rows-20: {{classical: {{task: notes, max_train_rows: 20}}}}
  rows-60: {{classical: {{task: notes, max_train_rows: 60}}}}
  rows-all: {{classical: {{task: notes}}}}
compare:
  baseline: small
  choose: {{among: ["rows-*"], by: notes.accuracy{on}}}
tasks:
  notes: {{classification: {{data: notes, metrics: [accuracy]}}}}
gates:
  - {{id: kept, metric: notes.accuracy, kind: non_inferiority, margin: 0.1, min_n: 50}}
"""


def write(folder: Path, on: str) -> None:
    rng = random.Random(2)
    with (folder / "notes.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["text", "label", "fold"])
        for number in range(420):
            label, words = [("good", GOOD), ("bad", BAD)][number % 2]
            wrong = rng.random() < 0.25
            text = f"{sentence(rng, BAD if wrong and label == 'good' else GOOD if wrong else words)} {number}"
            rows.writerow([text, label, ["train", "test", "validation"][number % 3]])
    (folder / "sweep.yaml").write_text(SUITE.format(on=on))


@pytest.mark.parametrize("on", ["validation", "test"])
def test_the_best_is_released_and_its_gates_pay_for_a_choice_on_test_data(on: str, tmp_path: Path) -> None:
    write(tmp_path, "" if on == "validation" else ", on: test")
    shell = Shell(tmp_path, tmp_path / "cache")
    done = shell("run", "sweep.yaml")
    assert done.returncode in (0, 1), done.stderr
    (run,) = (tmp_path / "reports" / "sweep").glob("2*")
    results = json.loads((run / "results.json").read_text())
    choice = results["choice"]
    assert choice["among"] == ["rows-20", "rows-60", "rows-all"]
    assert choice["values"][choice["winner"]] == max(choice["values"].values())
    assert results["release"] == [choice["winner"]]
    (gate,) = results["gates"]
    assert gate["model"] == choice["winner"]
    alpha = 0.05 if on == "validation" else 0.05 / 3
    assert choice["alpha"] == pytest.approx(alpha)
    row = next(row for row in results["comparisons"] if row["candidate"] == choice["winner"] and not row["slice"])
    bounds = {round(level["alpha"], 6): level["low"] for level in row["delta"]["bounds"]}
    assert gate["bound"] == pytest.approx(bounds[round(alpha, 6)])
    assert choice["bound"] == pytest.approx(bounds[round(alpha, 6)])
    said = "is the best of 3 models by notes.accuracy"
    # The summary has warnings alone, not the limits of the evidence.
    for name in ("report.html", "comment.md", *(["summary.md"] if on == "test" else [])):
        assert said in (run / name).read_text(), name
    shown = done.stdout + done.stderr
    assert ("luck is part of its figures" in shown) == (on == "test")
    before = run / "results.json"
    again = shell("gate", str(run), "--json")
    assert again.returncode in (0, 1), again.stderr
    assert json.loads(before.read_text())["release"] == results["release"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('choose: {among: ["rows-*"], by: notes.accuracy}\n  release: [small]', "found both"),
        ('choose: {among: ["lines-*"], by: notes.accuracy}', "unknown candidate 'lines-*'"),
        ("choose: {among: [rows-20], by: notes.accuracy}", "expected two or more models to choose among"),
        ('choose: {among: ["rows-*"], by: notes.f1}', "unknown metric 'f1'"),
        ('choose: {among: ["rows-*"], by: accuracy}', "expected `evaluation.metric`"),
    ],
)
def test_a_choice_that_cannot_be_made_is_said(line: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, "")
    path = tmp_path / "sweep.yaml"
    path.write_text(path.read_text().replace('choose: {among: ["rows-*"], by: notes.accuracy}', line))
    done = Shell(tmp_path, tmp_path / "cache")("validate", "sweep.yaml")
    assert done.returncode == 2
    assert message in done.stderr


def test_a_choice_by_validation_needs_such_data(tmp_path: Path) -> None:
    write(tmp_path, "")
    path = tmp_path / "notes.csv"
    path.write_text(path.read_text().replace(",validation", ",train"))
    done = Shell(tmp_path, tmp_path / "cache")("run", "sweep.yaml")
    assert done.returncode == 2
    assert "has no validation data to choose by" in done.stderr
