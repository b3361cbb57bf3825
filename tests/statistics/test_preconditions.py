"""What methods take for granted is checked, and bounds hold where evidence is thin."""

import numpy as np
import pytest
from harness_support.metric_samples import f1_rows, macro_f1, mean, ratio
from scipy import stats

from harness.core.metric_structure import MetricStructure
from harness.statistics.crossed_seeds import crossed
from harness.statistics.estimate import estimate
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference
from harness.statistics.power import needed_n_between, variance_range
from harness.statistics.proportions import area_bounds, tango, wilson

RNG = np.random.default_rng(17)


def test_long_documents_are_worth_few_items() -> None:
    size = RNG.lognormal(6, 2, 100)
    base = np.column_stack([size * RNG.gamma(20, 0.05, 100), size])
    row = estimate(base, kind="ratio", value=ratio)
    assert row.n == row.clusters == 100
    assert row.n_eff == pytest.approx(size.sum() ** 2 / (size**2).sum())


def test_equal_answers_within_clusters_count_once() -> None:
    names = [str(row // 4) for row in range(200)]
    values = np.repeat(RNG.normal(0, 1, 50), 4)[:, None]
    row = estimate(values, kind="mean", value=mean, clusters=names)
    assert (row.n, row.clusters) == (200, 50)
    assert row.n_eff == pytest.approx(50, rel=0.02)
    alone = estimate(RNG.normal(0, 1, (200, 1)), kind="mean", value=mean, clusters=names)
    assert alone.n_eff > 120


@pytest.mark.parametrize("count", [39, 40, 60])
def test_zipf_clusters_have_no_cliff(count: int) -> None:
    sizes = np.maximum(1, np.round(2 * count / np.arange(1, count + 1))).astype(int)
    place = np.repeat(np.arange(count), sizes)
    names = place.astype(str).tolist()
    rng = np.random.default_rng(count)
    beyond = covered = 0
    for _ in range(150):
        change = 0.2 * (1 - rng.exponential(1, count))[place] + rng.normal(0, 0.3, len(place))
        row = difference(np.zeros((len(place), 1)), change[:, None], kind="mean", value=mean, clusters=names)
        beyond += row.delta.at(0.05).low > 0
        covered += row.delta.low <= 0 <= row.delta.high
    assert beyond <= 17  # 5%, and 3.5 times its Monte Carlo error
    assert covered >= 133


def test_one_cluster_that_carries_all_of_it_is_said() -> None:
    change = RNG.normal(0, 0.01, (100, 1))
    change[:5] += 3.0
    names = [str(row // 5) for row in range(100)]
    row = difference(np.zeros((100, 1)), change, kind="mean", value=mean, clusters=names)
    assert any("one or two clusters" in text for text in row.unmet)
    assert not difference(np.zeros((100, 1)), RNG.normal(0, 1, (100, 1)), kind="mean", value=mean).unmet


def test_a_rare_class_needs_items() -> None:
    gold = np.arange(100) < 2
    given = gold.copy()
    given[50:60] = True
    rows = f1_rows(gold.astype(int), given.astype(int), 2)
    parts = MetricStructure(parts={"rare": gold, "common": ~gold})
    row = estimate(rows, kind="additive", value=macro_f1, structure=parts, settings=InferenceSettings(resamples=200))
    (unmet,) = row.unmet
    assert unmet.startswith("rare has only 2 items")
    assert "worth 8 items of equal weight" in unmet
    same = difference(
        rows, rows, kind="additive", value=macro_f1, structure=parts, settings=InferenceSettings(resamples=200)
    )
    assert same.identical
    assert not same.unmet


def test_area_of_one_is_no_proportion_of_the_items() -> None:
    right = np.arange(100) < 3
    structure = MetricStructure(parts={"positive": right, "negative": ~right}, area=True)
    row = estimate(np.ones((100, 1)), kind="mean", value=mean, structure=structure)
    assert row.interval.at(0.05).low < 0.8
    assert row.unmet
    low, high = area_bounds(0.85, 60, 60, 0.025)
    assert low < 0.85 < high
    # Close to DeLong's t where there is much of both.
    assert (high - low) / 2 == pytest.approx(1.96 * 0.0355, rel=0.05)


def _spread(count: int) -> tuple[MetricStructure, object, np.ndarray]:
    member = np.repeat(np.eye(count), 60, axis=0)

    def rates(sums: np.ndarray) -> np.ndarray:
        counts = sums.reshape(*sums.shape[:-1], -1, 2)
        return (counts[..., 1] / counts[..., 0])[..., None, :]

    parts = {str(group): member[:, group] == 1 for group in range(count)}
    return MetricStructure(parts=parts, spread=rates), lambda sums, n: np.ptp(rates(sums)[..., 0, :], axis=-1), member


@pytest.mark.parametrize("count", [2, 5, 12])
def test_largest_minus_smallest_holds_for_a_fair_model(count: int) -> None:
    structure, value, member = _spread(count)
    covered = failed = passed = 0
    for seed in range(40):
        chance = RNG.random(len(member))
        sides = [
            np.stack([member, member * (chance < limit)[:, None]], axis=-1).reshape(len(member), -1)
            for limit in (0.3, np.where(member[:, 0] == 1, 0.45, 0.3))
        ]
        level = estimate(
            sides[0], kind="additive", value=value, structure=structure, settings=InferenceSettings(seed=seed)
        )
        covered += level.interval.low <= 0 <= level.interval.high
        failed += level.interval.at(0.05).low > 0.05
        change = difference(
            *sides,
            kind="additive",
            value=value,
            structure=structure,
            settings=InferenceSettings(resamples=50, seed=seed),
        )
        passed += change.delta.at(0.05).high < 0.15
        back = difference(
            *sides[::-1],
            kind="additive",
            value=value,
            structure=structure,
            settings=InferenceSettings(resamples=50, seed=seed),
        )
        assert (back.delta.low, back.delta.high) == (-change.delta.high, -change.delta.low)
    assert covered >= 34
    assert failed <= 5
    assert passed <= 5


@pytest.mark.parametrize("alpha", [0.06, 0.1, 0.2])
def test_bounds_above_five_percent_are_exact(alpha: float) -> None:
    counts = np.arange(101)
    for wrong in (0.004, 0.007, 0.02, 0.08):
        chance = stats.binom.pmf(counts, 100, wrong)
        high = np.array([wilson(100 - k, 100, alpha)[0] > 1 - wrong for k in counts])
        assert chance[high].sum() <= alpha + 1e-9
        paired = np.array([tango(int(k), 0, 100, alpha)[0] > -wrong for k in counts])
        assert chance[paired].sum() <= alpha + 1e-9


def test_a_row_says_why_its_interval_and_p_disagree() -> None:
    base, candidate = np.zeros((22, 1)), np.zeros((22, 1))
    base[:6] = 1.0
    row = difference(base, candidate, kind="mean", value=mean)
    inside = row.delta.low <= 0 <= row.delta.high
    assert inside == (row.p >= 0.05) or any("disagree" in text for text in row.weaknesses)


def test_few_clusters_cost_seeds_their_degrees_of_freedom() -> None:
    names = [str(row // 50) for row in range(200)]
    sides = [RNG.normal(0, 1, (200, 1)) for _ in range(10)]
    few = crossed([np.zeros((200, 1))], sides, kind="mean", value=mean, clusters=names)
    assert few.df <= 3
    assert crossed([np.zeros((200, 1))], sides, kind="mean", value=mean).df == 9


def test_rare_changes_keep_tangos_reach_over_seeds() -> None:
    base = np.ones((200, 1))
    sides = [base.copy() for _ in range(3)]
    for seed, side in enumerate(sides):
        side[seed] = 0.0
    over = crossed([base], sides, kind="mean", value=mean)
    assert over.interval.at(0.05).low <= tango(1, 0, 200, 0.05)[0]


def test_both_limits_count_where_a_level_lies_between_them() -> None:
    assert needed_n_between(400, 0.5 / 20, 0.05, 0.05) == pytest.approx(857, abs=1)
    low, high = variance_range(100)
    assert low < 1 < high
    assert low == pytest.approx(99 / stats.chi2.ppf(0.975, 99))


def test_skewed_items_say_what_a_bound_on_their_long_tail_is_worth() -> None:
    """Exponential losses: 7.3% of 95% bounds lie above the truth at 120 items."""
    rng = np.random.default_rng(0)
    samples = 1 - rng.exponential(1, (20_000, 80))
    error = samples.std(axis=1, ddof=1) / np.sqrt(80)
    beyond = float(np.mean(samples.mean(axis=1) - 1.6644 * error > 0))
    row = estimate(samples[np.argsort(samples.sum(axis=1))[10_000]][:, None], kind="mean", value=mean)
    [said] = [text for text in row.weaknesses if "skewed" in text]
    assert int(said.split("about ")[1].split("%")[0]) == pytest.approx(100 * beyond, abs=1.5)
    plain = estimate(rng.normal(0, 1, (80, 1)), kind="mean", value=mean)
    assert not any("skewed" in text for text in plain.weaknesses)
