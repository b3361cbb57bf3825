"""Bounds over everything that missing answers could be."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from harness.comparisons.join import Pair
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.errors import Where
from harness.core.metric import MetricContext
from harness.core.records import FAILED, OK, Record, Records, RecordsHead
from harness.gates.judging import gate_traces
from harness.gates.parse_rules import parse_gates
from harness.gates.result_lookup import ResultLookup
from harness.gates.trace import JudgmentContext
from harness.metrics.build_metrics import build_metrics
from harness.schema.results.inputs import EvaluationResult
from harness.statistics.paired_difference import difference

N = 300
LABELS = ("bad", "good")


def records(model: str, right: Any, missing: int) -> Records:
    """Records of which the last `missing` have no answer."""
    rows = [
        Record(
            f"item{k:03}",
            f"item{k:03}",
            status=OK if k < N - missing else FAILED,
            slices=(f"half={k // 2 % 2}",),
            target=LABELS[k % 2],
            prediction=None if k >= N - missing else LABELS[k % 2 if right[k] else 1 - k % 2],
            stats={"correct": float(right[k])} if k < N - missing else {},
        )
        for k in range(N)
    ]
    return Records.of(RecordsHead("reviews", model, "head"), rows)


@pytest.fixture
def sides() -> tuple[Records, Records]:
    rng = np.random.default_rng(0)
    base = rng.random(N) < 0.7
    return records("base", base, 0), records("new", base | (rng.random(N) < 0.2), 24)


def metric(name: str = "accuracy") -> Any:
    return build_metrics([name], MetricContext(labels=("bad", "good")))[0]


def test_the_worst_case_is_the_figure_with_the_worst_answers(sides: tuple[Records, Records]) -> None:
    base, new = sides
    whole, *slices = compare(Pair("reviews", "base", "new"), PairedRecords(base, new), metric())
    assert whole.missing == 24
    assert [row.missing for row in slices] == [12, 12]
    before, after = base.stat("correct"), new.stat("correct")
    ends = []
    for answer in (0.0, 1.0):
        filled = np.where(np.isnan(after), answer, after)
        made = difference(before[:, None], filled[:, None], kind="mean", value=lambda sums, n: sums[..., 0] / n)
        ends.append(made.delta)
    assert whole.worst_case is not None
    assert (whole.worst_case.low, whole.worst_case.high) == (ends[0].low, ends[1].high)
    assert whole.worst_case.at(0.05).low == ends[0].at(0.05).low
    assert whole.delta.low is not None
    assert whole.worst_case.low < whole.delta.low


def test_levels_have_one_too_and_complete_rows_none(sides: tuple[Records, Records]) -> None:
    base, new = sides
    (whole, *_) = metric_results(new, metric(), evaluation="reviews", model="new")
    assert whole.worst_case is not None
    assert whole.worst_case.low < whole.interval.low < whole.interval.high < whole.worst_case.high  # type: ignore[operator]
    (complete, *_) = metric_results(base, metric(), evaluation="reviews", model="base")
    assert (complete.missing, complete.worst_case) == (0, None)
    (f1, *_) = metric_results(new, metric("f1_macro"), evaluation="reviews", model="new")
    assert (f1.missing, f1.worst_case) == (24, None)


@pytest.mark.parametrize(
    ("metric_name", "more", "verdict", "words"),
    [
        ("accuracy", {}, "inconclusive", "24 items without an answer are counted as the worst"),
        ("accuracy", {"missing": "complete_case"}, "pass", "not worse"),
        ("f1_macro", {}, "inconclusive", "the worst that they could be is not known"),
        ("f1_macro", {"missing": "complete_case"}, "pass", "not worse"),
    ],
)
def test_a_gate_reads_the_worst_case_unless_told_otherwise(
    sides: tuple[Records, Records], metric_name: str, more: dict[str, str], verdict: str, words: str
) -> None:
    base, new = sides
    rows = compare(Pair("reviews", "base", "new"), PairedRecords(base, new), metric(metric_name))
    evaluation = EvaluationResult(
        name="reviews", role="task", kind="table", summary="", data=[], split="test", n=N,
        coverage={"base": 1.0, "new": 1 - 24 / N}, baseline="base",
    )  # fmt: skip
    rule = {
        "id": "kept", "metric": f"reviews.{metric_name}", "kind": "non_inferiority", "margin": 0.0,
        "min_coverage": 0.9, **more,
    }  # fmt: skip
    gates = parse_gates([rule], lambda *path, **more: Where("suite.yaml"))
    context = JudgmentContext(gates, ResultLookup([], rows, [evaluation]), "base", date(2026, 1, 1))
    result = gate_traces(context, ["new"])[0].result
    assert result.verdict == verdict
    assert words in result.sentence
    assert result.worst_case == (metric_name == "accuracy" and not more)


def test_identical_answers_say_nothing_of_the_missing_ones() -> None:
    """All that the candidate answered is as before; the 30 items that it did not answer may all be broken."""
    base = np.ones(N, dtype=bool)
    rows = compare(
        Pair("reviews", "base", "new"), PairedRecords(records("base", base, 0), records("new", base, 30)), metric()
    )
    evaluation = EvaluationResult(
        name="reviews", role="task", kind="table", summary="", data=[], split="test", n=N,
        coverage={"base": 1.0, "new": 0.9}, baseline="base",
    )  # fmt: skip
    rule = {"id": "kept", "metric": "reviews.accuracy", "kind": "non_inferiority", "margin": 0.02, "min_coverage": 0.8}
    for more, verdict in (({}, "inconclusive"), ({"missing": "complete_case"}, "pass")):
        gates = parse_gates([{**rule, **more}], lambda *path, **more: Where("suite.yaml"))
        context = JudgmentContext(gates, ResultLookup([], rows, [evaluation]), "base", date(2026, 1, 1))
        result = gate_traces(context, ["new"])[0].result
        assert result.verdict == verdict
