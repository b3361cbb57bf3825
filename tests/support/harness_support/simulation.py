"""Populations that samples are drawn from, with their true differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.statistics.estimate import estimate
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference
from harness.statistics.result import Difference
from harness_support.metric_samples import Array, answers, f1_rows, macro_f1, mean, ratio


@dataclass(frozen=True)
class Population:
    """Clusters of equal size; a sample draws whole clusters with replacement.

    Attributes:
        base, candidate: [clusters, size, k].
    """

    base: Array
    candidate: Array
    kind: Any
    value: Callable[..., Array]

    @property
    def truth(self) -> float:
        return self.level(self.candidate) - self.level(self.base)

    def level(self, side: Array) -> float:
        rows = side.reshape(-1, side.shape[-1])
        return float(self.value(rows.sum(axis=0), float(len(rows))))

    def sample(self, rng: np.random.Generator, clusters: int) -> tuple[Array, Array, list[str]]:
        drawn = rng.integers(0, len(self.base), clusters)
        size, k = self.base.shape[1:]
        names = np.repeat(np.arange(clusters), size).astype(str).tolist()
        return self.base[drawn].reshape(-1, k), self.candidate[drawn].reshape(-1, k), names


def compared(population: Population, rng: np.random.Generator, clusters: int, resamples: int, swap: bool) -> Difference:
    """Compares a sample; `swap` exchanges the sides of clusters at random, so that nothing differs."""
    base, candidate, names = population.sample(rng, clusters)
    if swap:
        coin = np.repeat(rng.random(clusters) < 0.5, population.base.shape[1])[:, None]
        base, candidate = np.where(coin, candidate, base), np.where(coin, base, candidate)
    return difference(
        base,
        candidate,
        kind=population.kind,
        value=population.value,
        clusters=names,
        settings=InferenceSettings(resamples=resamples, seed=int(rng.integers(2**31))),
    )


def coverage(population: Population, clusters: int, runs: int, resamples: int = 500, seed: int = 0) -> float:
    """How often the 95% interval of the difference holds the true one; undefined is a miss."""
    rng = np.random.default_rng(seed)
    found = [compared(population, rng, clusters, resamples, swap=False) for _ in range(runs)]
    return float(np.mean([one.delta.known and one.delta.low <= population.truth <= one.delta.high for one in found]))


def false_alarms(population: Population, clusters: int, runs: int, resamples: int = 500, seed: int = 0) -> float:
    """How often p ≤ 0.05 when the two sides are exchangeable."""
    rng = np.random.default_rng(seed)
    found = [compared(population, rng, clusters, resamples, swap=True) for _ in range(runs)]
    return float(np.mean([one.p <= 0.05 for one in found]))


def level_coverage(population: Population, clusters: int, runs: int, resamples: int = 500, seed: int = 0) -> float:
    """How often the 95% interval of the baseline's level holds the true one."""
    rng = np.random.default_rng(seed)
    truth, hits = population.level(population.base), 0
    for _ in range(runs):
        base, _, names = population.sample(rng, clusters)
        found = estimate(
            base,
            kind=population.kind,
            value=population.value,
            clusters=names,
            settings=InferenceSettings(resamples=resamples, seed=int(rng.integers(2**31))),
        )
        hits += found.interval.known and found.interval.low <= truth <= found.interval.high
    return hits / runs


def accuracy(size: int = 1, clusters: int = 40_000) -> Population:
    """Right or wrong; clusters share a difficulty and a shift between the sides."""
    rng = np.random.default_rng(11)
    difficulty = rng.beta(3, 1.2, clusters)[:, None]
    shift = rng.normal(0.02, 0.1 if size > 1 else 0.0, clusters)[:, None]
    common = rng.random((clusters, size)) < 0.7
    draws = rng.random((3, clusters, size))
    base = np.where(common, draws[0], draws[1]) < difficulty
    candidate = np.where(common, draws[0], draws[2]) < difficulty + shift
    return Population(base[..., None].astype(float), candidate[..., None].astype(float), "mean", mean)


def f1(size: int = 1, clusters: int = 40_000) -> Population:
    gold, one, two = answers(np.random.default_rng(12), clusters * size)
    shape = (clusters, size, 9)
    return Population(f1_rows(gold, one, 3).reshape(shape), f1_rows(gold, two, 3).reshape(shape), "additive", macro_f1)


def bits_per_byte(size: int = 1, clusters: int = 40_000) -> Population:
    rng = np.random.default_rng(13)
    bytes_ = np.round(rng.gamma(3, 80, (clusters, size))) + 10
    level = rng.gamma(40, 1 / 40, (clusters, 1))
    base = bytes_ * level * rng.normal(1.0, 0.1, (clusters, size))
    candidate = base * rng.normal(1.01, 0.04, (clusters, size)) * rng.normal(1.0, 0.03, (clusters, 1))
    return Population(np.stack([base, bytes_], -1), np.stack([candidate, bytes_], -1), "ratio", ratio)


def perplexity(size: int = 1) -> Population:
    rows = bits_per_byte(size)
    return Population(rows.base, rows.candidate, "additive", lambda sums, n: np.exp(ratio(sums, n)))


def margins(size: int = 1, clusters: int = 40_000) -> Population:
    """Skewed continuous values, such as a log-likelihood per item."""
    rng = np.random.default_rng(14)
    base = rng.gamma(1.0, 1.0, (clusters, size, 1))
    candidate = base * rng.gamma(20, 1 / 20, (clusters, size, 1)) + rng.normal(0.05, 0.2, (clusters, 1, 1))
    return Population(base, candidate, "mean", mean)
