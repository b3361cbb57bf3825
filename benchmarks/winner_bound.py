"""Coverage of the bound of the best of k checkpoints: naive, paid for (alpha / k), and chosen on other data.

    OMP_NUM_THREADS=1 python benchmarks/winner_bound.py [--runs 2000]

All checkpoints are equally good, the worst case for a winner. Their answers to an item agree with the correlation rho,
as those of neighboring checkpoints do. The bound is the lower one-sided 95% bound of candidate minus baseline.
It covers when it is not above the true difference; nominal coverage is 95%.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from scipy import stats

from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference

ITEMS = 200
ALPHA = 0.05


def answers(rng: np.random.Generator, k: int, rho: float, share: float) -> np.ndarray:
    """[k, ITEMS] of 0 and 1 with mean `share`, correlated over checkpoints by a common part."""
    common = rng.standard_normal(ITEMS)
    own = rng.standard_normal((k, ITEMS))
    return ((np.sqrt(rho) * common + np.sqrt(1 - rho) * own) < stats.norm.ppf(share)) * 1.0


def low(base: np.ndarray, candidate: np.ndarray, alpha: float) -> float:
    """The lower one-sided bound as a run takes it."""
    made = difference(
        base[:, None],
        candidate[:, None],
        kind="mean",
        value=lambda sums, count: sums[..., 0] / count,
        settings=InferenceSettings(alphas=(alpha,)),
    )
    return float(made.delta.bounds[0].low)


def coverage(k: int, rho: float, runs: int) -> tuple[float, float, float]:
    """Shares of runs in which the naive, the paid, and the validation-chosen bound hold."""
    rng = np.random.default_rng(1000 * k + int(100 * rho))
    truth, held = 0.1, np.zeros(3)
    for _ in range(runs):
        base = (rng.random(ITEMS) < 0.6) * 1.0
        test = answers(rng, k, rho, 0.6 + truth)
        validation = answers(rng, k, rho, 0.6 + truth)
        winner = test[test.mean(axis=1).argmax()]
        chosen = test[validation.mean(axis=1).argmax()]
        held += [
            low(base, winner, ALPHA) <= truth,
            low(base, winner, ALPHA / k) <= truth,
            low(base, chosen, ALPHA) <= truth,
        ]
    naive, paid, other = held / runs
    return float(naive), float(paid), float(other)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    sys.stdout.write("| k | rho | winner, 95% | winner, alpha / k | best on validation, 95% |\n|--:|--:|--:|--:|--:|\n")
    for k in (5, 20, 50):
        for rho in (0.0, 0.5, 0.9):
            naive, paid, other = coverage(k, rho, runs)
            sys.stdout.write(f"| {k} | {rho} | {naive:.1%} | {paid:.1%} | {other:.1%} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
