"""How large runs are reported: building the page, its size, and how quickly it answers in a browser.

    python benchmarks/report.py            # 100,000 items × 3 models × 2 evaluations
    python benchmarks/report.py --items 5000
    python benchmarks/report.py --write    # also rewrites the section of docs/performance.md between its markers

The run is simulated (texts of a few words, answers by a seeded generator); what is measured is the report
alone. The browser is Chromium, headless, opened from disk, as in tests/report.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.core.interval import Interval
from harness.core.records import Records, RecordsHead
from harness.schema.results.inputs import EvaluationResult, ItemMeasureResult, ModelResult
from harness.schema.results.metrics import ComparisonResult, FlipsResult, MetricResult
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import VerdictResult
from harness.schema.run_info import RunInfo
from harness.storage import atomic
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
START, END = "<!-- report: start -->", "<!-- report: end -->"
MODELS = ("base", "finetuned", "lora")
LABELS = ("negative", "neutral", "positive")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
_WORDS = [
    *("the", "film", "phone", "song", "meal", "hotel", "story", "lamp", "was", "is", "felt", "looked", "bright"),
    *("dull", "warm", "cold", "clever", "awful", "lovely", "long", "short", "and", "but", "because", "nobody"),
    *("everybody", "expected", "remembered", "it", "this", "that", "week", "year", "again", "never", "always"),
]


def make_run(path: Path, items: int) -> RunDir:
    """A run directory of two evaluations (`first`, `second`) of three models, each on `items` items."""
    run = RunDir(path)
    random = np.random.default_rng(0)
    evaluations, metrics, comparisons, flips = [], [], [], []
    for name in ("first", "second"):
        ids = np.sort(np.array([f"{value:016x}" for value in random.integers(0, 2**63, items)]))
        gold = random.integers(0, 3, items)
        counts = random.integers(8, 45, items)
        words = random.integers(0, len(_WORDS), int(counts.sum()))
        ends = np.cumsum(counts)
        texts = [
            " ".join(_WORDS[word] for word in words[end - count : end]) for end, count in zip(ends, counts, strict=True)
        ]
        slices = [[f"source={'abcde'[k % 5]}", f"length={'long' if n > 25 else 'short'}"] for k, n in enumerate(counts)]
        table = pa.table(
            {
                "item_id": pa.array(ids),
                "texts": pa.array([json.dumps({"text": text}) for text in texts]),
                "target": pa.array([LABELS[label] for label in gold]),
                "clusters": pa.array(["{}"] * items),
                "slices": pa.array(slices, pa.list_(pa.string())),
                "tags": pa.array([[]] * items, pa.list_(pa.string())),
            }
        )
        run.items_path(name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, run.items_path(name), compression="zstd")
        right: dict[str, Any] = {}
        for number, model in enumerate(MODELS):
            logits = random.normal(0, 1, (items, 3))
            logits[np.arange(items), gold] += 0.6 + 0.5 * number
            log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
            answer = log_p.argmax(1)
            true = log_p[np.arange(items), gold]
            others = np.where(np.arange(3)[None] == gold[:, None], -np.inf, log_p).max(1)
            right[model] = (answer == gold).astype(float)
            columns = {
                "item_id": pa.array(ids),
                "item_digest": pa.array(ids),
                "status": pa.array(["ok"] * items),
                "clusters": pa.array(["{}"] * items),
                "slices": pa.array(slices, pa.list_(pa.string())),
                "tags": pa.array([[]] * items, pa.list_(pa.string())),
                "overlap": pa.array(np.zeros(items, bool)),
                "target": pa.array([LABELS[label] for label in gold]),
                "prediction": pa.array([LABELS[label] for label in answer]),
                "response": pa.array(
                    [json.dumps({"log_p": dict(zip(LABELS, row, strict=True))}) for row in log_p.round(6).tolist()]
                ),
                "margin": pa.array(true - others),
                "tied": pa.array(np.zeros(items, bool)),
                "truncated": pa.array(np.zeros(items, np.int64)),
                "finish": pa.array([None] * items, pa.string()),
                "stat.correct": pa.array(right[model]),
                "stat.nll": pa.array(-true),
            }
            write_records(run.records_path(name, model), Records(RecordsHead(name, model, "head"), pa.table(columns)))
        common: dict[str, Any] = {
            "id": f"{name}.accuracy",
            "evaluation": name,
            "metric": "accuracy",
            "unit": "fraction",
            "direction": "higher",
            "n": items,
            "clusters": items,
            "method": "t",
        }
        for model in MODELS:
            value = float(right[model].mean())
            metrics.append(
                MetricResult(
                    **common,
                    model=model,
                    protocol="head",
                    interval=Interval(value=value, low=value - 0.003, high=value + 0.003),
                )
            )
        for model in MODELS[1:]:
            a, b = right["base"], right[model]
            delta = float((b - a).mean())
            comparisons.append(
                ComparisonResult(
                    **common,
                    baseline="base",
                    candidate=model,
                    baseline_protocol="head",
                    candidate_protocol="head",
                    baseline_value=float(a.mean()),
                    candidate_value=float(b.mean()),
                    delta=Interval(value=delta, low=delta - 0.004, high=delta + 0.004),
                    improvement=delta,
                )
            )
            flips.append(
                FlipsResult(
                    evaluation=name,
                    baseline="base",
                    candidate=model,
                    both_right=int((a * b).sum()),
                    fixed=int(((1 - a) * b).sum()),
                    broken=int((a * (1 - b)).sum()),
                    both_wrong=int(((1 - a) * (1 - b)).sum()),
                )
            )
        evaluations.append(
            EvaluationResult(
                name=name,
                role="task",
                kind="classification",
                summary="simulated",
                data=[name],
                split="test",
                n=items,
                labels=list(LABELS),
                protocols=dict.fromkeys(MODELS, "head"),
                metrics=["accuracy"],
                item_measures=[
                    ItemMeasureResult(
                        statistic="nll",
                        label="negative log-likelihood of the correct answer",
                        unit="nats",
                        better="lower",
                    )
                ],
            )
        )
    models = [
        ModelResult(
            name=name, role="baseline" if name == "base" else "release", made_by="load", label=name, digest=name
        )
        for name in MODELS
    ]
    results = Results(
        suite="large",
        suite_digest="0",
        title="A large simulated run",
        seed=0,
        baseline="base",
        candidates=list(MODELS[1:]),
        release=["finetuned"],
        models=models,
        data=[],
        evaluations=evaluations,
        metrics=metrics,
        comparisons=comparisons,
        flips=flips,
        tables=[],
        gates=[],
        verdict=VerdictResult(overall="pass", exit_code=0, sentence="Simulated."),
    )
    info = RunInfo(run_id="large", suite="large", suite_text="", command=[], started="2026-01-01T00:00:00Z")
    run.write(results, info.model_copy(update={"state": "finished"}))
    return run


def build(run: RunDir) -> dict[str, float]:
    """Renders in a process of its own: wall seconds with and without imports, peak memory, size."""
    code = (
        "import json, resource, sys, time; from pathlib import Path; from harness.storage.run_dir import RunDir;"
        "from harness.report.formats.write_reports import write_reports; start = time.perf_counter();"
        "write_reports(RunDir(Path(sys.argv[1]))); seconds = time.perf_counter() - start;"
        "print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 'torch' in sys.modules]))"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, str(run.path)], capture_output=True, text=True, check=True)
    seconds, peak, torch = json.loads(done.stdout)
    if torch:
        raise SystemExit("the report imported torch")
    return {
        "build_s": seconds,
        "process_s": time.perf_counter() - start,
        "peak_mb": peak * (1 if sys.platform == "darwin" else 1024) / 1e6,
        "size_mb": (run.path / "report.html").stat().st_size / 1e6,
    }


# Milliseconds from an input event until the list has been drawn again.
_MEASURE = """async ([id, value, event]) => {
  const note = document.getElementById("item-count");
  const control = document.getElementById(id);
  const start = performance.now();
  control.value = value;
  control.dispatchEvent(new Event(event, { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return [performance.now() - start, note.textContent];
}"""
_SCROLL = """async () => {
  const box = document.getElementById("list-box");
  let worst = 0, last = performance.now();
  for (let k = 0; k < 60; k++) {
    box.scrollTop = (k + 1) * box.scrollHeight / 61;
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
  }
  return worst;
}"""


def browse(run: RunDir) -> dict[str, float]:
    """Opens the page at its items five times, then filters, sorts, searches and scrolls; medians in milliseconds."""
    from playwright.sync_api import sync_playwright

    program = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    opened: list[float] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for _ in range(5):
            page = chromium.new_page(viewport={"width": 1280, "height": 900})
            start = time.perf_counter()
            page.goto((run.path / "report.html").as_uri() + "#items", wait_until="commit")
            page.wait_for_selector("#browser[data-ready]")
            opened.append((time.perf_counter() - start) * 1000)
            if len(opened) < 5:
                page.close()
        found = {"interactive_ms": float(np.median(opened))}
        actions: dict[str, list[tuple[str, str, str]]] = {
            "filter_ms": [
                ("show-fixed", "", "click"),
                ("show-different", "", "click"),
                ("slice", "0", "change"),
                ("show-all", "", "click"),
                ("slice", "-1", "change"),
            ],
            "sort_ms": [
                ("order", "loss", "change"),
                ("order", "gain", "change"),
                ("order", "base", "change"),
                ("order", "candidate", "change"),
            ],
            "search_ms": [("search", "lovely", "input"), ("search", "lovely hotel", "input"), ("search", "", "input")],
        }
        for name, steps in actions.items():
            times = [page.evaluate(_MEASURE, list(step))[0] for step in steps]
            found[name], found[name.replace("_ms", "_worst_ms")] = float(np.median(times)), max(times)
        found["scroll_worst_ms"] = page.evaluate(_SCROLL)
        chromium.close()
    return found


def section(items: int, numbers: dict[str, float]) -> str:
    """The section of docs/performance.md."""
    rows = [
        ("build (`harness report`, without interpreter start)", f"{numbers['build_s']:.1f} s", "20 s"),
        ("peak memory of the process", f"{numbers['peak_mb']:.0f} MB", "2,000 MB"),
        ("size of report.html", f"{numbers['size_mb']:.2f} MB", "10 MB"),
        ("opened at the items, interactive", f"{numbers['interactive_ms']:.0f} ms", "2,000 ms"),
        ("filter, median (worst)", f"{numbers['filter_ms']:.0f} ({numbers['filter_worst_ms']:.0f}) ms", "200 ms"),
        ("sort, median (worst)", f"{numbers['sort_ms']:.0f} ({numbers['sort_worst_ms']:.0f}) ms", "200 ms"),
        ("search, median (worst)", f"{numbers['search_ms']:.0f} ({numbers['search_worst_ms']:.0f}) ms", "200 ms"),
        ("longest frame while scrolling end to end", f"{numbers['scroll_worst_ms']:.0f} ms", "–"),
    ]
    setting = (
        f"{items:,} items × {len(MODELS)} models × 2 evaluations, simulated; `python benchmarks/report.py --write`. "
        f"{os.cpu_count()} logical cores ({platform.machine()}), Python {platform.python_version()}, headless "
        f"Chromium; other work on the machine (load {os.getloadavg()[0]:.0f}). "
        "Times to the second frame after the input, so two frames (33 ms) are in each."
    )
    lines = [
        START,
        "## Report",
        "",
        setting,
        "",
        "| what | measured | limit |",
        "|---|--:|--:|",
        *(f"| {what} | {value} | {limit} |" for what, value, limit in rows),
        END,
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--write", action="store_true", help="rewrite the section of docs/performance.md")
    parser.add_argument("--keep", type=Path, help="make the run here and keep it")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp())
    try:
        run = RunDir(folder) if (folder / "results.json").is_file() else make_run(folder, arguments.items)
        numbers = build(run) | browse(run)
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    text = section(arguments.items, numbers)
    sys.stdout.write(text + "\n")
    if arguments.write:
        old = PAGE.read_text("utf-8") if PAGE.is_file() else f"# Performance\n\n{START}\n{END}\n"
        if START not in old:
            old = old.rstrip("\n") + f"\n\n{START}\n{END}\n"
        before, rest = old.split(START, 1)
        atomic.write_text(PAGE, before + text + rest.split(END, 1)[1])


if __name__ == "__main__":
    main()
