"""How time and memory grow with the number of items: one run of two cheap models on made-up rows.

    python benchmarks/growth.py --rows 200k 1M

Each number of rows is one `harness run` with a cache of its own: rows from a file of JSON lines, TF-IDF of 2,000
labeled rows and the most frequent label asked about every test row, compared and reported. Memory is the process's
peak.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

WORDS = ("the", "film", "was", "long", "dull", "bright", "cold", "warm", "story", "phone", "meal", "never", "always")
SUITE = """name: growth
data: {rows: {file: rows.jsonl, columns: {text: text, label: label}, splits: split}}
models:
  words: {classical: {task: rows}}
  majority: {heuristic: {task: rows, rule: majority}}
compare: {baseline: majority}
tasks: {rows: {classification: {data: rows, labels: [bad, good], metrics: [accuracy, f1_macro]}}}
"""


def main() -> None:
    """Runs and prints a line for each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", default=["50k", "200k"], help="numbers such as 200k or 1M")
    for told in parser.parse_args().rows:
        count = int(told[:-1]) * {"k": 1000, "M": 1_000_000}[told[-1]]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder / "rows.jsonl", count)
            (folder / "growth.yaml").write_text(SUITE)
            command = [str(Path(sys.executable).with_name("harness")), "run", "growth.yaml", "--out", "out", "--quiet"]
            environment = {**os.environ, "HARNESS_CACHE_DIR": str(folder / "cache")}
            subprocess.run(command, cwd=folder, env=environment, check=True)
        # The largest child so far: give the numbers in rising order.
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        sys.stdout.write(f"{count:,} rows: peak {used.ru_maxrss / 2**20:.2f} GB, {used.ru_utime:.0f} s so far\n")


def write(path: Path, count: int) -> None:
    """2,000 rows to learn from, 500 to choose by, `count` to be asked."""
    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for split, rows in (("train", 2000), ("validation", 500), ("test", count)):
            for number in range(rows):
                label = draw.choice(["bad", "good"])
                told = label if draw.random() < 0.7 else draw.choice(WORDS)
                text = f"{' '.join(draw.choices(WORDS, k=12))} {told} {split} {number}"
                file.write(json.dumps({"text": text, "label": label, "split": split}) + "\n")


if __name__ == "__main__":
    main()
