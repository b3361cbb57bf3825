"""How long paired resampling takes, side by side with a plain Python loop and with sacrebleu.

    python benchmarks/resampling.py            # 100,000 items, 10,000 resamples
    python benchmarks/resampling.py --write    # also rewrites the section of docs/performance.md between its markers

Every case runs in a process of its own, three times, its peer in turn with it; the answers are made up by a seeded
generator.
Times are seconds of processor time, which other work on the machine disturbs less than the clock; with
OMP_NUM_THREADS=1 a quiet machine's clock shows the same. Modules that a process loads once are loaded before.
`difference` is everything a comparison needs: the BCa interval and the randomization test, both with all resamples.
The loop draws the same resamples one after the other and adds up numpy rows; it is timed on a few resamples and
scaled, because all of them would take an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from harness.comparisons.join import Pair
from harness.comparisons.paired_records import PairedRecords
from harness.core.metric import MetricContext
from harness.core.records import Records, RecordsHead
from harness.metrics.build_metrics import build_metrics
from harness.statistics.clusters import Groups
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference
from harness.statistics.resampling.bootstrap import bca
from harness.storage import atomic

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
START, END = "<!-- statistics: start -->", "<!-- statistics: end -->"
CLASSES = 10
LOOPED = {"accuracy": 200, "f1": 10, "bleu": 20}
GOALS = {"accuracy": 0.2, "f1": 3.0, "bleu": 15.0, "slices": 30.0}
TITLES = {
    "accuracy": "accuracy",
    "f1": "macro F1, 10 classes",
    "bleu": "corpus BLEU",
    "slices": "macro F1, 20,000 clusters, 13 overlapping slices (`compare`)",
}
Rows = Any


def answers(n: int) -> tuple[Any, Any, Any]:
    """Gold and two systems of 78% that often agree."""
    rng = np.random.default_rng(0)
    gold = rng.integers(0, CLASSES, n)
    common = np.where(rng.random(n) < 0.75, gold, rng.integers(0, CLASSES, n))
    shared = rng.random(n) < 0.7
    sides = [
        np.where(shared, common, np.where(rng.random(n) < 0.75 + gain, gold, rng.integers(0, CLASSES, n)))
        for gain in (0.0, 0.01)
    ]
    return gold, sides[0], sides[1]


def accuracy_rows(n: int) -> tuple[Rows, Rows]:
    gold, one, two = answers(n)
    return (one == gold)[:, None].astype(float), (two == gold)[:, None].astype(float)


def f1_rows(n: int) -> tuple[Rows, Rows]:
    gold, one, two = answers(n)
    made = []
    for predicted in (one, two):
        rows = np.zeros((n, 3 * CLASSES))
        items = np.arange(n)
        right = predicted == gold
        rows[items[right], 3 * gold[right]] = 1
        rows[items[~right], 3 * predicted[~right] + 1] = 1
        rows[items[~right], 3 * gold[~right] + 2] = 1
        made.append(rows)
    return made[0], made[1]


def bleu_rows(n: int) -> tuple[Rows, Rows]:
    """sacrebleu's ten counts: lengths, matches and totals by order; hardly two rows are alike."""
    rng = np.random.default_rng(0)
    wanted = rng.integers(5, 60, n)
    made = []
    for gain in (0.0, 0.01):
        given = np.maximum(4, wanted + rng.integers(-4, 5, n))
        totals = np.stack([given - order for order in range(4)], axis=1)
        right, before = [], totals[:, 0]
        for order, share in enumerate((0.6, 0.6, 0.65, 0.7)):
            before = rng.binomial(np.minimum(before, totals[:, order]), share + gain)
            right.append(before)
        made.append(np.column_stack([given, wanted, *right, totals]).astype(float))
    return made[0], made[1]


def values() -> dict[str, Callable[[Any, Any], Any]]:
    labels = tuple(f"c{place}" for place in range(CLASSES))
    [f1] = build_metrics(["f1_macro"], MetricContext(labels=labels))
    [bleu] = build_metrics(["bleu"], MetricContext())
    return {"accuracy": lambda sums, n: sums[..., 0] / n, "f1": f1.value, "bleu": bleu.value}


MADE = {"accuracy": accuracy_rows, "f1": f1_rows, "bleu": bleu_rows}


def warm_up(base: Rows, candidate: Rows, value: Callable[[Any, Any], Any]) -> None:
    """Loads what a process loads once (scipy's modules), which is no part of a comparison's time."""
    difference(base[:50], candidate[:50], kind="additive", value=value, settings=InferenceSettings(resamples=100))


def ours(case: str, n: int, resamples: int) -> dict[str, Any]:
    """One comparison; accuracy too as a bootstrapped figure, though harness has a closed form for it."""
    base, candidate = MADE[case](n)
    value = values()[case]
    warm_up(base, candidate, value)
    started, before = time.process_time(), peak()
    made = difference(base, candidate, kind="additive", value=value, settings=InferenceSettings(resamples=resamples))
    found = (made.delta.low, made.delta.high, made.delta.standard_error)
    return {"seconds": time.process_time() - started, "peak": peak(), "before": before, "found": found}


def interval(case: str, n: int, resamples: int) -> dict[str, Any]:
    """The paired BCa bootstrap alone, without the randomization test."""
    base, candidate = MADE[case](n)
    value, k = values()[case], base.shape[1]
    warm_up(base, candidate, value)
    started, before = time.process_time(), peak()
    drawn = bca(
        np.hstack([base, candidate]), lambda s, m: value(s[..., k:], m) - value(s[..., :k], m), Groups.of(None, n),
        resamples,
    )  # fmt: skip
    found = (drawn.quantile(0.025), drawn.quantile(0.975), drawn.standard_error)
    return {"seconds": time.process_time() - started, "peak": peak(), "before": before, "found": found}


def loop(case: str, n: int, resamples: int) -> dict[str, Any]:
    """The plain way: draw, add up, evaluate, one resample after the other; and swaps likewise."""
    base, candidate = MADE[case](n)
    value = values()[case]
    rng = np.random.default_rng(1)
    gaps = []
    count = min(resamples, LOOPED[case]) if n > 10_000 else resamples
    started, before = time.process_time(), peak()
    for _ in range(count):
        rows = rng.integers(0, n, n)
        gaps.append(float(value(candidate[rows].sum(axis=0), n) - value(base[rows].sum(axis=0), n)))
    for _ in range(count):
        swap = (rng.random(n) < 0.5)[:, None]
        one, two = np.where(swap, candidate, base).sum(axis=0), np.where(swap, base, candidate).sum(axis=0)
        value(two, n) - value(one, n)
    seconds = time.process_time() - started
    low, high = np.quantile(gaps, [0.025, 0.975])
    found = (float(low), float(high), float(np.std(gaps, ddof=1)))
    return {"seconds": seconds * resamples / count, "peak": peak(), "before": before, "found": found}


def sacrebleu(case: str, n: int, resamples: int) -> dict[str, Any]:
    """sacrebleu's paired bootstrap on the same counts (text is not read: its counts are handed over)."""
    from sacrebleu.metrics import BLEU
    from sacrebleu.significance import _paired_bs_test

    base, candidate = (side.astype(int).tolist() for side in bleu_rows(n))

    class Counted(BLEU):
        def _extract_corpus_statistics(self, hypotheses: Any, references: Any) -> Any:
            return candidate

    metric = Counted()
    result = metric._aggregate_and_compute(base)
    started, before = time.process_time(), peak()
    found = _paired_bs_test({"BLEU": (base, result)}, "two", [""] * n, None, {"BLEU": metric}, resamples, seed=1)
    seconds = time.process_time() - started
    score = found[1]["BLEU"]
    delta = float(score.score - result.score)
    made = bleu_rows(n)
    value = values()["bleu"]
    exact = float(value(made[1].sum(axis=0), n) - value(made[0].sum(axis=0), n))
    return {
        "seconds": seconds, "peak": peak(), "before": before,
        "found": (delta, exact - delta, float(score.p_value)),
    }  # fmt: skip


def slices(case: str, n: int, resamples: int) -> dict[str, Any]:
    """What a user calls: records of both sides, five items a cluster, slices that overlap."""
    from harness.comparisons.pair_comparison import compare

    gold, *sides = answers(n)
    labels = tuple(f"c{place}" for place in range(CLASSES))
    numbers = range(n)
    made = []
    for side in sides:
        table = pa.table(
            {
                "item_id": [f"{row:07}" for row in numbers],
                "item_digest": [str(row) for row in numbers],
                "status": ["ok"] * n,
                "clusters": [json.dumps({"parent": str(row // 5)}) for row in numbers],
                "slices": [
                    [f"ten={row % 10}", f"half={row % 2}", *(["odd=third"] * (row % 3 == 0))] for row in numbers
                ],
                "target": [labels[place] for place in gold.tolist()],
                "prediction": [labels[place] for place in side.tolist()],
                "truncated": [0] * n,
            }
        )
        made.append(Records(RecordsHead("reviews", "digest", "head"), table))
    [metric] = build_metrics(["f1_macro"], MetricContext(labels=labels))
    started, before = time.process_time(), peak()
    found = compare(
        Pair("reviews", "base", "tuned"), PairedRecords(*made), metric, settings=InferenceSettings(resamples=resamples)
    )
    assert len(found) == 14
    first = found[0]
    return {
        "seconds": time.process_time() - started, "peak": peak(), "before": before,
        "found": (first.delta.low, first.delta.high, first.delta.standard_error),
    }  # fmt: skip


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


WAYS = {"ours": ours, "interval": interval, "loop": loop, "sacrebleu": sacrebleu, "slices": slices}


def alone(way: str, case: str, n: int, resamples: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", way, case, str(n), str(resamples)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def in_turn(ways: list[str], case: str, n: int, resamples: int, times: int) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = [[] for _ in ways]
    for _ in range(times):
        for place, way in enumerate(ways):
            found[place].append(alone(way, case, n, resamples))
    return found


def seconds(runs: list[dict[str, Any]]) -> str:
    times = sorted(run["seconds"] for run in runs)
    return f"{times[len(times) // 2]:.3g} s ({times[0]:.3g}–{times[-1]:.3g})"


def ratio(peer: list[dict[str, Any]], own: list[dict[str, Any]]) -> str:
    """The smallest of the ratios within one turn."""
    ratios = sorted(other["seconds"] / mine["seconds"] for other, mine in zip(peer, own, strict=True))
    return f"{ratios[len(ratios) // 2]:.0f} × ({ratios[0]:.0f}–{ratios[-1]:.0f})"


def memory(runs: list[dict[str, Any]]) -> str:
    most = max(runs, key=lambda run: run["peak"])
    return f"{most['peak'] / 1e6:.0f} MB ({(most['peak'] - most['before']) / 1e6:.0f} above the data)"


def section(n: int, resamples: int, times: int) -> str:
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    setting = (
        f"{n:,} paired items, {resamples:,} resamples. {platform.machine()}, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS={threads}, numpy {np.__version__}, Python {platform.python_version()}. Median of {times} "
        "runs (least–most), in turn with the peer, in seconds of processor time. Memory is the whole process's peak."
    )
    lines = [
        setting,
        "",
        "| what | time | goal | plain loop, scaled | ratio | memory |",
        "|---|---|---|---|---|---|",
    ]
    for case in ("accuracy", "f1", "bleu"):
        own, looped = in_turn(["ours", "loop"], case, n, resamples, times)
        lines.append(
            f"| {TITLES[case]} | {seconds(own)} | {GOALS[case]} s | {seconds(looped)} | {ratio(looped, own)} | "
            f"{memory(own)} |"
        )
        say(lines[-1])
    [sliced] = in_turn(["slices"], "slices", n, resamples, times)
    lines.append(f"| {TITLES['slices']} | {seconds(sliced)} | {GOALS['slices']} s | – | – | {memory(sliced)} |")
    say(lines[-1])
    lines += ["", *agreement(times)]
    return "\n".join(lines)


def agreement(times: int) -> list[str]:
    """The same results as the peers at a size that they can handle in full."""
    lines = [
        "At 2,000 items where nothing else is said, 1,000 resamples on both sides:",
        "",
        "| what | time | peer | ratio | difference of the results |",
        "|---|---|---|---|---|",
    ]
    for case in ("f1", "bleu"):
        own, looped = in_turn(["ours", "loop"], case, 2_000, 1_000, times)
        mine, other = own[0]["found"], looped[0]["found"]
        apart = max(abs(a - b) for a, b in zip(mine[:2], other[:2], strict=True)) / other[2]
        lines.append(
            f"| {TITLES[case]} | {seconds(own)} | plain loop {seconds(looped)} | {ratio(looped, own)} | end points at "
            f"most {apart:.2f} standard errors apart (BCa against percentile), standard errors by "
            f"{abs(mine[2] / other[2] - 1):.1%} |"
        )
        say(lines[-1])
    for n in (2_000, 10_000):
        own, alone_, peer = in_turn(["ours", "interval", "sacrebleu"], "bleu", n, 1_000, times)
        lines.append(
            f"| corpus BLEU, {n:,} items | {seconds(alone_)} the bootstrap, {seconds(own)} with the test | sacrebleu's "
            f"paired bootstrap {seconds(peer)} | {ratio(peer, alone_)}, {ratio(peer, own)} | scores differ by "
            f"{peer[0]['found'][0]:.4f} on both sides, {abs(peer[0]['found'][1]):.0e} apart; memory {memory(own)} "
            f"against {memory(peer)} |"
        )
        say(lines[-1])
    return lines


def write(text: str) -> None:
    page = PAGE.read_text("utf-8") if PAGE.is_file() else "# Performance\n"
    if START not in page:
        page += f"\n## Statistics\n\n{START}\n{END}\n"
    before, _, rest = page.partition(START)
    command = "`python benchmarks/resampling.py --write` made this table."
    atomic.write_text(PAGE, f"{before}{START}\n{text}\n\n{command}\n{END}{rest.partition(END)[2]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        way, case, n, resamples = given.one
        say(json.dumps(WAYS[way](case, int(n), int(resamples))))
        return
    text = section(given.items, given.resamples, given.times)
    say(text)
    if given.write:
        write(text)


if __name__ == "__main__":
    main()
