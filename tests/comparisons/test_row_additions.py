"""The difference without items that training data hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.comparisons.join import Pair
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics

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
    errors = [part.std(ddof=1) / math.sqrt(len(part)) for part in (change[:DIRTY], change[DIRTY:])]
    reach = 1.96 * DIRTY / N * math.hypot(*errors)
    assert row.overlap.high - row.overlap.low == pytest.approx(2 * reach, rel=0.01)
    assert row.overlap.low > 0
    plain, *_ = compare(
        Pair("r", "a", "b"), PairedRecords(records(base, overlap=False), records(new, overlap=False)), metric
    )
    assert plain.overlap is None
    assert plain.delta.value == row.delta.value
