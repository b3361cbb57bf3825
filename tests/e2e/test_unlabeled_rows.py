"""A classification of which few rows have a label, from the file to the verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.core.reporter import Silent
from harness.pipeline.run_suite import Settings, run_suite
from harness.storage.store import Store
from harness.suite.load_suite import load_suite

SUITE = """
name: unlabeled
data: {rows: {file: rows.csv, splits: split, missing_label: keep}}
models:
  words: {classical: {task: rows}}
  majority: {heuristic: {task: rows, rule: majority}}
compare: {baseline: majority}
tasks: {rows: {classification: {data: rows, labels: [bad, good], unlabeled: ask, metrics: [accuracy, f1_macro]}}}
gates:
  - {id: floor, metric: rows.accuracy, kind: absolute, min: 0.55, adjust: true}
  - {id: better, metric: rows.accuracy, kind: superiority, adjust: true}
"""


def test_rows_without_a_label_make_gates_surer(tmp_path: Path) -> None:
    rng, lines = np.random.default_rng(1), ["text,label,split"]
    words = ["the", "film", "was", "long", "dull", "bright", "cold", "warm", "story", "phone", "meal", "slow"]
    for split in ("train", "test"):
        for number in range(400):
            label = str(rng.choice(["bad", "good"]))
            telling = label if rng.random() < 0.6 else str(rng.choice(words))
            shown = label if split == "train" or rng.random() < 0.3 else ""
            lines.append(f"{' '.join(rng.choice(words, 8))} {telling} {split}{number},{shown},{split}")
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "suite.yaml").write_text(SUITE, "utf-8")
    settings = Settings(out=tmp_path / "out", device="cpu")
    results = run_suite(load_suite(tmp_path / "suite.yaml"), Store(tmp_path / "cache"), Silent(), settings).results
    labeled = sum(line.split(",")[1] != "" for line in lines[401:])
    pair = ("majority", "words")
    [row] = [row for row in results.comparisons if row.metric == "accuracy" and (row.baseline, row.candidate) == pair]
    assert row.adjusted is not None
    assert (row.n, row.adjusted.n, row.adjusted.total) == (labeled, labeled, 400)
    assert row.adjusted.gain > 1
    assert {gate.verdict for gate in results.gates} == {"pass"}
    assert {(gate.n, gate.clusters) for gate in results.gates} == {(400, 400)}
    assert any("asked about too" in caveat for caveat in results.evaluations[0].caveats)
    [macro] = [row for row in results.metrics if row.metric == "f1_macro" and row.model == "words"]
    assert (macro.n, macro.adjusted) == (labeled, None)
