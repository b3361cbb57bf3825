"""Coverage and false alarms by simulation: does a 95% interval hold the truth in 95% of samples?

    OMP_NUM_THREADS=1 python benchmarks/simulations.py            # about six minutes
    OMP_NUM_THREADS=1 python benchmarks/simulations.py --write    # also rewrites the section of docs/statistics.md

Populations are those of tests/support/harness_support/simulation.py, and a few more here. Samples draw whole clusters.
An interval that is undefined counts as a miss.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests" / "support"))

import argparse  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import replace  # noqa: E402

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
import pyarrow as pa  # noqa: E402
from harness_support.metric_samples import mean  # noqa: E402
from harness_support.simulation import Population, accuracy, bits_per_byte, f1, margins  # noqa: E402
from scipy import stats  # noqa: E402

from harness.core.metric import MetricContext  # noqa: E402
from harness.core.records import Records, RecordsHead  # noqa: E402
from harness.metrics.build_metrics import build_metrics  # noqa: E402
from harness.statistics.clusters import Groups  # noqa: E402
from harness.statistics.crossed_seeds import crossed  # noqa: E402
from harness.statistics.estimate import estimate  # noqa: E402
from harness.statistics.inference_settings import InferenceSettings  # noqa: E402
from harness.statistics.paired_difference import difference  # noqa: E402
from harness.statistics.t_intervals import cluster_error  # noqa: E402
from harness.storage import atomic  # noqa: E402

PAGE = HERE.parent / "docs" / "statistics.md"
START, END = "<!-- simulations: start -->", "<!-- simulations: end -->"
RESAMPLES = 500
Array = npt.NDArray[np.float64]
Make = Callable[[int], Population]


def calibration(size: int = 1, clusters: int = 40_000) -> Population:
    """Debiased calibration error of two models, the second one overconfident."""
    rng = np.random.default_rng(15)
    n = clusters * size
    sure = rng.beta(6, 2, n)
    [metric] = build_metrics(["ece"], MetricContext())
    sides = []
    for shift in (0.03, 0.08):
        confidence = np.clip(sure + shift * rng.random(n), 0.01, 0.999)
        table = {"status": ["ok"] * n, "stat.confidence": confidence, "stat.correct": (rng.random(n) < sure) * 1.0}
        rows = metric.stats(Records(RecordsHead("e", "d", "head"), pa.table(table)))
        sides.append(rows.reshape(clusters, size, -1))
    return Population(sides[0], sides[1], "additive", metric.value)


def rare(share: float) -> Make:
    """0/1 answers that change on a small share of items, more often to right than to wrong."""

    def made(size: int) -> Population:
        rng = np.random.default_rng(16)
        chance = rng.beta(share * 4, (1 - share) * 4, 40_000)[:, None]
        draws = rng.random((40_000, size))
        fixed, broken = draws < 0.7 * chance, (draws >= 0.7 * chance) & (draws < chance)
        base = np.where(fixed, 0.0, np.where(broken, 1.0, 1.0 * (rng.random((40_000, size)) < 0.8)))
        candidate = np.where(fixed, 1.0, np.where(broken, 0.0, base))
        return Population(base[..., None], candidate[..., None], "mean", mean)

    return made


def measured(population: Population, clusters: int, runs: int) -> str:
    """coverage of δ / wrong passes / false alarms / coverage of the level, in %."""
    rng = np.random.default_rng(0)
    truth, level = population.truth, population.level(population.base)
    held = passed = alarms = levels = 0
    for draw in range(runs):
        base, candidate, names = population.sample(rng, clusters)
        common = {"kind": population.kind, "value": population.value, "clusters": names}
        settings = InferenceSettings(resamples=RESAMPLES, seed=draw)
        found = difference(base, candidate, settings=settings, **common)
        held += found.delta.known and found.delta.low <= truth <= found.delta.high
        passed += found.delta.known and found.delta.at(0.05).low > truth
        size = population.base.shape[1]
        coin = np.repeat(rng.random(clusters) < 0.5, size)[:, None]
        one, two = np.where(coin, candidate, base), np.where(coin, base, candidate)
        alarms += difference(one, two, settings=replace(settings, only_test=True), **common).p <= 0.05
        own = estimate(base, settings=settings, **common)
        levels += own.interval.known and own.interval.low <= level <= own.interval.high
    return " / ".join(f"{100 * count / runs:.1f}" for count in (held, passed, alarms, levels))


def table(title: str, columns: list[int], rows: list[tuple[str, Make, int, int]], size: int) -> list[str]:
    """One line a population; a column of fewer clusters than its least is left out."""
    heads = " | ".join(f"{count:,}" for count in columns)
    lines = [f"| {title} | samples | {heads} |", "|---" * (len(columns) + 2) + "|"]
    for name, make, runs, least in rows:
        population = make(size)
        cells = [measured(population, count, runs) if count >= least else "–" for count in columns]
        lines.append(f"| {name} | {runs:,} | {' | '.join(cells)} |")
        say(lines[-1])
    return lines


def unequal(runs: int) -> list[str]:
    """A mean over few clusters of very unequal size: how often the truth is rejected at 5%."""
    counts = [4, 5, 8, 12, 19, 30, 39]
    lines = [f"| clusters | {' | '.join(map(str, counts))} |", "|---" * (len(counts) + 1) + "|"]
    for name, even, skewed in (
        ("equal sizes", True, False), ("unequal sizes", False, False), ("unequal sizes, skewed means", False, True),
    ):  # fmt: skip
        cells = []
        for count in counts:
            rng = np.random.default_rng(1)
            limit, robust, student = stats.t.isf(0.025, count - 1), 0, 0
            for _ in range(runs):
                sizes = np.full(count, 10.0) if even else np.maximum(1, np.round(rng.lognormal(1.5, 1.0, count)))
                centers = rng.gamma(1, 1, count) - 1 if skewed else rng.normal(0, 1, count)
                sums = (centers * sizes + rng.normal(0, 1, count) * np.sqrt(sizes)) / sizes.sum()
                shares, center = sizes / sizes.sum(), float(sums.sum())
                residuals = sums - shares * center
                own = cluster_error(residuals, Groups.of(None, count), 1.0, shares)
                robust += abs(center) > stats.t.isf(0.025, own.df) * own.standard_error
                error = np.sqrt(count / (count - 1) * np.sum((sums - shares * center) ** 2))
                student += abs(center) > limit * error
            cells.append(f"{100 * robust / runs:.1f} / {100 * student / runs:.1f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
        say(lines[-1])
    return lines


def seeds(runs: int) -> list[str]:
    """Crossed seeds and 400 items: coverage with K − 1 degrees of freedom, by seeds alone, by items alone."""
    spreads = [0.0, 0.01, 0.02, 0.05]
    lines = [
        f"| seeds | {' | '.join(f'spread of seeds {spread:g}' for spread in spreads)} |",
        "|---" * (len(spreads) + 1) + "|",
    ]
    zero = np.zeros((400, 1))
    for k in (3, 5, 10):
        cells = []
        for spread in spreads:
            rng = np.random.default_rng(2)
            hits = [0, 0, 0]
            for _ in range(runs):
                rows = rng.normal(0, spread, (k, 1)) + rng.normal(0, 0.3, 400) + rng.normal(0, 0.2, (k, 400))
                found = crossed([zero], [row[:, None] for row in rows], kind="mean", value=mean)
                hits[0] += found.interval.low <= 0 <= found.interval.high
                hits[1] += abs(found.interval.value) <= stats.t.isf(0.025, k - 1) * np.sqrt(found.seed)
                hits[2] += abs(found.interval.value) <= stats.t.isf(0.025, 399) * np.sqrt(found.items)
            cells.append(" / ".join(f"{100 * hit / runs:.1f}" for hit in hits))
        lines.append(f"| {k} | {' | '.join(cells)} |")
        say(lines[-1])
    return lines


def section(scale: float) -> str:
    plain, drawn = max(20, int(1000 * scale)), max(20, int(400 * scale))
    started = time.perf_counter()
    what = (
        f"Bootstraps take {RESAMPLES} resamples here. Monte Carlo error of a share of 95%: 0.7 points with 1,000 "
        "samples, 1.1 with 400, 1.5 with 200."
    )
    entries = (
        "Entries: coverage of δ (95) / wrong passes: samples whose one-sided 95% lower bound lies above the truth "
        "(5) / false alarms: p ≤ 0.05 between exchangeable sides (5) / coverage of the level (95), in %."
    )
    lines = [what, "", entries, ""]
    lines += table(
        "items, no clusters",
        [20, 30, 100, 200, 500, 2000],
        [
            ("accuracy (Tango, McNemar, Wilson)", accuracy, plain, 0),
            ("macro F1 (BCa, side swaps)", f1, drawn, 0),
            ("bits per byte (linearized t)", bits_per_byte, plain, 0),
            ("skewed mean (t)", margins, plain, 0),
            ("calibration error, debiased (BCa, side swaps)", calibration, drawn // 2, 100),
        ],
        1,
    )
    lines += [""]
    lines += table(
        "clusters of 5 items",
        [10, 20, 40, 100, 400],
        [
            ("accuracy (Tango n*, sign flips, Wilson n*)", accuracy, plain, 0),
            ("accuracy, 1% change", rare(0.01), plain, 0),
            ("accuracy, 3% change", rare(0.03), plain, 0),
            ("accuracy, 10% change", rare(0.10), plain, 0),
            ("macro F1 (BCa, side swaps)", f1, drawn, 0),
            ("bits per byte (robust t)", bits_per_byte, drawn, 0),
            ("skewed mean (robust t)", margins, drawn, 0),
        ],
        5,
    )
    rejected = (
        f"Rejections of the truth at 5% ({drawn:,} samples): jackknife errors with Satterthwaite's degrees of freedom"
    )
    lines += ["", f"{rejected} / plain errors with C − 1, in %:", ""]
    lines += unequal(drawn)
    over = (
        f"Coverage over training seeds ({plain:,} samples; spread of items 0.3, of the interaction 0.2), in %: crossed "
        "with K − 1 degrees of freedom / seeds as the only clusters / items as the only clusters:"
    )
    lines += ["", over, ""]
    lines += seeds(plain)
    say(f"{time.perf_counter() - started:.0f} s")
    return "\n".join(lines)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write(text: str) -> None:
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(START)
    command = "`OMP_NUM_THREADS=1 python benchmarks/simulations.py --write` made these tables."
    atomic.write_text(PAGE, f"{before}{START}\n{text}\n\n{command}\n{END}{rest.partition(END)[2]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the samples")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    text = section(given.scale)
    say(text)
    if given.write:
        write(text)


if __name__ == "__main__":
    main()
