"""One figure of several evaluations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.statistics.joint_figure import JointPart, mean_of_parts, worst_of_parts
from harness.statistics.paired_difference import difference
from harness.statistics.result import Kind


def mean(sums: Any, n: Any) -> Any:
    return sums[..., 0] / n


def made_of(base: Any, candidate: Any, names: list[str], kind: Kind = "mean", sign: float = 1.0) -> JointPart:
    value = mean if kind == "mean" else lambda sums, n: sums[..., 0] / sums[..., 1]
    change = difference(base, candidate, kind=kind, value=value, clusters=names)
    return JointPart.of(base, candidate, value, kind == "ratio", sign, names, change)


def part(rng: np.random.Generator, n: int, gain: float, prefix: str, spread: float = 1.0) -> tuple[JointPart, Any]:
    base = rng.normal(0, 1, (n, 1))
    candidate = base + gain + spread * rng.normal(0, 1, (n, 1))
    names = [f"{prefix}{k}" for k in range(n)]
    return made_of(base, candidate, names), (candidate - base)[:, 0]


def test_a_mean_of_independent_parts_adds_their_variances() -> None:
    rng = np.random.default_rng(0)
    (first, one), (second, two) = part(rng, 300, 0.1, "a"), part(rng, 200, 0.2, "b", 2.0)
    made = mean_of_parts([first, second], [1, 3])
    assert made.value == pytest.approx(0.25 * one.mean() + 0.75 * two.mean())
    error = np.hypot(0.25 * stats.sem(one), 0.75 * stats.sem(two))
    assert made.error.standard_error == pytest.approx(error, rel=0.01)
    assert made.n == made.clusters == 500


def test_pooled_items_are_the_plain_mean_of_all_items() -> None:
    rng = np.random.default_rng(1)
    (first, one), (second, two) = part(rng, 300, 0.1, "a"), part(rng, 100, 0.2, "b")
    made = mean_of_parts([first, second], [300, 100])
    everything = np.concatenate([one, two])
    assert made.value == pytest.approx(everything.mean())
    between = 300 * (one.mean() - everything.mean()) ** 2 + 100 * (two.mean() - everything.mean()) ** 2
    total = np.sum((everything - everything.mean()) ** 2) - between
    assert made.error.standard_error == pytest.approx(np.sqrt(total) / 400, rel=0.01)


def test_what_parts_share_is_one_cluster() -> None:
    """The same items in both parts: the error is that of one, not of twice as many."""
    rng = np.random.default_rng(2)
    first, one = part(rng, 300, 0.1, "a")
    made = mean_of_parts([first, first], [1, 1])
    assert made.clusters == 300
    assert made.n == 600
    assert made.error.standard_error == pytest.approx(stats.sem(one), rel=0.01)
    assert made.error.n_eff == pytest.approx(300, rel=0.02)


def test_the_worst_part_is_bounded_whichever_it_is() -> None:
    """Five equal parts: the plain bound of the one that looks worst would miss the truth far too often."""
    rng = np.random.default_rng(3)
    low = high = plain = 0
    for _ in range(150):
        parts = [part(rng, 60, 0.0, f"{k}-")[0] for k in range(5)]
        made = worst_of_parts(parts)
        bound = made.interval.at(0.05)
        assert bound.low is not None
        assert bound.high is not None
        low += bound.low > 0
        high += bound.high < 0
        plain += made.value + 1.67 * made.error.standard_error < 0
    assert low <= 14
    assert high <= 14
    assert plain > 20


def test_less_is_better_turns_the_sign() -> None:
    rows = np.random.default_rng(4).random((50, 2))
    names = [str(k) for k in range(50)]
    more = made_of(rows, rows[::-1] * [1, 1] + [0.1, 0], names, "ratio")
    less = made_of(rows, rows[::-1] * [1, 1] + [0.1, 0], names, "ratio", -1.0)
    assert less.value == -more.value
    assert np.array_equal(less.influence, -more.influence)
    assert more.shares.sum() == pytest.approx(1)


def test_a_part_without_any_change_is_known_without_error() -> None:
    """Identical sides of one task leave the worst of all tasks judged; with identical sides everywhere it is 0."""
    rng = np.random.default_rng(5)
    base = rng.normal(0, 1, (40, 1))
    same = made_of(base, base, [f"s{k}" for k in range(40)])
    worse, change = part(rng, 40, -0.5, "w")
    made = worst_of_parts([same, worse])
    assert made.value == pytest.approx(change.mean())
    low, high = made.interval.bounds[0].low, made.interval.bounds[0].high
    assert low is not None
    assert high is not None
    assert low < made.value < high <= 0.0
    nothing = worst_of_parts([same, same]).interval
    assert (nothing.low, nothing.value, nothing.high) == (0.0, 0.0, 0.0)


def test_rare_breakage_in_a_small_part_passes_no_worst_drop() -> None:
    """Two of 100 broken are compatible with 5%: a t interval knows of no more than 3.3, Tango's of 6."""
    broken = np.zeros((100, 1))
    broken[:2] = 1
    small = made_of(np.ones((100, 1)), 1 - broken, [f"a{k}" for k in range(100)])
    large = np.random.default_rng(6).random((2_000, 1)) < 0.5
    even = made_of(large * 1.0, large * 1.0, [f"b{k}" for k in range(2_000)])
    worst = worst_of_parts([small, even]).interval.at(0.05).low
    assert worst == small.own.at(0.05).low
    assert worst is not None
    assert worst < -0.05


def test_a_mean_is_never_surer_than_its_parts_joined() -> None:
    rng, wrong = np.random.default_rng(7), 0
    for _ in range(150):
        sides = [np.where(rng.random((n, 1)) < 0.03, 0.0, 1.0) for n in (100, 100, 100, 100)]
        parts = [
            made_of(np.ones_like(side), side, [f"{k}-{row}" for row in range(100)]) for k, side in enumerate(sides)
        ]
        made = mean_of_parts(parts, [1] * 4)
        below = np.sqrt(sum(one.reach(0.05)[0] ** 2 for one in parts)) / 4
        low = made.interval.at(0.05).low
        assert low is not None
        assert low <= made.value - below + 1e-12
        wrong += low > -0.03
    assert wrong <= 13


def test_what_a_part_lacks_the_whole_lacks() -> None:
    gold = np.arange(200) < 2
    rows = np.column_stack([gold, gold, ~gold]).astype(float)
    change = difference(rows, rows * 0.5, kind="additive", value=lambda s, n: s[..., 0] / n)
    names = [str(k) for k in range(200)]
    lacking = JointPart.of(rows, rows * 0.5, lambda s, n: s[..., 0] / n, False, 1.0, names, change)
    assert lacking.unmet
    rich = part(np.random.default_rng(8), 300, 0.1, "r")[0]
    assert set(lacking.unmet) <= {*worst_of_parts([lacking, rich]).unmet}
