"""Figures of pairs and of substitutions, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import SuiteError
from harness.core.metric import Metric, MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics

PLL = MetricContext(scorer="pll_word_l2r")


def one(name: str, context: MetricContext = PLL) -> Metric:
    (metric,) = build_metrics([name], context)
    return metric


def value(metric: Metric, records: Records) -> float:
    stats = metric.stats(records)
    kept = stats[~np.isnan(stats).any(axis=1)]
    return float(metric.value(kept.sum(axis=0), float(len(kept))))


def pairs(protocol: str = "pll_word_l2r") -> Records:
    rows = [
        Record("a", "d", stats={"preferred": 1.0, "margin": 2.0, "tied": 0.0, "likelihood": -30.0, "tokens": 10.0}),
        Record("b", "d", stats={"preferred": 0.0, "margin": -0.5, "tied": 0.0, "likelihood": -20.0, "tokens": 5.0}),
        Record("c", "d", stats={"preferred": 1.0, "margin": 0.9, "tied": 0.0, "likelihood": -10.0, "tokens": 5.0}),
        Record("e", "d", tied=True, stats={"margin": 0.0, "tied": 1.0, "likelihood": -4.0, "tokens": 12.0}),
    ]
    return Records.of(RecordsHead("pairs", "m", protocol), rows)


def test_preferences_leave_ties_out_and_margins_keep_them() -> None:
    assert value(one("stereotype_score"), pairs()) == pytest.approx(2 / 3)
    assert value(one("pair_margin"), pairs()) == pytest.approx(2.4 / 4)
    assert value(one("tie_rate"), pairs()) == pytest.approx(1 / 4)
    assert value(one("pair_likelihood"), pairs()) == pytest.approx(-64 / 32)


def test_all_ties_are_undefined_never_the_ideal() -> None:
    tie = Record("e", "d", tied=True, stats={"margin": 0.0, "tied": 1.0})
    records = Records.of(RecordsHead("pairs", "m", "pll_word_l2r"), [tie])
    assert np.isnan(value(one("stereotype_score"), records))


def test_the_scorer_stands_in_the_id_and_other_scorers_are_not_mixed_in() -> None:
    metric = one("stereotype_score")
    assert (metric.id, metric.direction, metric.ideal) == ("stereotype_score[pll_word_l2r]", "target", 0.5)
    assert np.isnan(metric.stats(pairs("ll"))).all()


def test_without_a_scorer_each_kind_of_model_has_its_own_metric() -> None:
    found = build_metrics(["stereotype_score"], MetricContext())
    assert [metric.id for metric in found] == [
        "stereotype_score[pll_word_l2r]",
        "stereotype_score[ll]",
        "stereotype_score[target_ll]",
    ]
    assert [metric.id for metric in build_metrics(["pair_margin[ll]"], MetricContext())] == ["pair_margin[ll]"]


def test_a_scorer_that_the_probe_does_not_use_is_refused() -> None:
    with pytest.raises(SuiteError, match=r"needs the scorer 'pll'; the probe uses pll_word_l2r"):
        build_metrics(["stereotype_score[pll]"], PLL)


def test_substitution_figures() -> None:
    rows = [
        Record("a", "d", stats={"flipped": 0.5, "shift": 0.3, "shift_abs": 0.3}),
        Record("b", "d", stats={"flipped": 0.0, "shift": -0.3, "shift_abs": 0.4}),
    ]
    records = Records.of(RecordsHead("names", "m", "head"), rows)
    assert value(one("flip_rate"), records) == pytest.approx(0.25)
    assert value(one("score_shift"), records) == pytest.approx(0.0)
    assert value(one("score_shift_abs"), records) == pytest.approx(0.35)
    shift = one("score_shift", MetricContext(cluster_unit="original"))
    assert (shift.direction, shift.ideal, shift.cluster_unit) == ("target", 0.0, "original")
