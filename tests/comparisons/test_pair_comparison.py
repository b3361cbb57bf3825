import math

import numpy as np
import pytest
from harness_support.interval_ends import ends
from harness_support.record_samples import ACCURACY, BITS, PERPLEXITY, SCORE, StatMetric, made, scored
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.comparisons.join import Pair
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.comparisons.slices import per_slice
from harness.core.metric import Metric, MetricContext, RecomputedMetric
from harness.core.records import ITEM, Records
from harness.metrics.build_metrics import build_metrics
from harness.schema.results.metrics import ComparisonResult
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.multiplicity import holm
from harness.statistics.proportions import mcnemar_exact, tango

RNG = np.random.default_rng(3)


def _compare(base: Records, candidate: Records, metric: Metric = ACCURACY, **options) -> list[ComparisonResult]:
    settings = InferenceSettings(resamples=200, alphas=options.pop("alphas", (0.05,)))
    return compare(
        Pair("reviews", "base", "tuned"), PairedRecords(base, candidate), metric, settings=settings, **options
    )


def _sources(row: int) -> tuple[str, ...]:
    return (("source=a",), ("source=b",), ("source=b", "length=long"))[row % 3]


def test_overall_result() -> None:
    before, after = [1, 1, 0, 0, 1, 0, 0, 0] * 10, [1, 1, 1, 1, 0, 0, 0, 0] * 10
    found = _compare(made(scored(before)), made(scored(after)), alphas=(0.05, 0.01))[0]
    assert found.id == "reviews.accuracy"
    assert (found.baseline_value, found.candidate_value) == (30 / 80, 40 / 80)
    assert found.delta.value == found.improvement == pytest.approx(0.125)
    assert found.p == mcnemar_exact(10, 20)
    assert ends(found.delta, 0.05) == pytest.approx(tango(10, 20, 80, 0.05))
    assert {bound.alpha for bound in found.delta.bounds} == {0.05, 0.01}
    assert found.discordant == pytest.approx(30 / 80)
    assert found.status == "ok"
    assert found.p_adjusted is None
    assert found.family is None
    assert found.mde is not None
    assert found.ratio is None


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(30)))
def test_pairs_by_id_not_by_row(order: list[int]) -> None:
    before, after = scored(RNG.integers(0, 2, 30)), scored(RNG.integers(0, 2, 30))
    base, candidate = made(before), made(after)
    shuffled = Records(candidate.head, candidate.take(np.array(order)).table)
    assert _compare(base, shuffled) == _compare(base, candidate)


def test_lower_is_better_turns_the_sign() -> None:
    rows = [{"stats": {"nll": float(x), "bytes": 10.0}} for x in RNG.gamma(9, 1, 60)]
    less = [
        {"stats": {"nll": row["stats"]["nll"] * f, "bytes": 10.0}}
        for row, f in zip(rows, RNG.normal(0.9, 0.05, 60), strict=True)
    ]
    found = _compare(made(rows), made(less), BITS)[0]
    assert found.delta.value < 0
    assert found.improvement == -found.delta.value
    assert found.ratio.value == pytest.approx(found.candidate_value / found.baseline_value)
    assert found.ratio.low < found.ratio.value < found.ratio.high < 1
    assert ends(found.ratio, 0.05)[1] < 1


def test_target_has_no_orientation_but_a_distance() -> None:
    base = made([{"stats": {"preferred": float(x)}} for x in [1] * 7 + [0] * 3])
    candidate = made([{"stats": {"preferred": float(x)}} for x in [1] * 4 + [0] * 6])
    found = _compare(base, candidate, SCORE)[0]
    assert found.improvement is None
    assert found.distance_change == pytest.approx(-0.1)


def test_other_content_under_one_id_is_refused() -> None:
    base, candidate = made(scored([1, 0, 1])), made([{"item_digest": "other", **row} for row in scored([1, 0, 1])])
    [found] = _compare(base, candidate)
    assert found.status == "refused"
    assert "same id but a different content" in found.reason
    assert found.delta.value is None
    assert found.p is None


def test_other_clusters_under_one_id_are_refused() -> None:
    metric = StatMetric("accuracy", ("correct",), cluster_unit="parent")
    base = made(scored([1, 0, 1, 1], clusters=lambda row: {"parent": str(row // 2)}))
    candidate = made(scored([1, 0, 1, 1], clusters=lambda row: {"parent": str(row % 2)}))
    assert "parent cluster" in _compare(base, candidate, metric)[0].reason
    assert _compare(base, base, metric)[0].clusters == 2


def test_items_of_one_side_are_counted_and_left_out() -> None:
    base = made(scored([1] * 12, slices=_sources))
    candidate = made(
        [
            {
                "item_id": f"i{row + 2:03}",
                "item_digest": f"d{row + 2}",
                "slices": _sources(row + 2),
                "stats": {"correct": 1.0},
            }
            for row in range(12)
        ]
    )
    found = _compare(base, candidate)
    assert (found[0].n, found[0].only_baseline, found[0].only_candidate) == (10, 2, 2)
    assert any("excluded" in text for text in found[0].weaknesses)
    by_slice = {one.slice: one for one in found[1:]}
    assert (by_slice["source=a"].only_baseline, by_slice["source=a"].only_candidate) == (1, 1)


def test_unread_items_are_left_out_and_said() -> None:
    base = made(scored([1, 0, 1, 0], status=lambda row: "unread" if row == 1 else "ok"))
    candidate = made(scored([1, 0, 1, 0], status=lambda row: "failed" if row == 2 else "ok"))
    found = _compare(base, candidate)[0]
    assert found.n == 2
    assert any("2 items without a parsable answer" in text for text in found.weaknesses)


def test_slices_are_adjusted_in_their_family() -> None:
    rng = np.random.default_rng(0)
    base, candidate = (made(scored(rng.random(150) < share, slices=_sources)) for share in (0.5, 0.7))
    found = _compare(base, candidate)
    assert [one.slice for one in found] == [None, "length=long", "source=a", "source=b"]
    assert [one.n for one in found] == [150, 50, 50, 100]
    assert {one.family for one in found[1:]} == {3}
    assert {one.correction for one in found[1:]} == {"westfall_young"}
    by_holm = holm([one.p for one in found[1:]])
    assert all(one.p <= one.p_adjusted <= most + 0.05 for one, most in zip(found[1:], by_holm, strict=True))
    assert len(_compare(base, candidate, slices=False)) == 1


def test_slice_where_nothing_is_defined_is_undefined_not_missing() -> None:
    def rows(seed: int) -> Records:
        values = np.random.default_rng(seed).integers(0, 2, 30).astype(float)
        values[2::3] = np.nan
        return made(scored(values, slices=_sources))

    found = {one.slice: one for one in _compare(rows(1), rows(2))}
    assert found["length=long"].status == "undefined"
    assert found["length=long"].reason
    assert found["length=long"].p_adjusted is None
    assert found["source=a"].family == 2


def test_identical_records_are_said_to_be_identical() -> None:
    base = made(scored([1, 0] * 20))
    found = _compare(base, base)[0]
    assert found.identical
    assert found.p == 1.0
    assert found.delta.value == 0.0


def test_no_shared_items_is_undefined() -> None:
    base = made(scored([1, 0]))
    candidate = made([{"item_id": f"x{row}", **fields} for row, fields in enumerate(scored([1, 0]))])
    found = _compare(base, candidate)[0]
    assert found.status == "undefined"
    assert found.n == 0
    assert found.delta.low is None
    assert (found.only_baseline, found.only_candidate) == (2, 2)


def test_missing_statistic_is_undefined() -> None:
    base = made([{"status": "failed"}, {"status": "failed"}])
    found = _compare(base, base)[0]
    assert found.status == "undefined"
    assert "correct" in found.reason
    [level] = metric_results(base, ACCURACY, evaluation="reviews", model="base")
    assert level.status == "undefined"
    assert level.interval.value is None


def test_likelihoods_of_different_protocols_are_refused() -> None:
    rows = [{"stats": {"nll": 3.0, "bytes": 5.0}}] * 3
    base, candidate = made(rows, "pseudo_likelihood"), made(rows, "rolling_likelihood")
    assert "not comparable" in _compare(base, candidate, BITS)[0].reason
    assert _compare(made(rows, "pll_word_l2r"), made(rows, "ll"), BITS)[0].status == "refused"
    assert _compare(base, base, BITS)[0].status == "ok"


def test_per_token_figures_need_one_tokenizer() -> None:
    rows = [{"stats": {"nll": float(x), "tokens": 5.0, "bytes": 20.0}} for x in RNG.gamma(9, 1, 20)]
    one, two = ({"tokenizer": name} for name in ("a", "b"))
    base, candidate = made(rows, "rolling_likelihood", one), made(rows, "rolling_likelihood", two)
    assert _compare(base, candidate, PERPLEXITY)[0].status == "refused"
    assert _compare(base, base, PERPLEXITY)[0].status == "ok"
    found = _compare(base, candidate, BITS)[0]
    assert found.status == "ok"
    assert any("tokenizers differ" in note for note in found.comparability)


def test_classification_by_other_protocols_is_labeled() -> None:
    base, candidate = made(scored([1, 0, 1]), "cloze"), made(scored([1, 1, 1]), "head")
    found = _compare(base, candidate)[0]
    assert found.status == "ok"
    assert (found.baseline_protocol, found.candidate_protocol) == ("cloze", "head")
    assert any("different protocols" in note for note in found.comparability)


def test_unequal_truncation_is_noted() -> None:
    base, candidate = made(scored([1, 0, 1])), made(scored([1, 0, 1], truncated=lambda row: 4 * (row == 1)))
    assert "truncated items: baseline 0, candidate 1 of 3." in _compare(base, candidate)[0].comparability


def test_a_metric_that_is_recomputed_has_to_say_how() -> None:
    class NoFigure(RecomputedMetric):
        id, unit, direction, cluster_unit = "auc", "share", "higher", ITEM

    with pytest.raises(TypeError, match=r"abstract method .?recompute"):
        NoFigure()  # type: ignore[abstract]  # the point of the test


def test_levels_overall_and_by_slice() -> None:
    base = made(scored([1, 0, 1, 1, 0, 0], slices=_sources, status=lambda row: "unread" if row == 5 else "ok"))
    found = metric_results(
        base, ACCURACY, evaluation="reviews", model="base", settings=InferenceSettings(alphas=(0.05,))
    )
    assert [(one.slice, one.n) for one in found] == [(None, 5), ("length=long", 1), ("source=a", 2), ("source=b", 3)]
    assert found[0].interval.value == pytest.approx(0.6)
    assert found[0].interval.low < 0.6 < found[0].interval.high
    assert {bound.alpha for bound in found[0].interval.bounds} == {0.05}
    assert len(metric_results(base, ACCURACY, evaluation="reviews", model="base", slices=False)) == 1


def test_no_number_is_ever_nan() -> None:
    base = made(scored([math.nan, math.nan]))
    for one in [*_compare(base, base), *metric_results(base, ACCURACY, evaluation="r", model="m")]:
        assert all(not (isinstance(x, float) and math.isnan(x)) for x in one.model_dump().values())
        assert one.status == "undefined"


def test_slices_show_bounds_that_hold_at_once() -> None:
    base, candidate = (made(scored(RNG.random(150) < share, slices=_sources)) for share in (0.5, 0.7))
    found = _compare(base, candidate)
    assert found[0].simultaneous is None
    for one in found[1:]:
        assert one.correction == "westfall_young"
        assert {bound.alpha for bound in one.delta.bounds} == {0.05}
        fixed = round((one.discordant + one.delta.value) * one.n / 2)
        broken = round((one.discordant - one.delta.value) * one.n / 2)
        assert (one.simultaneous.low, one.simultaneous.high) == pytest.approx(tango(broken, fixed, one.n, 0.025 / 3))
        assert one.simultaneous.low < one.delta.low < one.delta.high < one.simultaneous.high


def test_adjusted_bounds_of_all_slices_hold_at_once() -> None:
    """Eight slices without a difference: all intervals hold zero in at least 95% of the draws."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(80):
        answers = rng.random((2, 240)) < 0.7
        sides = [made(scored(side, slices=lambda row: (f"part={row % 8}",))) for side in answers]
        found = _compare(*sides, alphas=())
        held += all(one.simultaneous.low <= 0 <= one.simultaneous.high for one in found[1:])
    assert held / 80 >= 0.95 - 3.5 * math.sqrt(0.05 * 0.95 / 80)


def test_farther_bounds_take_more_resamples() -> None:
    assert per_slice(10_000) == 2_000
    assert per_slice(10_000, (0.05, 0.0025)) == 4_000
    assert per_slice(10_000, (0.0005,)) == 10_000
    assert per_slice(300, (0.001,)) == 300


def test_repeated_ids_are_refused() -> None:
    base = made(scored([1, 0, 1]))
    twice = Records(base.head, base.take([0, 1, 1, 2]).table)
    for sides in ((base, twice), (twice, base)):
        [found] = _compare(*sides)
        assert found.status == "refused"
        assert "i001" in found.reason


def test_items_needed_for_the_difference_that_was_seen() -> None:
    before, after = [1, 1, 0, 0, 1, 0, 0, 0] * 10, [1, 1, 1, 1, 0, 0, 0, 0] * 10
    found = _compare(made(scored(before)), made(scored(after)))[0]
    # n·((z₀.₀₅ + z₀.₂)·SE/δ)²
    assert found.required_n == math.ceil(
        80 * ((1.6448536 + 0.8416212) * found.delta.standard_error / found.delta.value) ** 2
    )
    assert _compare(made(scored(before)), made(scored(before)))[0].required_n is None


def test_failures_of_one_side_are_counted_by_side() -> None:
    base = made(scored([1, 0, 1, 0]))
    candidate = made(scored([1, 0, 1, 0], status=lambda row: "failed" if row < 2 else "ok"))
    assert any("baseline 0, candidate 2" in text for text in _compare(base, candidate)[0].weaknesses)


def test_a_metric_that_knows_its_weakness_says_it() -> None:
    [ece] = build_metrics(["ece"], MetricContext())
    rows = [{"stats": {"correct": float(row % 3 > 0), "confidence": 0.5 + row / 400}} for row in range(120)]
    other = [{"stats": {"correct": float(row % 4 > 0), "confidence": 0.5 + row / 400}} for row in range(120)]
    found = _compare(made(rows), made(other), ece)[0]
    assert any("binned" in text for text in found.weaknesses)
    [level] = metric_results(
        made(rows), ece, evaluation="reviews", model="base", settings=InferenceSettings(resamples=200)
    )
    assert any("binned" in text for text in level.weaknesses)
