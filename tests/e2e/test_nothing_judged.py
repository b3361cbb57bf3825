"""Absence is not innocence: gates that are not there, or that could not be judged, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness_support.tiny_world import Shell

SUITE = """\
name: plain
data:
  reviews: {file: reviews.csv, id: id, splits: {train: 0.5, test: 0.5}}
models:
  trivial: {heuristic: {task: reviews, rule: majority}}
  words: {classical: {task: reviews}}
compare: {baseline: trivial, candidates: [words], release: [words]}
tasks:
  reviews: {classification: {data: reviews}}
  others: {classification: {data: reviews, label: kind, labels: [x, y, z]}}
"""
GATES = """\
gates:
  - {id: better, metric: reviews.accuracy, kind: superiority, min_n: 10}
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    rows = [f"r{k},number {k} was {('good', 'bad')[k % 2]},{('yes', 'no')[k % 2]},{'xyz'[k % 3]}" for k in range(80)]
    (tmp_path / "reviews.csv").write_text("\n".join(["id,text,label,kind", *rows]) + "\n", "utf-8")
    (tmp_path / "bare.yaml").write_text(SUITE + "gates: []\n", "utf-8")
    (tmp_path / "gated.yaml").write_text(SUITE + GATES, "utf-8")
    return Shell(tmp_path, tmp_path / "cache")


def test_no_gates_is_none_of_run_and_a_mistake_of_gate(shell: Shell) -> None:
    done = shell("run", "bare.yaml")
    assert done.returncode == 0, done.stderr
    assert "none: no gates: nothing was judged." in done.stdout
    assert "✓" not in done.stdout + done.stderr
    judged = shell("gate", "reports/plain")
    assert judged.returncode == 2
    assert "no gates: nothing was judged" in judged.stderr


def test_gates_that_only_dropped_end_with_12_and_are_named(shell: Shell) -> None:
    assert shell("run", "gated.yaml").returncode == 0
    done = shell("run", "gated.yaml", "--only", "others", "--json", "--quiet")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["exit_code"], answer["verdict"]) == (12, 12, "none")
    reason = "Cannot be judged: `--only others` leaves out the evaluation reviews."
    assert f"gate better (words): {reason}" in done.stderr
    again = shell("gate", answer["run_dir"])
    assert again.returncode == 12
    assert "better" in again.stderr
    plan = shell("plan", "gated.yaml", "--only", "others")
    assert "better: cannot be judged of words: `--only others` leaves out the evaluation reviews" in plan.stdout


def test_models_that_were_skipped_are_named_with_the_reason(shell: Shell) -> None:
    done = shell("run", "gated.yaml", "--json", "--quiet")
    assert "trivial was not evaluated on others: " in done.stderr
    assert "words was not evaluated on others: " in done.stderr
