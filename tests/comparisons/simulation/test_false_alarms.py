import dataclasses

import numpy as np
import pytest
from harness_support.record_samples import ACCURACY, BITS, StatMetric, made, scored
from scipy import stats

from harness.comparisons.simulation.false_alarms import SwapTrial, false_alarms, noise
from harness.core.records import Records
from harness.statistics.proportions import exact_interval

F1 = StatMetric("f1", ("hit", "size"), "additive")
CLUSTERED = dataclasses.replace(ACCURACY, cluster_unit="parent")


def _sides(n: int = 120, size: int = 1) -> tuple[Records, Records]:
    rng = np.random.default_rng(8)
    made_sides = []
    for share in (0.6, 0.8):
        rows = scored(rng.random(n) < share, clusters=lambda row: {"parent": str(row // size)})
        for row in rows:
            hit = row["stats"]["correct"]
            row["stats"] |= {
                "hit": hit,
                "size": 1.0 + rng.random(),
                "nll": rng.gamma(9),
                "bytes": 10 + 5 * rng.random(),
            }
        made_sides.append(made(rows))
    return made_sides[0], made_sides[1]


@pytest.mark.parametrize("metric", [ACCURACY, BITS, F1], ids=lambda metric: metric.id)
def test_tests_keep_their_level_on_swapped_records(metric: StatMetric) -> None:
    base, candidate = _sides()
    found = false_alarms(base, candidate, metric, SwapTrial(swaps=300, resamples=199))
    assert found.nominal
    assert found.rate == found.alarms / 300
    assert found.low <= found.rate <= found.high
    assert found.undefined == 0
    assert 0 < found.differing <= found.clusters == found.n == 120


def test_a_test_that_ignores_clusters_is_found_out() -> None:
    """Five copies of every item look like five independent ones to a metric without clusters."""
    base, candidate = (
        made(
            scored(
                np.repeat(np.random.default_rng(seed).random(60) < 0.6, 5),
                clusters=lambda row: {"parent": str(row // 5)},
            )
        )
        for seed in (1, 2)
    )
    blind = false_alarms(base, candidate, ACCURACY, SwapTrial(swaps=200), level="parent")
    assert blind.nominal is False
    assert blind.rate > 0.2
    aware = false_alarms(base, candidate, CLUSTERED, SwapTrial(swaps=200))
    assert aware.nominal
    assert (aware.n, aware.clusters) == (300, 60)


def test_identical_sides_have_nothing_to_swap() -> None:
    base, _ = _sides()
    found = false_alarms(base, base, ACCURACY)
    assert found.nominal is None
    assert "identical" in found.reason


def test_refusals_are_reasons() -> None:
    base, candidate = made(scored([1, 0, 1])), made([{"item_digest": "other", **row} for row in scored([0, 1, 1])])
    assert "same id but a different content" in false_alarms(base, candidate, ACCURACY).reason
    assert "no statistic" in false_alarms(base, base, BITS).reason


def test_asked_twice_alike_is_zero() -> None:
    base, _ = _sides()
    [found] = noise(base, base, [ACCURACY])
    assert (found.identical, found.largest, found.changed, found.delta) == (True, 0.0, 0, 0.0)


def test_noise_is_measured() -> None:
    rows = [{"stats": {"nll": 5.0 + row, "bytes": 2.0}, "prediction": "a"} for row in range(4)]
    again = [{**row, "stats": dict(row["stats"])} for row in rows]
    again[1]["stats"]["nll"] += 0.5
    again[2]["stats"]["nll"] -= 0.25
    again[2]["prediction"] = "b"
    [found] = noise(made(rows), made(again), [BITS])
    assert not found.identical
    assert (found.largest, found.changed, found.answers) == (0.5, 2, 1)
    assert found.delta == pytest.approx(0.25 / 8)


@pytest.mark.parametrize(("k", "n"), [(0, 20), (3, 20), (20, 20), (51, 1000)])
def test_exact_interval_equals_scipy(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(0.99, "exact")
    assert exact_interval(k, n, 0.99) == pytest.approx((expected.low, expected.high), abs=1e-9)
