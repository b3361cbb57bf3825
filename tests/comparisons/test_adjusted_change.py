"""A candidate that was asked about few of the baseline's items."""

from __future__ import annotations

import numpy as np
import pytest
from harness_support.record_samples import ACCURACY, BITS, made

from harness.comparisons.pair_comparison import compare
from harness.core.records import Records
from harness.schema.results.metrics import ComparisonResult


def records(right: np.ndarray, margin: np.ndarray, asked: np.ndarray) -> Records:
    return made(
        [
            {"item_id": f"i{k:04}", "item_digest": f"d{k}", "margin": float(margin[k]),
             "stats": {"correct": float(right[k]), "nll": 1.0, "bytes": 2.0}}
            for k in np.flatnonzero(asked)
        ]
    )  # fmt: skip


def change(asked: np.ndarray) -> ComparisonResult:
    """The candidate mends what the baseline gets wrong: its change hangs on the baseline's own answer."""
    rng = np.random.default_rng(0)
    margin = rng.normal(0.4, 1, 800)
    base, candidate = margin > 0, rng.random(800) < 0.9
    sides = (records(base, margin, np.ones(800, bool)), records(candidate, margin, asked))
    return compare(*sides, ACCURACY, evaluation="reviews", baseline="base", candidate_name="new", slices=False)[0]


def test_further_answers_of_the_baseline_are_worth_items() -> None:
    asked = np.zeros(800, bool)
    asked[np.random.default_rng(1).permutation(800)[:100]] = True
    row, whole = change(asked), change(np.ones(800, bool))
    assert row.adjusted is not None
    assert (row.adjusted.n, row.adjusted.total) == (100, 800)
    assert row.adjusted.gain > 1.5
    assert row.adjusted.n_eff == pytest.approx(100 * row.adjusted.gain)
    assert row.adjusted.interval.low is not None
    assert row.adjusted.interval.high is not None
    assert whole.delta.value is not None
    assert row.adjusted.interval.low < whole.delta.value < row.adjusted.interval.high
    assert not row.adjusted.weaknesses
    # What is judged is as it was.
    assert row.n == 100
    assert row.delta.value is not None
    assert row.delta.value != row.adjusted.interval.value


def test_it_stands_only_where_there_are_further_answers_and_says_where_chance_did_not_choose() -> None:
    assert change(np.ones(800, bool)).adjusted is None
    few = np.zeros(800, bool)
    few[:3] = True
    assert change(few).adjusted is None
    rng = np.random.default_rng(0)
    easy = rng.normal(0.4, 1, 800) > 0.2
    row = change(easy)
    assert row.adjusted is not None
    assert "chance" in row.adjusted.weaknesses[-1]
    sides = (records(easy, easy, np.ones(800, bool)), records(easy, easy, easy))
    [ratio] = compare(*sides, BITS, evaluation="reviews", baseline="base", candidate_name="new", slices=False)
    assert ratio.adjusted is None
