import math

import numpy as np
import pytest
from harness_support.interval_ends import ends
from harness_support.metric_samples import Array, f1_rows, macro_f1, mean, ratio
from scipy import stats

from harness.statistics.crossed_seeds import crossed
from harness.statistics.paired_difference import difference

RNG = np.random.default_rng(9)


def _layout(k: int, n: int, seed: float, item: float, noise: float, rng: np.random.Generator = RNG) -> list[Array]:
    rows = rng.normal(0, seed, (k, 1)) + rng.normal(0, item, n) + rng.normal(0, noise, (k, n))
    return [row[:, None] for row in rows]


def _anova(x: Array) -> tuple[float, float, float]:
    """V_seed, V_item and V_interaction from the mean squares of a two-way layout, the slow way."""
    k, n = x.shape
    grand, rows, columns = x.mean(), x.mean(axis=1), x.mean(axis=0)
    between_rows = n * sum((row - grand) ** 2 for row in rows) / (k - 1)
    between_columns = k * sum((column - grand) ** 2 for column in columns) / (n - 1)
    rest = sum((x[i, j] - rows[i] - columns[j] + grand) ** 2 for i in range(k) for j in range(n)) / ((k - 1) * (n - 1))
    return between_rows / (k * n), between_columns / (k * n), rest / (k * n)


def test_variances_are_the_mean_squares_of_a_two_way_layout() -> None:
    sides = _layout(4, 60, 0.1, 1.0, 0.5)
    base = RNG.normal(0, 1, (60, 1))
    found = crossed([base], sides, kind="mean", value=mean)
    x = np.hstack(sides).T - base[:, 0]
    expected = _anova(x)
    assert (found.seed, found.items, found.interaction) == pytest.approx(expected, abs=1e-12)
    assert found.variance == pytest.approx(max(expected[0] + expected[1] - expected[2], expected[0], expected[1]))
    assert found.interval.value == pytest.approx(x.mean())
    assert found.values == pytest.approx(x.mean(axis=1).tolist())
    t = stats.t.isf(0.05, 3)
    assert t == pytest.approx(2.353, abs=1e-3)
    assert ends(found.interval, 0.05)[0] == pytest.approx(found.interval.value - t * math.sqrt(found.variance))


def test_three_seeds_have_two_degrees_of_freedom() -> None:
    found = crossed([np.zeros((50, 1))], _layout(3, 50, 0.2, 1, 0.5), kind="mean", value=mean)
    assert found.df == 2
    reach = found.interval.value - ends(found.interval, 0.05)[0]
    assert reach / math.sqrt(found.variance) == pytest.approx(2.920, abs=1e-3)


@pytest.mark.parametrize("kind", ["mean", "ratio", "additive"])
def test_seeds_that_agree_leave_the_variance_of_the_items(kind: str) -> None:
    value = {"mean": mean, "ratio": ratio, "additive": lambda s, n: s[..., 0] / n}[kind]
    k = 2 if kind == "ratio" else 1
    base, candidate = (RNG.gamma(9, 1, (80, k)) for _ in range(2))
    names = [str(row // 4) for row in range(80)]
    found = crossed([base], [candidate] * 3, kind=kind, value=value, clusters=names)
    plain = difference(base, candidate, kind="mean" if kind == "additive" else kind, value=value, clusters=names)
    assert found.seeds_identical
    assert (found.seed, found.interaction) == pytest.approx((0, 0), abs=1e-20)
    assert math.sqrt(found.variance) == pytest.approx(
        plain.delta.standard_error, rel={"mean": 1e-9, "ratio": 1e-3, "additive": 1e-6}[kind]
    )


def test_the_log_ratio_is_crossed_too() -> None:
    size = RNG.integers(20, 200, 100).astype(float)
    base = np.column_stack([size * RNG.gamma(20, 0.05, 100), size])
    tuned = [np.column_stack([base[:, 0] * RNG.normal(f, 0.05, 100), size]) for f in (0.9, 0.95, 0.93)]
    found = crossed([base], tuned, kind="ratio", value=ratio)
    logs = [math.log(rows[:, 0].sum() / base[:, 0].sum()) for rows in tuned]
    assert found.ratio.value == pytest.approx(math.exp(np.mean(logs)))
    assert found.ratio.low < found.ratio.value < found.ratio.high
    alone = crossed([base], [tuned[0]] * 3, kind="ratio", value=ratio)
    assert alone.ratio.low > found.ratio.low


def test_two_seeds_have_no_interval_of_the_recipe() -> None:
    found = crossed([np.zeros((50, 1))], _layout(2, 50, 0.2, 1, 0.5), kind="mean", value=mean)
    assert found.interval.low is None
    assert len(found.values) == 2
    assert "not the recipe" in " ".join(found.warnings)


def test_swapping_the_sides_negates() -> None:
    gold = RNG.integers(0, 3, 200)
    base, tuned = ([f1_rows(gold, np.where(RNG.random(200) < p, gold, 0), 3) for _ in range(3)] for p in (0.5, 0.7))
    there = crossed(base, tuned, kind="additive", value=macro_f1)
    back = crossed(tuned, base, kind="additive", value=macro_f1)
    assert (back.interval.value, back.interval.low, back.interval.high) == pytest.approx(
        (-there.interval.value, -there.interval.high, -there.interval.low)
    )
    assert there.seed == pytest.approx(back.seed)


def test_levels_have_seeds_too() -> None:
    found = crossed([], _layout(5, 100, 0.3, 1, 0.5), kind="mean", value=mean)
    assert found.interval.low < found.interval.value < found.interval.high
    assert math.isnan(found.p)
    assert found.df == 4


def test_undefined_and_single_clusters_are_said() -> None:
    sides = _layout(3, 30, 0.2, 1, 0.5)
    one = crossed([], sides, kind="mean", value=mean, clusters=["a"] * 30)
    assert one.interval.low is None
    assert "one cluster" in " ".join(one.warnings)
    empty = crossed([], [np.full((5, 1), np.nan)] * 3, kind="mean", value=mean)
    assert empty.interval.value is None
    with np.errstate(all="ignore"):
        gone = crossed([], [np.zeros((30, 2))] * 3, kind="additive", value=ratio)
    assert "undefined" in " ".join(gone.warnings)


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("seed", [0.0, 0.02, 0.05])
def test_crossed_intervals_cover_where_seeds_alone_do_not(k: int, seed: float) -> None:
    rng = np.random.default_rng(1)
    runs, crossed_hits, seeds_only = 400, 0, 0
    zero = np.zeros((200, 1))
    for _ in range(runs):
        found = crossed([zero], _layout(k, 200, seed, 0.3, 0.2, rng), kind="mean", value=mean)
        crossed_hits += found.interval.low <= 0 <= found.interval.high
        reach = stats.t.isf(0.025, k - 1) * np.std(found.values, ddof=1) / math.sqrt(k)
        seeds_only += abs(found.interval.value) <= reach
    assert crossed_hits / runs >= 0.95 - 3.5 * math.sqrt(0.95 * 0.05 / runs)
    if seed < 0.05:
        assert seeds_only / runs < 0.9
