"""How time and memory grow with the number of items: one run of two cheap models on made-up rows.

    python benchmarks/growth.py --rows 50k 200k 1M            # about 15 minutes on one idle core
    python benchmarks/growth.py --rows 50k 200k 1M --write    # also rewrites its section of docs/performance.md

Each number of rows is one `harness run` with a cache of its own: rows from a file of JSON lines, TF-IDF of 2,000
labeled rows and the most frequent label asked about every test row, compared and reported. Three processes take part:
the run, and at most one worker for each core while figures are computed. Memory is the peak of each, as the system
counts it (`VmHWM`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from harness.storage import atomic

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
START, END = "<!-- growth: start -->", "<!-- growth: end -->"
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
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    machine = f"{_processor()}, {os.cpu_count()} logical cores, one thread, Python {platform.python_version()}"
    lines = [
        f"{machine}; load of the machine {os.getloadavg()[0]:.0f}.",
        "",
        "| rows | processor time | per 1,000 rows | peak of the run | peak of a worker |",
        "|--:|--:|--:|--:|--:|",
    ]
    for size in options.rows:
        count = int(size[:-1]) * {"k": 1000, "M": 1_000_000}[size[-1]]
        seconds, run, worker = measured(count)
        lines.append(
            f"| {count:,} | {seconds:.0f} s | {1000 * seconds / count:.2f} s | {run / 1e9:.2f} GB "
            f"| {worker / 1e9:.2f} GB |"
        )
        sys.stdout.write(lines[-1] + "\n")
        sys.stdout.flush()
    if options.write:
        lines += ["", f"`python benchmarks/growth.py --rows {' '.join(options.rows)} --write` made this table."]
        page = PAGE.read_text("utf-8")
        before, after = page.split(START)[0], page.split(END)[1]
        atomic.write_text(PAGE, f"{before}{START}\n" + "\n".join(lines) + f"\n{END}{after}")


def measured(count: int) -> tuple[float, int, int]:
    """Seconds of processor time of all processes, and the peaks of the run and of the largest worker in bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "rows.jsonl", count)
        (folder / "growth.yaml").write_text(SUITE)
        command = [str(Path(sys.executable).with_name("harness")), "run", "growth.yaml", "--out", "out", "--quiet"]
        environment = {**os.environ, "HARNESS_CACHE_DIR": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = subprocess.Popen(command, cwd=folder, env=environment)
        peaks = {run.pid: 0}
        while run.poll() is None:
            for process in (run.pid, *_children(run.pid)):
                peaks[process] = max(peaks.get(process, 0), _peak(process))
            time.sleep(0.2)
        if run.returncode:
            raise SystemExit(f"the run ended with {run.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, peaks.pop(run.pid), max(peaks.values(), default=0)


def _children(process: int) -> list[int]:
    children: list[int] = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            children += map(int, file.read_text().split())
    return children


def _peak(process: int) -> int:
    """The most memory that a process has had, in bytes; 0 once it has ended."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
    return 0


def _processor() -> str:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    return platform.machine()


def write(path: Path, count: int) -> None:
    """2,000 rows to learn from, 500 to choose by, `count` to be asked."""
    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for split, rows in (("train", 2000), ("validation", 500), ("test", count)):
            for number in range(rows):
                label = draw.choice(["bad", "good"])
                hint = label if draw.random() < 0.7 else draw.choice(WORDS)
                text = f"{' '.join(draw.choices(WORDS, k=12))} {hint} {split} {number}"
                file.write(json.dumps({"text": text, "label": label, "split": split}) + "\n")


if __name__ == "__main__":
    main()
