"""How the time of scoring grows with classes, slices and candidates: each doubling beside the one before it.

    OMP_NUM_THREADS=1 python benchmarks/scoring_growth.py            # about three minutes
    OMP_NUM_THREADS=1 python benchmarks/scoring_growth.py --write    # also rewrites its section of docs/performance.md

Seconds are of processor time. Classes: one `difference` of macro F1, 4,000 items. Slices: `compare` of accuracy on 12
groups with so many values each, 12,000 items, every item in one value of every group. Candidates: whole runs of
`harness run` with heuristics on 500 items.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from harness.comparisons.join import Pair
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics
from harness.statistics.paired_difference import difference
from harness.storage import atomic

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
START, END = "<!-- scoring growth: start -->", "<!-- scoring growth: end -->"
GROUPS = 12


def classes(count: int) -> float:
    """Macro F1 of two models, 70% and 72% of whose answers are right."""
    rng = np.random.default_rng(0)
    n = 4_000
    gold, place = rng.integers(0, count, n), np.arange(n)
    [f1] = build_metrics(["f1_macro"], MetricContext(labels=tuple(f"c{label}" for label in range(count))))
    sides = []
    for accuracy in (0.7, 0.72):
        said = np.where(rng.random(n) < accuracy, gold, rng.integers(0, count, n))
        rows, right = np.zeros((n, 3 * count)), said == gold
        rows[place[right], 3 * gold[right]] = 1
        rows[place[~right], 3 * said[~right] + 1] = 1
        rows[place[~right], 3 * gold[~right] + 2] = 1
        sides.append(rows)
    started = time.process_time()
    difference(*sides, kind="additive", value=f1.value)
    return time.process_time() - started


def slices(values: int) -> float:
    """Accuracy on every slice of 12 groups."""
    rng = np.random.default_rng(0)
    n = 12_000
    held = rng.integers(0, values, (n, GROUPS))
    [accuracy] = build_metrics(["accuracy"], MetricContext())
    sides = []
    for share in (0.7, 0.72):
        right = rng.random(n) < share
        rows = (
            Record(
                f"i{k:06}", "d", stats={"correct": float(right[k])}, target="x",
                slices=tuple(f"g{group}={value}" for group, value in enumerate(held[k].tolist())),
            )
            for k in range(n)
        )  # fmt: skip
        sides.append(Records.of(RecordsHead("e", f"m{share}", "head"), rows))
    started = time.process_time()
    compare(Pair("e", "base", "new"), PairedRecords(*sides), accuracy)
    return time.process_time() - started


def candidates(count: int) -> float:
    """A run of so many candidates against one baseline."""
    models = "".join(f"  c{k}: {{heuristic: {{task: rows, rule: prior}}}}\n" for k in range(count))
    suite = (
        "name: growth\ndata: {rows: {file: rows.csv, columns: {text: text, label: label}, splits: split}}\n"
        f"models:\n  base: {{heuristic: {{task: rows, rule: majority}}}}\n{models}compare: {{baseline: base}}\n"
        "tasks: {rows: {classification: {data: rows, labels: [bad, good], metrics: [accuracy, f1_macro]}}}\n"
    )
    rows = [
        f"text {split} {k},{'bad' if k % 3 else 'good'},{split}"
        for split, n in (("train", 90), ("test", 500))
        for k in range(n)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rows.csv").write_text("text,label,split\n" + "\n".join(rows) + "\n")
        (folder / "growth.yaml").write_text(suite)
        command = [str(Path(sys.executable).with_name("harness")), "run", "growth.yaml", "--out", "out", "--quiet"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = {**os.environ, "HARNESS_CACHE_DIR": str(folder / "cache")}
        subprocess.run(command, cwd=folder, env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


CASES = (
    ("macro F1, classes", classes, (500, 1_000, 2_000)),
    ("accuracy, values in each of 12 groups", slices, (5, 10, 20)),
    ("candidates of a run", candidates, (12, 25, 50)),
)


def main() -> None:
    """Prints the table, and writes it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = ["| what | a quarter | half | all | last doubling |", "|---|--:|--:|--:|--:|"]
    for title, run, sizes in CASES:
        spent = [run(size) for size in sizes]
        cells = " | ".join(f"{size:,}: {seconds:.1f} s" for size, seconds in zip(sizes, spent, strict=True))
        lines.append(f"| {title} | {cells} | {spent[2] / spent[1]:.1f} × |")
        sys.stdout.write(lines[-1] + "\n")
        sys.stdout.flush()
    if options.write:
        page = PAGE.read_text("utf-8")
        before, after = page.split(START)[0], page.split(END)[1]
        atomic.write_text(PAGE, f"{before}{START}\n" + "\n".join(lines) + f"\n{END}{after}")


if __name__ == "__main__":
    main()
