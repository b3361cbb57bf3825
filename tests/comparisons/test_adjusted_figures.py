"""Few costly values: a candidate that was asked about few of the baseline's items, a judge who saw some texts."""

from __future__ import annotations

import numpy as np
import pytest
from harness_support.record_samples import ACCURACY, BITS, made

from harness.comparisons.adjusted_figures import adjusted_level
from harness.comparisons.join import Pair
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.records import Records
from harness.metrics.metric_shapes import MeanMetric
from harness.schema.results.metrics import ComparisonResult
from harness.statistics.inference_settings import InferenceSettings


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
    return compare(Pair("reviews", "base", "new"), PairedRecords(*sides), ACCURACY, slices=False)[0]


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
    [ratio] = compare(Pair("reviews", "base", "new"), PairedRecords(*sides), BITS, slices=False)
    assert ratio.adjusted is None


JUDGED = MeanMetric(
    id="judge_win_rate", unit="share", direction="higher", cluster_unit="item", column="judged", bounds=(0, 1)
)


def judged_texts(seed: int, shift: float, share: float = 0.2, unread: float = 0.0) -> Records:
    """400 texts, of which chance let a judge see some; longer ones please it."""
    rng = np.random.default_rng(seed)
    chosen = np.random.default_rng(99 + seed // 2).random(400)
    likely = rng.random(400)
    items = []
    for k in range(400):
        stats = {"words": float(likely[k]), "costly": float(chosen[k] < share)}
        if chosen[k] < share and rng.random() >= unread:
            stats["judged"] = min(1.0, max(0.0, 0.8 * likely[k] + shift + 0.05 * rng.normal()))
        items.append({"item_id": f"i{k:04}", "item_digest": f"d{k}", "stats": stats})
    return made(items)


def test_texts_that_no_judge_saw_make_the_judged_ones_surer() -> None:
    sides = judged_texts(0, 0.1), judged_texts(1, 0.15)
    [level] = metric_results(
        sides[1], JUDGED, evaluation="e", model="m", slices=False, settings=InferenceSettings(alphas=(0.05,))
    )
    [change] = compare(Pair("e", "b", "c"), PairedRecords(*sides), JUDGED, slices=False)
    for row in (level, change):
        assert row.adjusted is not None
        assert row.n == row.adjusted.n < 100
        assert row.adjusted.total == 400
        assert row.adjusted.gain > 3
        assert row.adjusted.interval.at(0.05).low is not None
    assert change.adjusted is not None
    assert change.adjusted.interval.low is not None
    assert change.adjusted.interval.high is not None
    truth = float(sides[1].stat("words").mean() - sides[0].stat("words").mean()) * 0.8 + 0.05
    assert change.adjusted.interval.low < truth < change.adjusted.interval.high


def test_nothing_is_adjusted_where_all_are_judged_or_the_metric_reads_no_judge() -> None:
    [row] = metric_results(judged_texts(1, 0.1, share=2.0), JUDGED, evaluation="e", model="m", slices=False)
    assert row.adjusted is None
    words = MeanMetric(id="words", unit="share", direction="higher", cluster_unit="item", column="words")
    [row] = metric_results(judged_texts(1, 0.1), words, evaluation="e", model="m", slices=False)
    assert row.adjusted is None


def test_adjusted_intervals_cover_what_plain_ones_estimate() -> None:
    """200 populations in which a fifth of the verdicts cannot be read, as often on long texts as on short ones."""
    covered, truth = 0, float(np.clip(0.1 + 0.8 * np.linspace(0, 1, 100_001), 0, 1).mean())
    for seed in range(0, 400, 2):
        made_row = adjusted_level(JUDGED, judged_texts(seed, 0.1, unread=0.2), InferenceSettings())
        assert made_row is not None
        assert made_row.interval.low is not None
        assert made_row.interval.high is not None
        covered += made_row.interval.low < truth < made_row.interval.high
    assert covered >= 180
