"""The difference without items that training data hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.comparisons.join import Pair
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.comparisons.row_additions import without_overlap
from harness.core.interval import Interval
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics
from harness.schema.results.metrics import ComparisonResult
from harness.statistics.paired_difference import difference

N = 400
DIRTY = 80


def records(right: Any, *, overlap: bool = True) -> Records:
    rows = [Record(f"i{k:03}", f"i{k:03}", target="x", stats={"correct": float(right[k])}) for k in range(N)]
    made = Records.of(RecordsHead("reviews", "m", "head"), rows)
    return made.with_overlap({f"i{k:03}" for k in range(DIRTY)}) if overlap else made


def test_a_gain_on_contaminated_items_alone_is_told_apart() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(N) < 0.6
    new = base ^ (rng.random(N) < 0.05)
    new[:DIRTY] = True
    [metric] = build_metrics(["accuracy"], MetricContext())
    row, *_ = compare(Pair("r", "a", "b"), PairedRecords(records(base), records(new)), metric)
    change = new.astype(float) - base
    assert row.overlap is not None
    assert row.overlap.n == DIRTY
    assert row.overlap.without.value == pytest.approx(change[DIRTY:].mean())
    assert row.overlap.explained == pytest.approx(change.mean() - change[DIRTY:].mean())
    intervals = [
        difference(base[part, None] * 1.0, new[part, None] * 1.0, kind="mean", value=mean).delta
        for part in (slice(DIRTY), slice(DIRTY, None))
    ]
    dirty, clean = intervals
    below = DIRTY / N * math.hypot(dirty.value - dirty.low, clean.high - clean.value)
    assert row.overlap.low == pytest.approx(row.overlap.explained - below)
    assert row.overlap.low > 0
    plain, *_ = compare(
        Pair("r", "a", "b"), PairedRecords(records(base, overlap=False), records(new, overlap=False)), metric
    )
    assert plain.overlap is None
    assert plain.delta.value == row.delta.value


@pytest.mark.parametrize("count", [1, 3, 10])
def test_few_contaminated_items_explain_as_much_as_they_may(count: int) -> None:
    """Of 400 answers, contaminated ones gain 30 points: the interval of what they explain holds it, however few."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(60):
        change = np.where(rng.random(N) < 0.15, np.where(rng.random(N) < 0.5, 1.0, -1.0), 0.0)
        change[:count] = rng.random(count) < 0.3
        contaminated, sides = np.arange(N) < count, ((change < 0) * 1.0, (change > 0) * 1.0)
        parts = {None: contaminated | True, "overlap=yes": contaminated, "overlap=no": ~contaminated}
        rows = []
        for name, part in parts.items():
            made = difference(*(side[part, None] for side in sides), kind="mean", value=mean)
            rows.append(
                ComparisonResult.model_construct(
                    slice=name, n=int(part.sum()), identical=made.identical, delta=made.delta
                )
            )
        told = without_overlap(rows[0], rows[1:], True)
        assert told is not None
        assert told.low is not None
        assert told.high is not None
        held += told.low <= count / N * 0.3 <= told.high
    assert held >= 52


def test_one_contaminated_score_bounds_nothing() -> None:
    rows = [
        ComparisonResult.model_construct(slice=name, n=n, identical=False, delta=delta)
        for name, n, delta in (
            (None, 50, Interval(value=0.1, low=0.0, high=0.2)),
            ("overlap=yes", 1, Interval(value=0.5)),
            ("overlap=no", 49, Interval(value=0.09, low=0.0, high=0.2)),
        )
    ]
    told = without_overlap(rows[0], rows[1:], True)
    assert told is not None
    assert (told.low, told.high) == (None, None)


def mean(sums: Any, n: Any) -> Any:
    return sums[..., 0] / n
