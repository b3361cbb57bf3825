"""Adjusted p-values of slices that overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.statistics.multiplicity import holm
from harness.statistics.paired_difference import difference
from harness.statistics.resampling.westfall_young import SlicedSides, max_t


def mean(sums: Any, n: Any) -> Any:
    return sums[..., 0] / n


def sliced(change: Any, codes: Any) -> SlicedSides:
    base = np.zeros((len(change), 1))
    return SlicedSides(base, np.asarray(change)[:, None], np.asarray(codes))


def test_equal_slices_count_once() -> None:
    """Ten copies of one slice: Holm multiplies its p by ten, max-T leaves it."""
    change = np.random.default_rng(0).normal(0.18, 1, 200)
    copies = [sliced(change, np.arange(200)) for _ in range(10)]
    adjusted = max_t(copies, mean, 200, 4000)
    plain = difference(np.zeros((200, 1)), change[:, None], kind="mean", value=mean).p
    assert adjusted == pytest.approx([plain] * 10, abs=0.012)
    assert holm([plain] * 10)[0] > 5 * plain


def test_separate_slices_are_about_what_holm_says() -> None:
    rng = np.random.default_rng(1)
    changes = [rng.normal(gain, 1, 100) for gain in (0.35, 0.0, 0.0, 0.1)]
    slices = [sliced(change, 100 * k + np.arange(100)) for k, change in enumerate(changes)]
    adjusted = max_t(slices, mean, 400, 4000)
    plain = [difference(np.zeros((100, 1)), c[:, None], kind="mean", value=mean).p for c in changes]
    assert adjusted == pytest.approx(np.minimum(holm(plain), 1), abs=0.2)
    assert adjusted[0] == pytest.approx(holm(plain)[0], abs=0.02)
    assert np.argsort(adjusted, kind="stable")[0] == 0


def test_any_false_claim_among_nested_slices_is_as_rare_as_alpha() -> None:
    rng = np.random.default_rng(2)
    false = 0
    for sample in range(120):
        change = np.repeat(rng.normal(0, 1, 40), 5) + rng.normal(0, 1, 200)
        codes = np.repeat(np.arange(40), 5)
        slices = []
        for part in (slice(0, 200), slice(0, 150), slice(0, 100), slice(50, 200), slice(100, 200)):
            rows, clusters = change[part], codes[part]
            slices.append(sliced(rows, clusters))
        false += bool((max_t(slices, mean, 40, 199, seed=sample) <= 0.05).any())
    assert false <= 13  # 5% of 120 is 6; more than 13 has a probability of 0.4%


def test_what_slices_weigh_does_not_depend_on_which_side_is_which() -> None:
    """Swapping the sides of clusters changes only what is observed: the spread of all swaps stays, so p stays exact."""
    rng = np.random.default_rng(4)
    change, signs = rng.exponential(1, (2, 6)), np.array([(1 - 2 * ((k >> np.arange(6)) & 1)) for k in range(64)])
    counts = []
    for flips in signs:
        slices = [sliced(row * flips, np.arange(6)) for row in change]
        counts.append(float(max_t(slices, mean, 6, 4000).min()))
    # Of the 64 equally likely worlds at most a share p has a smallest p of p, within the error of the draws.
    for level in (0.1, 0.2, 0.4):
        assert np.mean(np.array(counts) <= level - 0.02) <= level
