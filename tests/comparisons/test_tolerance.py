"""How exact log-likelihoods are stands with the records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.comparisons.join import Pair
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics


def records(shift: float, tolerance: Any) -> Records:
    facts = {} if tolerance is None else {"tolerance": tolerance}
    rows = [
        Record(f"i{k:03}", f"i{k:03}", target="x", stats={"nll": 2.0 + 0.01 * k + shift * (1 + k % 3)})
        for k in range(60)
    ]
    return Records.of(RecordsHead("reviews", "m", "head", facts=facts), rows)


@pytest.mark.parametrize(
    ("base", "new", "identical"),
    [
        (None, None, False),
        ([1e-4, 2e-6], [1e-4, 2e-6], False),
        ([1e-4, 2e-6], [8e-4, 2e-6], True),
        ([8e-4, 2e-6], None, True),
        (["huge", 0.0], [1e9, 1.0], False),
    ],
)
def test_the_larger_tolerance_of_both_sides_counts(base: Any, new: Any, identical: bool) -> None:
    [metric] = build_metrics(["nll"], MetricContext())
    sides = records(0.0, base), records(2e-4, new)
    row, *_ = compare(Pair("reviews", "a", "b"), PairedRecords(*sides), metric)
    assert np.isfinite(row.delta.value or 0.0)
    assert row.identical == identical
