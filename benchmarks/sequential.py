"""Continuous looking at gates: how often they pass wrongly, and how many items they save.

    python benchmarks/sequential.py            # prints the table
    python benchmarks/sequential.py --write    # also rewrites the section of docs/statistics.md between its markers

Wrong passes: the truth lies at the margin, and the gate is judged after every batch of `--until-decided` (20% more
items each) from 50 to 5,000 items, or three times. Items: the true effect is twice what the fixed design of n items
finds with 80% power, and the run stops when the gate is decided.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.core.interval import Interval
from harness.statistics.anytime import asymptotic, bounded_mean
from harness.statistics.clusters import Groups
from harness.statistics.distributions import normal_isf
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference
from harness.statistics.t_intervals import linear_figure, mean_influence, ratio_influence
from harness.storage import atomic

PAGE = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"
START, END = "<!-- sequential: start -->", "<!-- sequential: end -->"
Array = npt.NDArray[np.float64]
ALPHA = 0.05
LAST = 5_000
Method = Callable[[Array, "list[str] | None"], Interval]


def paired(rng: np.random.Generator, n: int, mean: float) -> Array:
    """Paired 0/1 answers of which 15% differ."""
    changed = rng.random(n) < 0.15
    return np.where(changed, np.where(rng.random(n) < (1 + mean / 0.15) / 2, 1.0, -1.0), 0.0)


def scores(rng: np.random.Generator, n: int, mean: float) -> Array:
    """Differences of scores in [0, 1], such as F1 of an answer."""
    return np.clip(rng.beta(4, 4, n) * 0.8 - 0.4 + mean, -1, 1)


def clustered(rng: np.random.Generator, n: int, mean: float) -> Array:
    """Paired 0/1 answers in clusters of five that share half of what they have."""
    shared = np.repeat(paired(rng, -(-n // 5), mean), 5)[:n]
    return np.where(rng.random(n) < 0.5, shared, paired(rng, n, mean))


def documents(rng: np.random.Generator, n: int, mean: float) -> Array:
    """Bits per byte: a ratio of sums over documents of lognormal lengths."""
    sizes = rng.lognormal(0, 0.7, n)
    return np.column_stack([sizes * (mean + rng.normal(0, 0.3, n)), sizes])


def betting(values: Array, names: list[str] | None) -> Interval:
    return bounded_mean(values, Groups.of(names, len(values)), (-1, 1), 0.95, (ALPHA,))


def ratio(values: Array, names: list[str] | None) -> Interval:
    groups = Groups.of(names, len(values))
    value = float(values[:, 0].sum() / values[:, 1].sum())
    made = linear_figure(value, ratio_influence(*values.T), groups, 1.0, InferenceSettings(alphas=()), values[:, 1])
    return asymptotic(made.interval.with_value(value), groups.count, (ALPHA,))


def mean(values: Array, names: list[str] | None) -> Interval:
    groups = Groups.of(names, len(values))
    value = float(values.mean())
    made = linear_figure(value, mean_influence(values), groups, 1.0, InferenceSettings(alphas=()))
    return asymptotic(made.interval.with_value(value), groups.count, (ALPHA,))


def planned(kind: str) -> Method:
    """The figure's own method at a third of alpha; the bounds are read at alpha as all methods' here."""

    def bounds(values: Array, names: list[str] | None) -> Interval:
        columns = values.reshape(len(values), -1)
        before = np.column_stack([np.zeros(len(values)), columns[:, 1:]])
        if kind == "shares":
            before, columns = (columns < 0).astype(float), (columns > 0).astype(float)
        rule = (lambda sums, _: sums[..., 0] / sums[..., 1]) if kind == "ratio" else (lambda sums, n: sums[..., 0] / n)
        made = difference(
            before,
            columns,
            kind="ratio" if kind == "ratio" else "mean",
            value=rule,
            clusters=names,
            settings=InferenceSettings(alphas=(ALPHA / 3,)),
        )
        bound = made.delta.at(ALPHA / 3)
        if made.unmet or bound.low is None or bound.high is None:
            return Interval.undefined(0.95, (ALPHA,))
        ends = (bound.low, bound.high)
        return Interval.of(lambda _: ends, 0.95, (ALPHA,), value=made.delta.value)

    return bounds


CASES: dict[str, tuple[Callable[[np.random.Generator, int, float], Array], Method, float, int]] = {
    "paired shares, 15% differ (betting)": (paired, betting, 0.15, 1),
    "scores in [0, 1] (betting)": (scores, betting, 0.0178, 1),
    "paired shares in clusters of 5 (betting)": (clustered, betting, 0.15 * 2, 5),
    "scores in [0, 1] (asymptotic)": (scores, mean, 0.0178, 1),
    "bits per byte, lognormal lengths (asymptotic)": (documents, ratio, 0.09 * math.exp(0.49), 1),
    "paired shares (3 looks)": (paired, planned("shares"), 0.15, 1),
    "scores in [0, 1] (3 looks)": (scores, planned("mean"), 0.0178, 1),
    "paired shares in clusters of 5 (3 looks)": (clustered, planned("shares"), 0.15 * 2, 5),
    "bits per byte, lognormal lengths (3 looks)": (documents, planned("ratio"), 0.09 * math.exp(0.49), 1),
}


def looks(case: str, first: int, last: int) -> list[int]:
    few = "3 looks" in case
    growth = math.sqrt(last / first) if few else 1.2
    sizes = [first]
    while sizes[-1] < last:
        sizes.append(min(last, math.ceil(sizes[-1] * growth)))
    return sizes


def judged(method: Method, values: Array, size: int, margin: float, sizes: list[int]) -> tuple[str, int]:
    """Non-inferiority with a margin, until it is decided."""
    for n in sizes:
        names = None if size == 1 else [f"c{k // size}" for k in range(n)]
        bound = method(values[:n], names).at(ALPHA)
        if bound.low is not None and bound.low >= -margin:
            return "pass", n
        if bound.high is not None and bound.high < -margin:
            return "fail", n
    return "open", sizes[-1]


def wrong(case: str, samples: int, margin: float = 0.02) -> float:
    made, method, _, size = CASES[case]
    rng = np.random.default_rng(0)
    passes = sum(
        judged(method, made(rng, LAST, -margin), size, margin, looks(case, 50, LAST))[0] == "pass"
        for _ in range(samples)
    )
    return passes / samples


def share_of_items(case: str, fixed: int, samples: int, margin: float = 0.02) -> float:
    """Items that a run stops at, as a share of the fixed design's."""
    made, method, variance, size = CASES[case]
    found = (normal_isf(ALPHA) + normal_isf(0.2)) * math.sqrt(variance / fixed)
    rng = np.random.default_rng(1)
    last = fixed if "3 looks" in case else 6 * fixed
    stops = [
        judged(method, made(rng, last, 2 * found - margin), size, margin, looks(case, 50, last))[1]
        for _ in range(samples)
    ]
    return float(np.mean(stops)) / fixed


def table(samples: int) -> str:
    sizes = (200, 500, 1000)
    head = (
        "| gates under continuous looking | wrong passes | " + " | ".join(f"items at n = {n:,}" for n in sizes) + " |"
    )
    lines = [head, "|---" * (2 + len(sizes)) + "|"]
    for case in CASES:
        shares = [f"{share_of_items(case, n, max(60, samples // 4)):.0%}" for n in sizes]
        lines.append(f"| {case} | {wrong(case, samples):.1%} | {' | '.join(shares)} |")
        sys.stderr.write(lines[-1] + "\n")
    error = 1.96 * math.sqrt(0.05 * 0.95 / samples)
    note = (
        f"{samples} samples (Monte Carlo error of 5%: {error:.1%}), `python benchmarks/sequential.py --write`. Wrong "
        "passes: the truth is at the\nmargin, looks from 50 to 5,000 items (20% more each, or three in all). Items: "
        "those that a run stops at, where the true effect is twice what\na fixed design of n items finds with 80% "
        "power, as a share of n (of n, where three looks end)."
    )
    return "\n".join([*lines, "", note])


def main() -> None:
    """Prints the table, and writes it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    made = table(options.samples)
    sys.stdout.write(made + "\n")
    if options.write:
        page = PAGE.read_text("utf-8")
        before, after = page.split(START)[0], page.split(END)[1]
        atomic.write_text(PAGE, f"{before}{START}\n{made}\n{END}{after}")


if __name__ == "__main__":
    main()
