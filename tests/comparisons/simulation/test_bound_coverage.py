"""Bounds tried on samples of the records, in which the truth is known."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from harness.comparisons.simulation.bound_coverage import bound_coverage
from harness.comparisons.simulation.record_world import BoundQuestion
from harness.core.metric import Metric, MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics


class Score(Metric):
    """A mean of any numbers."""

    id, unit, direction, kind, cluster_unit = "score", "", "higher", "mean", "item"

    def stats(self, records: Records) -> Any:
        return records.stat("score")[:, None]

    def value(self, sums: Any, n: Any) -> Any:
        return sums[..., 0] / n


def records(model: str, scores: Any, name: str = "score") -> Records:
    rows = [
        Record(f"item{k:04}", f"item{k:04}", slices=(f"half={k % 2}",), target="x", stats={name: float(score)})
        for k, score in enumerate(scores)
    ]
    return Records.of(RecordsHead("reviews", model, "head"), rows)


def test_an_honest_bound_holds() -> None:
    right = np.random.default_rng(0).random(300) < 0.8
    [accuracy] = build_metrics(["accuracy"], MetricContext())
    sides = [
        records("base", right, "correct"),
        records("new", right ^ (np.random.default_rng(1).random(300) < 0.1), "correct"),
    ]
    counted = bound_coverage(sides, accuracy, BoundQuestion(0.05, ("low",)), samples=100)
    assert counted.draws == 100
    assert counted.rate is not None
    assert counted.rate <= 0.13
    assert counted.low is not None
    assert counted.low <= 0.05
    one_side = bound_coverage(sides[1:], accuracy, BoundQuestion(0.05, ("low", "high"), "half=1"), samples=60)
    assert one_side.rate is not None
    assert one_side.rate <= 0.17


def test_a_mean_of_rare_bursts_is_found_out() -> None:
    """Two of 300 items carry the figure: samples without them have bounds far from it."""
    scores = np.random.default_rng(2).normal(0, 0.01, 300)
    scores[:2] = 100
    counted = bound_coverage([records("new", scores)], Score(), BoundQuestion(0.05, ("high",)), samples=100)
    assert counted.low is not None
    assert counted.low > 0.05
    assert counted.missed == pytest.approx(13, abs=9)


@pytest.mark.parametrize("anytime", [False, True])
def test_bounds_for_every_look_are_tried_as_what_they_are(anytime: bool) -> None:
    right = np.random.default_rng(3).random(200) < 0.7
    [accuracy] = build_metrics(["accuracy"], MetricContext())
    counted = bound_coverage(
        [records("new", right, "correct")], accuracy, BoundQuestion(0.2, ("low",), anytime=anytime), samples=100
    )
    assert counted.rate is not None
    assert counted.rate <= (0.1 if anytime else 0.35)
    if not anytime:
        assert counted.rate > 0.05


def test_what_cannot_be_tried_says_why() -> None:
    same = records("base", np.arange(50.0))
    assert bound_coverage([same, same], Score(), BoundQuestion(0.05, ("low",))).reason == "the two sides are identical."
    missing = bound_coverage([same], Score(), BoundQuestion(0.05, ("low",), "half=2"))
    assert missing.reason == "no item of half=2 has an answer."
    assert dataclasses.asdict(missing)["rate"] is None
