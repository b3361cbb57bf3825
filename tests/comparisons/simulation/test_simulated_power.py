"""Samples of records, judged by a gate's own method: its power, and the items that it takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.comparisons.join import Pair
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.comparisons.simulation.record_world import BoundQuestion
from harness.comparisons.simulation.simulated_power import PowerQuestion, simulated_power
from harness.core.metric import Metric, MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics
from harness.statistics.power import needed_n


class Score(Metric):
    """A mean of any numbers, in templates."""

    id, unit, direction, kind, cluster_unit = "score", "", "higher", "mean", "template"

    def stats(self, records: Records) -> Any:
        return records.stat("score")[:, None]

    def value(self, sums: Any, n: Any) -> Any:
        return sums[..., 0] / n


def records(model: str, scores: Any, name: str = "correct", template: int = 1, **more: Any) -> Records:
    rows = [
        Record(
            f"item{k:04}", f"item{k:04}", clusters={"template": str(k // template)}, stats={name: float(score)},
            target=more.get("target", ["x"] * len(scores))[k],
            prediction=more.get("prediction", ["x"] * len(scores))[k],
        )
        for k, score in enumerate(scores)
    ]  # fmt: skip
    return Records.of(RecordsHead("reviews", model, "head"), rows)


def paired(seed: int, n: int, discordance: float) -> list[Records]:
    rng = np.random.default_rng(seed)
    base = rng.random(n) < 0.8
    return [records("base", base), records("new", base ^ (rng.random(n) < discordance))]


def drop_of(margin: float, least: float = 100) -> PowerQuestion:
    return PowerQuestion(BoundQuestion(0.05, ("low",)), floor=-margin, unchanged=True, least=least)


@pytest.mark.parametrize("margin", [0.05, 0.01])
def test_shares_take_what_the_formula_says(margin: float) -> None:
    """Beyond 2,000 items by the square root."""
    [accuracy] = build_metrics(["accuracy"], MetricContext())
    sides = paired(0, 400, 0.15)
    found = simulated_power(sides, accuracy, drop_of(margin), 400)
    wanted = needed_n(margin, float(np.mean(sides[0].stat("correct") != sides[1].stat("correct"))))
    assert found.required_n == pytest.approx(wanted, rel=0.25)
    assert found.least_n is not None
    assert found.most_n is not None
    assert found.least_n < wanted < found.most_n
    assert found.low is not None
    assert found.high is not None
    assert found.power is not None
    assert found.low < found.power < found.high
    assert (found.power > 0.8) == (wanted < 400)


def test_clusters_cost_items() -> None:
    rng = np.random.default_rng(1)
    effects = np.repeat(rng.normal(0, 0.3, 60), 10)
    base = rng.random(600)
    sides = [
        records("base", base, "score", 10),
        records("new", base + effects + rng.normal(0, 0.3, 600), "score", 10),
    ]
    found = simulated_power(sides, Score(), drop_of(0.1, least=10), 600, samples=100)
    # One template of ten is hardly more than one item.
    assert found.required_n == pytest.approx(10 * needed_n(0.1, 0.3**2 + 0.3**2 / 10), rel=0.35)


def test_a_precondition_that_fails_takes_more_items_whatever_the_margin() -> None:
    """Classes of 2% count as much as the other: below 20 items of each no bound of macro F1 is taken."""
    rng = np.random.default_rng(2)
    n = 400
    gold = np.where(np.arange(n) < n * 0.02, "rare", "common")
    wrong = rng.random((2, n)) < 0.1
    other = {"rare": "common", "common": "rare"}
    sides = []
    for model, errs in zip(("base", "new"), wrong, strict=True):
        says = [other[label] if err else str(label) for label, err in zip(gold, errs, strict=True)]
        sides.append(records(model, ~errs, target=[str(label) for label in gold], prediction=says))
    [f1] = build_metrics(["f1_macro"], MetricContext(labels=("rare", "common")))
    found = simulated_power(sides, f1, drop_of(0.5), n, samples=40)
    # Samples with more than 10 items of the class do pass.
    assert found.power is not None
    assert found.power < 0.5
    assert found.required_n is not None
    assert 1.25 * n < found.required_n < 2.5 * n


def test_a_model_as_it_was_seen_is_asked_about_its_own_truth() -> None:
    rng = np.random.default_rng(3)
    right = rng.random(300) < 0.9
    [accuracy] = build_metrics(["accuracy"], MetricContext())
    sides = [records("new", right)]
    near = simulated_power(
        sides, accuracy, PowerQuestion(BoundQuestion(0.05, ("low",)), floor=right.mean() - 0.01), 300
    )
    assert near.required_n is not None
    assert near.required_n > 1000
    # The truth that the records show may be the limit itself.
    assert near.most_n is None
    over = simulated_power(sides, accuracy, PowerQuestion(BoundQuestion(0.05, ("low",)), floor=0.99), 300)
    assert over.power is None
    assert over.reason is not None
    assert "beyond the limit" in over.reason


def test_what_cannot_be_decided_has_no_number() -> None:
    [accuracy] = build_metrics(["accuracy"], MetricContext())
    found = simulated_power(paired(4, 200, 0.2), accuracy, drop_of(1e-4), 200, samples=60)
    assert found.required_n is None
    assert found.most_n is None
    same = paired(4, 200, 0.0)
    assert simulated_power(same, accuracy, drop_of(0.1), 200).reason == "the sides of that run are identical"
    assert math.isinf(PowerQuestion(BoundQuestion(0.05, ("low",))).ceiling)


def test_missing_answers_are_counted_at_their_worst_as_the_gate_does() -> None:
    """Against the worst case of `compare` on the samples themselves."""
    [accuracy] = build_metrics(["accuracy"], MetricContext())
    rng = np.random.default_rng(6)
    base, gone = rng.random(400) < 0.8, rng.random(400) < 0.03
    sides = [records("base", base), records("new", np.where(rng.random(400) < 0.3, rng.random(400) < 0.8, base))]
    sides[1] = Records.of(
        sides[1].head,
        [
            Record(item, item, status="failed" if lost else "ok", clusters={"template": str(k)},
                   stats={} if lost else {"correct": float(score)}, target="x")
            for k, (item, lost, score) in enumerate(zip(sides[1].item_ids, gone, sides[1].stat("correct"), strict=True))
        ],
    )  # fmt: skip
    low, worst = ("low",), PowerQuestion(BoundQuestion(0.05, ("low",), worst_case=True), floor=-0.09, least=100)
    found = simulated_power(sides, accuracy, worst, 400)
    assert found.low is not None
    assert found.high is not None
    passed = 0
    for _ in range(40):
        rows = rng.integers(0, 400, 400)
        drawn = [Records.of(side.head, _copies(side, rows)) for side in sides]
        [row] = compare(Pair("reviews", "base", "new"), PairedRecords(*drawn), accuracy, slices=False)
        assert row.worst_case is not None
        passed += (row.worst_case.at(0.05).low or -1) >= -0.09
    assert found.low - 0.16 < passed / 40 < found.high + 0.16
    assert found.power is not None
    complete = simulated_power(sides, accuracy, PowerQuestion(BoundQuestion(0.05, low), floor=-0.09, least=100), 400)
    assert complete.power is not None
    assert found.power < complete.power
    near = PowerQuestion(BoundQuestion(0.05, low, worst_case=True), floor=-0.01, unchanged=True, least=100)
    reason = simulated_power(sides, accuracy, near, 400).reason
    assert reason is not None
    assert "missing answers at their worst" in reason
    bits = simulated_power(sides, Score(), worst, 400).reason
    assert bits is not None


def _copies(side: Records, rows: Any) -> list[Record]:
    status, values = side.texts("status"), side.stat("correct")
    return [
        Record(f"{k}", f"{row}", status=status[row], clusters={"template": str(k)},
               stats={} if status[row] == "failed" else {"correct": float(values[row])}, target="x")
        for k, row in enumerate(rows.tolist())
    ]  # fmt: skip
