"""Bounds that hold at every number of items at once."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.core.interval import Interval
from harness.statistics.anytime import asymptotic, asymptotic_ratio, bounded_mean, reach_factor
from harness.statistics.clusters import Groups


def test_bounds_are_where_the_bets_win() -> None:
    """Against the martingale multiplied out item by item, in the order of asking."""
    values = np.random.default_rng(0).integers(0, 2, 80).astype(float)
    low = bounded_mean(values, Groups.of(None, 80), (0, 1), 0.95, (0.05,)).at(0.05).low
    assert low is not None
    bets = np.geomspace(2.0**-9, 0.98, 48)
    weights = (1 + np.log(1 / bets)) ** -3
    weights /= weights.sum()

    def wealth(mean: float) -> float:
        product = np.ones(48)
        for value in values:
            product *= 1 + bets * (value / mean - 1)
        return float(weights @ product)

    assert wealth(low) == pytest.approx(20, rel=1e-6)
    assert wealth(low * 0.99) > 20 > wealth(low * 1.01)


def test_no_order_no_side_and_no_scale_matters() -> None:
    rng = np.random.default_rng(1)
    values = rng.random(200)
    groups = Groups.of([f"c{k % 70}" for k in range(200)], 200)
    plain = bounded_mean(values, groups, (0, 1), 0.95, (0.05,))
    mirrored = bounded_mean(1 - values, groups, (0, 1), 0.95, (0.05,))
    scaled = bounded_mean(10 * values - 5, groups, (-5, 5), 0.95, (0.05,))
    assert plain.low is not None
    assert plain.high is not None
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - plain.high, 1 - plain.low), abs=1e-9)
    assert (scaled.low, scaled.high) == pytest.approx((10 * plain.low - 5, 10 * plain.high - 5), abs=1e-9)
    order = rng.permutation(200)
    shuffled = Groups.of([f"c{k % 70}" for k in order], 200)
    assert bounded_mean(values[order], shuffled, (0, 1), 0.95, (0.05,)).low == pytest.approx(plain.low, abs=1e-12)


def test_clusters_count_as_one_bet() -> None:
    """Items copied ten times as a cluster say no more than once."""
    values = np.random.default_rng(2).random(50)
    once = bounded_mean(values, Groups.of(None, 50), (0, 1), 0.95, ())
    names = [f"c{k}" for k in range(50) for _ in range(10)]
    copied = bounded_mean(np.repeat(values, 10), Groups.of(names, 500), (0, 1), 0.95, ())
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high), abs=1e-9)


def test_all_right_and_all_wrong_stay_inside() -> None:
    ones = bounded_mean(np.ones(100), Groups.of(None, 100), (0, 1), 0.95, (0.05,))
    assert ones.high == 1
    assert 0.9 < (ones.at(0.05).low or 0) < 1
    zeros = bounded_mean(np.zeros(3), Groups.of(None, 3), (0, 1), 0.95, (0.05,))
    assert zeros.low == 0


def test_the_asymptotic_sequence_follows_its_formula() -> None:
    """Robbins' mixture, one-sided; about 400 clusters it is as narrow as it gets."""
    interval = asymptotic(Interval(value=1.0, standard_error=0.1), 400, (0.05,))
    assert interval.at(0.05).low == pytest.approx(1 - 0.1 * reach_factor(400, 0.05))
    tail = -2 * math.log(0.1)
    rho2 = (tail + math.log(1 + tail) + 1) / 400
    expected = math.sqrt(2 * (400 * rho2 + 1) / (400 * rho2) * math.log(1 + math.sqrt(400 * rho2 + 1) / 0.1))
    assert reach_factor(400, 0.05) == pytest.approx(expected)
    assert not asymptotic(Interval(value=1.0, standard_error=0.1), 29, (0.05,)).known
    assert not asymptotic(Interval(value=1.0), 400, (0.05,)).known


def test_a_ratio_is_bounded_on_its_log_scale() -> None:
    ratio = Interval(value=1.02, low=1.02 / 1.04, high=1.02 * 1.04)
    made = asymptotic_ratio(ratio, 500, (0.05,))
    bound = made.at(0.05)
    assert bound.low is not None
    assert bound.high is not None
    assert bound.low * bound.high == pytest.approx(1.02**2)
    assert bound.high > 1.02 * 1.04 ** (1.645 / 1.96)


def test_large_effects_take_fewer_items_than_a_fixed_design() -> None:
    """An effect of twice what 500 items find: scores that vary little within their range take at most 60% of them."""
    rng = np.random.default_rng(5)
    found = 2.49 * 0.1334 / math.sqrt(500)
    stops = []
    for _ in range(30):
        change = np.clip(0.8 * rng.beta(4, 4, 600) - 0.4 + 2 * found, -1, 1)
        lows = ((n, bounded_mean(change[:n], Groups.of(None, n), (-1, 1), 0.95, (0.05,)).at(0.05).low) for n in
                range(100, 601, 25))  # fmt: skip
        stops.append(next((n for n, low in lows if low is not None and low > 0), 600))
    assert np.mean(stops) < 0.6 * 500


@pytest.mark.parametrize("kind", ["paired shares", "a ratio"])
def test_continuous_looking_passes_wrongly_no_more_often_than_alpha(kind: str) -> None:
    """Looks every 20 items from 40 to 600, at the margin itself: a small part of `benchmarks/sequential.py`."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(60):
        for n in range(600, 39, -80):
            if n == 600:
                change = np.where(rng.random(n) < 0.2, np.where(rng.random(n) < 0.5, 1.0, -1.0), 0.0)
                noise = rng.gamma(2, 1, n) - 2
            if kind == "paired shares":
                low = bounded_mean(change[:n], Groups.of(None, n), (-1, 1), 0.95, (0.05,)).at(0.05).low
            else:
                error = float(noise[:n].std(ddof=1)) / math.sqrt(n)
                row = Interval(value=float(noise[:n].mean()), standard_error=error)
                low = asymptotic(row, n, (0.05,)).at(0.05).low
            if low is not None and low > 0:
                wrong += 1
                break
    assert wrong <= 7  # 5% of 60 is 3; more than 7 has a probability of 1%


def test_the_package_confseq_agrees_where_it_is_installed() -> None:
    """Its betting interval of the same data is an oracle of size, not of digits: its bets are others."""
    betting = pytest.importorskip("confseq.betting")
    values = np.random.default_rng(4).integers(0, 2, 300).astype(float)
    low, high = betting.betting_cs(values, alpha=0.05)
    ours = bounded_mean(values, Groups.of(None, 300), (0, 1), 0.95, ())
    assert ours.low is not None
    assert ours.high is not None
    assert ours.high - ours.low == pytest.approx(high[-1] - low[-1], rel=0.25)
