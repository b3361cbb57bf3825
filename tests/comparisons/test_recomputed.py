"""Metrics without sufficient statistics: the area under the ROC curve, recomputed."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from harness_support.record_samples import ACCURACY, made
from scipy import stats
from sklearn.metrics import roc_auc_score

from harness.comparisons.join import Pair
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.comparisons.recomputed import value_of
from harness.core.metric import Direction, MetricKind, RecomputedMetric
from harness.core.records import ITEM, Records
from harness.statistics.inference_settings import InferenceSettings

PAIR = Pair("reviews", "base", "tuned")


@dataclass(frozen=True)
class Auc(RecomputedMetric):
    """P(score of a positive > score of a negative), ties half; undefined with one class only."""

    id: str = "auc"
    unit: str = "share"
    direction: Direction = "higher"
    ideal: float | None = None
    kind: MetricKind = "recompute"
    cluster_unit: str = ITEM

    def recompute(self, records: Records) -> float:
        positive = np.array(records.texts("target")) == "yes"
        if positive.all() or not positive.any():
            raise ValueError("one class")
        ranks = stats.rankdata(records.stat("score"))
        count = positive.sum()
        return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (~positive).sum()))


def _sides(n: int = 160, gain: float = 0.5, seed: int = 2, size: int = 1) -> tuple[Records, Records]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    shared = rng.normal(0, 1, n)
    sides = []
    for shift in (1.0, 1.0 + gain):
        scores = shift * positive + 0.8 * shared + rng.normal(0, 0.6, n)
        sides.append(
            made(
                [
                    {
                        "target": "yes" if positive[row] else "no",
                        "stats": {"score": float(scores[row])},
                        "clusters": {"parent": str(row // size)},
                        "slices": (f"place={'ab'[row % 2]}",),
                    }
                    for row in range(n)
                ]
            )
        )
    return sides[0], sides[1]


def _delong(base: Records, candidate: Records) -> float:
    """Standard error of a difference of two paired areas (DeLong, DeLong & Clarke-Pearson 1988)."""
    positive = np.array(base.texts("target")) == "yes"
    parts = []
    for side in (base, candidate):
        score = side.stat("score")
        wins = (score[positive][:, None] > score[~positive]) + 0.5 * (score[positive][:, None] == score[~positive])
        parts.append((wins.mean(axis=1), wins.mean(axis=0)))
    across = [parts[1][side] - parts[0][side] for side in (0, 1)]
    return math.sqrt(sum(np.var(change, ddof=1) / len(change) for change in across))


def test_difference_of_areas() -> None:
    base, candidate = _sides()
    found = compare(PAIR, PairedRecords(base, candidate), Auc(), slices=False)[0]
    areas = [roc_auc_score(np.array(side.texts("target")) == "yes", side.stat("score")) for side in (base, candidate)]
    assert (found.baseline_value, found.candidate_value) == pytest.approx(tuple(areas), abs=1e-12)
    assert found.delta.value == pytest.approx(areas[1] - areas[0])
    assert found.delta.standard_error == pytest.approx(_delong(base, candidate), rel=0.1)
    assert found.delta.low < found.delta.value < found.delta.high
    assert found.slow
    assert "recomputation" in found.method
    z = found.delta.value / _delong(base, candidate)
    assert found.p == pytest.approx(2 * stats.norm.sf(z), abs=0.03)


def test_exchange_of_the_sides_and_order_of_rows_change_nothing() -> None:
    base, candidate = _sides(80)
    there = compare(
        PAIR, PairedRecords(base, candidate), Auc(), slices=False, settings=InferenceSettings(resamples=100)
    )[0]
    back = compare(
        PAIR, PairedRecords(candidate, base), Auc(), slices=False, settings=InferenceSettings(resamples=100)
    )[0]
    assert (back.delta.value, back.delta.low, back.delta.high, back.p) == pytest.approx(
        (-there.delta.value, -there.delta.high, -there.delta.low, there.p), abs=1e-12
    )
    order = np.random.default_rng(0).permutation(80)
    moved = [Records(side.head, side.take(order).table) for side in (base, candidate)]
    assert (
        compare(
            PAIR, PairedRecords(moved[0], moved[1]), Auc(), slices=False, settings=InferenceSettings(resamples=100)
        )[0]
        == there
    )


def test_slices_and_progress() -> None:
    base, candidate = _sides(60)
    steps: list[int] = []
    found = compare(
        PAIR,
        PairedRecords(base, candidate),
        Auc(),
        progress=lambda: steps.append(1),
        settings=InferenceSettings(resamples=50),
    )
    assert [one.slice for one in found] == [None, "place=a", "place=b"]
    assert all(one.status == "ok" and one.family == 2 for one in found[1:])
    assert len(steps) == 3 * 2 * 50


def test_clusters_are_drawn_whole() -> None:
    """Every item four times: the clustered interval is that of the single items."""
    base, candidate = _sides(60)
    copies = []
    for side in (base, candidate):
        rows = [
            {
                "item_id": f"i{row:03}-{copy}",
                "item_digest": f"d{row}-{copy}",
                "target": side.texts("target")[row],
                "stats": {"score": side.stat("score")[row]},
                "clusters": {"parent": f"{row:03}"},
            }
            for row in range(60)
            for copy in range(4)
        ]
        copies.append(made(rows))
    once = compare(
        PAIR, PairedRecords(base, candidate), Auc(), slices=False, settings=InferenceSettings(resamples=200)
    )[0]
    four = compare(
        PAIR,
        PairedRecords(copies[0], copies[1]),
        Auc(cluster_unit="parent"),
        slices=False,
        settings=InferenceSettings(resamples=200),
    )[0]
    assert four.clusters == 60
    assert (four.delta.low, four.delta.high, four.p) == pytest.approx(
        (once.delta.low, once.delta.high, once.p), abs=1e-12
    )


def test_identical_sides_are_said_and_never_significant() -> None:
    base, _ = _sides(60)
    found = compare(PAIR, PairedRecords(base, base), Auc(), slices=False, settings=InferenceSettings(resamples=100))[0]
    assert found.identical
    assert (found.delta.value, found.p, found.delta.low) == (0.0, 1.0, None)


def test_one_class_is_undefined() -> None:
    base = made([{"target": "yes", "stats": {"score": float(row)}} for row in range(10)])
    found = compare(PAIR, PairedRecords(base, base), Auc(), slices=False, settings=InferenceSettings(resamples=50))[0]
    assert found.status == "undefined"
    assert metric_results(base, Auc(), evaluation="reviews", model="base")[0].status == "undefined"


def test_one_cluster_gives_no_interval() -> None:
    base, candidate = _sides(40, size=40)
    found = compare(
        PAIR,
        PairedRecords(base, candidate),
        Auc(cluster_unit="parent"),
        slices=False,
        settings=InferenceSettings(resamples=50),
    )[0]
    assert found.delta.value is not None
    assert (found.delta.low, found.p) == (None, None)


def test_level_by_recomputation() -> None:
    base, _ = _sides()
    [level] = metric_results(base, Auc(), evaluation="reviews", model="base", slices=False)
    assert level.interval.low < level.interval.value < level.interval.high
    assert level.interval.value == value_of(Auc(), base)
    assert "slow" in level.method


def test_value_of_a_metric_with_sums() -> None:
    rows = made([{"stats": {"correct": value}} for value in (1.0, 0.0, math.nan, 1.0)])
    assert value_of(ACCURACY, rows) == pytest.approx(2 / 3)
    assert math.isnan(value_of(ACCURACY, rows.take([2])))


@pytest.mark.slow
def test_recomputed_intervals_cover() -> None:
    truth, hits, alarms = None, 0, 0
    big = _sides(40_000, gain=0.3, seed=99)
    truth = value_of(Auc(), big[1]) - value_of(Auc(), big[0])
    for seed in range(60):
        base, candidate = _sides(200, gain=0.3, seed=seed)
        found = compare(
            PAIR, PairedRecords(base, candidate), Auc(), slices=False, settings=InferenceSettings(resamples=200)
        )[0]
        hits += found.delta.low <= truth <= found.delta.high
        same = _sides(200, gain=0.0, seed=seed)
        alarms += (
            compare(PAIR, PairedRecords(*same), Auc(), slices=False, settings=InferenceSettings(resamples=100))[0].p
            <= 0.05
        )
    assert hits >= 60 * (0.95 - 3.5 * math.sqrt(0.05 * 0.95 / 60))
    assert alarms <= 60 * (0.05 + 3.5 * math.sqrt(0.05 * 0.95 / 60))
