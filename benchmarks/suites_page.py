"""The measured part of docs/suites.md: every suite's figures, time, and command, from runs that this script makes.

python benchmarks/suites_page.py NAME… [--keep FOLDER] [--options "--limit 100"]
python benchmarks/suites_page.py            # only writes the page again from benchmarks/suites.json

Each suite is run as a reader would run it, with a cache of its own, so that nothing is known before. Its figures are
those of its gates. A suite keeps what its last run showed until it is run again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from harness.report.view.run_view import RunView
from harness.storage import atomic
from harness.storage.run_dir import RunDir

HERE = Path(__file__).resolve().parent
STORED, PAGE = HERE / "suites.json", HERE.parent / "docs" / "suites.md"
START, END = "<!-- measured: start -->", "<!-- measured: end -->"
SIGNS = {"pass": "✓", "fail": "✕", "inconclusive": "?", "error": "⚠"}


def measured(name: str, keep: Path, options: list[str]) -> dict[str, Any]:
    """Runs one suite with an empty cache.

    Raises:
        SystemExit: when the run does not end with results.
    """
    suite = HERE.parent / "suites" / f"{name}.yaml"
    command = [str(Path(sys.executable).with_name("harness")), "run", str(suite), "--out", str(keep / name), *options]
    shutil.rmtree(keep / f"cache-{name}", ignore_errors=True)
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "HARNESS_CACHE_DIR": str(keep / f"cache-{name}")}
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    runs = sorted((keep / name).glob("*/*/results.json"))
    if not runs:
        raise SystemExit(f"{shlex.join(command)} made no results:\n{done.stderr[-2000:]}")
    view = RunView.open(RunDir(runs[-1].parent))
    return {
        "command": shlex.join(["harness", "run", name, *options]),
        "seconds": round(seconds),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime),
        "cores": os.cpu_count(),
        "threads": int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1),
        "machine": platform.machine(),
        "version": view.info.versions["harness"],
        "date": date.today().isoformat(),
        "gates": [
            {
                "id": gate.id,
                "verdict": gate.verdict,
                "blocking": gate.blocking,
                "sentence": gate.sentence,
            }
            for gate in view.results.gates
        ],
    }


def table(stored: dict[str, dict[str, Any]]) -> str:
    lines = ["| suite | its gates | minutes (CPU) | run |", "|---|---|--:|---|"]
    for name, run in sorted(stored.items()):
        gates = "<br>".join(
            f"{SIGNS.get(gate['verdict'], '–')} {gate['sentence']}" + ("" if gate["blocking"] else " *(advisory)*")
            for gate in run["gates"]
        )
        gates = gates or "no gates; figures only"
        minutes = f"{run['seconds'] / 60:.1f} ({run['cpu_seconds'] / 60:.1f})"
        threads = "1 thread" if run["threads"] == 1 else f"{run['threads']} threads"
        where = f"{run['date']}, {run['version']}, {run['cores']} cores, {threads}, {run['machine']}"
        lines.append(f"| `{name}` | {gates.replace('|', chr(92) + '|')} | {minutes} | `{run['command']}`; {where} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="suites to run; none: only the page is written")
    parser.add_argument("--keep", type=Path, help="folder that the runs and their caches stay in; a temporary one")
    parser.add_argument("--options", default="", help="further options of `harness run`")
    given = parser.parse_args()
    stored = json.loads(STORED.read_text("utf-8")) if STORED.is_file() else {}
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.names:
            stored[name] = measured(name, (given.keep or Path(temporary)).resolve(), shlex.split(given.options))
            atomic.write_text(STORED, json.dumps(stored, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(START)
    atomic.write_text(PAGE, f"{before}{START}\n{table(stored)}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
