import dataclasses

import numpy as np
import pytest
from harness_support.interval_ends import ends
from harness_support.record_samples import ACCURACY, BITS, made, scored

from harness.comparisons.join import Pair
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.comparisons.seed_comparison import compared_over_seeds, levels_over_seeds
from harness.core.records import Records
from harness.statistics.inference_settings import InferenceSettings

RNG = np.random.default_rng(4)


def _seeded(count: int, share: float, n: int = 150) -> list[Records]:
    records = []
    for seed in range(count):
        one = made(scored(RNG.random(n) < share, slices=lambda row: (("place=a",), ("place=b",))[row % 2]))
        records.append(Records(dataclasses.replace(one.head, seed=seed), one.table))
    return records


def _compared(base: list[Records], tuned: list[Records], metric=ACCURACY):
    settings, pair = InferenceSettings(resamples=200), Pair("reviews", "base", "tuned")
    compared = compare(pair, PairedRecords(base[0], tuned[0]), metric, settings=settings)
    return compared_over_seeds(compared, base, tuned, metric, settings=settings)


def test_three_seeds_read_as_the_recipe_overall_and_by_slice() -> None:
    found = _compared(_seeded(1, 0.6), _seeded(3, 0.8))
    assert [one.slice for one in found] == [None, "place=a", "place=b"]
    for one in found:
        assert one.seeds.level_of_inference == "recipe"
        assert one.seeds.seeds == [0, 1, 2]
        assert one.seeds.interval.value == pytest.approx(np.mean(one.seeds.values))
        assert one.seeds.df == 2
        low, high = ends(one.seeds.interval, 0.05)
        assert low < one.seeds.interval.value < high
    assert found[0].seeds.n == 150
    assert found[0].seeds.values[0] == pytest.approx(found[0].delta.value)


def test_two_seeds_read_as_checkpoints() -> None:
    found = _compared(_seeded(1, 0.6), _seeded(2, 0.8))[0]
    assert found.seeds.level_of_inference == "checkpoint"
    assert found.seeds.interval.bounds == ()


def test_one_checkpoint_against_a_recipe_is_no_recipe() -> None:
    found = _compared(_seeded(3, 0.6), _seeded(1, 0.8))[0]
    assert found.seeds.level_of_inference == "checkpoint"
    assert found.seeds.baseline_seeds == [0, 1, 2]


def test_one_seed_on_both_sides_adds_nothing() -> None:
    assert _compared(_seeded(1, 0.6), _seeded(1, 0.8))[0].seeds is None


def test_rows_are_joined_by_id_over_seeds() -> None:
    base, tuned = _seeded(1, 0.6), _seeded(3, 0.8)
    shuffled = [Records(one.head, one.take(RNG.permutation(150)).table) for one in tuned]
    assert _compared(base, shuffled)[0].seeds == _compared(base, tuned)[0].seeds


def test_seeds_of_other_items_are_an_error() -> None:
    tuned = _seeded(3, 0.8)
    tuned[2] = made([{"item_digest": "other", **row} for row in scored([1.0] * 150)])
    assert "different items" in _compared(_seeded(1, 0.6), tuned)[0].seeds.fault


def test_levels_over_seeds() -> None:
    tuned = _seeded(4, 0.8)
    found = levels_over_seeds(
        metric_results(tuned[0], ACCURACY, evaluation="reviews", model="tuned"),
        tuned,
        ACCURACY,
        settings=InferenceSettings(alphas=(0.05,)),
    )
    assert found[0].seeds.level_of_inference == "recipe"
    assert found[0].seeds.values[0] == found[0].interval.value
    assert found[0].seeds.p is None


def test_a_missing_statistic_is_said() -> None:
    assert all(one.seeds.fault for one in _compared(_seeded(1, 0.6), _seeded(3, 0.8), BITS))


def test_every_seed_says_how_much_it_answered() -> None:
    tuned = _seeded(3, 0.8)
    tuned[1] = made([{**row, "status": "unread"} for row in scored([1.0] * 150)])
    seeds = _compared(_seeded(1, 0.6), tuned)[0].seeds
    assert seeds.coverage == [1.0, 0.0, 1.0]
    assert "every training seed" in seeds.fault
