"""From records through statistics to verdicts: the seams between comparisons and gates."""

from __future__ import annotations

import random
from datetime import date

import pytest

from harness.comparisons.join import Pair
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.gates.alpha_levels import alpha_levels
from harness.gates.judging import gate_traces
from harness.gates.parse_rules import parse_gates
from harness.gates.result_lookup import ResultLookup
from harness.gates.trace import JudgmentContext
from harness.metrics.build_metrics import build_metrics
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.verdicts import GateResult
from harness.statistics.inference_settings import InferenceSettings
from harness.suite.yaml.located_document import parse

LABELS = ("bad", "good")


def records(model: str, accuracy: float, seed: int, n: int = 400) -> Records:
    draw = random.Random(seed)
    rows = []
    for index in range(n):
        right = draw.random() < accuracy
        target = LABELS[index % 2]
        rows.append(
            Record(
                f"item{index:04}",
                f"item{index:04}",
                clusters={"parent": f"item{index:04}"},
                slices=(f"source={'tweets' if index % 4 < 2 else 'movie'}",),
                target=target,
                prediction=target if right else LABELS[(index + 1) % 2],
                stats={"correct": float(right), "nll": 0.2 if right else 1.5},
            )
        )
    return Records.of(RecordsHead("reviews", model, "head"), rows)


def judged(rules: str, base: Records, tuned: Records) -> list[GateResult]:
    document = parse(rules, "suite.yaml")
    gates = parse_gates(document.value, document.where)
    metrics, comparisons, settings = [], [], InferenceSettings(alphas=tuple(alpha_levels(gates)))
    for metric in build_metrics(["accuracy", "nll"], MetricContext(LABELS)):
        for name, found in (("base", base), ("tuned", tuned)):
            metrics += metric_results(
                found,
                metric,
                evaluation="reviews",
                model=name,
                settings=settings,
            )
        comparisons += compare(
            Pair("reviews", "base", "tuned"),
            PairedRecords(base, tuned),
            metric,
            settings=settings,
        )
    evaluation = EvaluationResult(
        name="reviews",
        role="task",
        kind="classification",
        summary="",
        data=["mine"],
        split="test",
        n=len(base),
        coverage={"base": 1.0, "tuned": 1.0},
    )
    context = JudgmentContext(gates, ResultLookup(metrics, comparisons, [evaluation]), "base", date(2026, 1, 1))
    return [trace.result for trace in gate_traces(context, ["tuned"])]


RULES = """
- {id: better, metric: reviews.accuracy, kind: superiority}
- {id: sure, metric: reviews.nll, kind: superiority, alpha: 0.01}
- {id: nll, metric: reviews.nll, kind: non_inferiority, margin: 0.01}
- {id: floor, metric: reviews.accuracy, kind: absolute, min: 0.7}
- {id: same, metric: reviews.accuracy, kind: equivalence, margin: 0.02}
- {id: slices, metric: reviews.accuracy, kind: non_inferiority, margin: 0.03, each_slice: source, correction: holm}
"""


def test_a_better_model_passes() -> None:
    found = judged(RULES, records("base", 0.6, 1), records("tuned", 0.85, 2))
    assert [(one.id, one.verdict) for one in found] == [
        ("better", "pass"),
        ("sure", "pass"),
        ("nll", "pass"),
        ("floor", "pass"),
        ("same", "fail"),
        ("slices", "pass"),
        ("slices", "pass"),
    ]


def test_a_worse_model_fails() -> None:
    found = judged(RULES, records("base", 0.85, 1), records("tuned", 0.6, 2))
    assert {one.verdict for one in found} == {"fail"}
    assert all("confidence" in one.sentence for one in found)


def test_the_same_model_is_identical_and_not_better() -> None:
    base = records("base", 0.8, 1)
    found = {one.id: one for one in judged(RULES, base, base)}
    assert found["better"].verdict in {"fail", "inconclusive"}
    assert "identical on every item" in found["better"].sentence
    assert found["same"].verdict == "pass"


@pytest.mark.parametrize("n", [0, 1])
def test_next_to_no_items_never_pass(n: int) -> None:
    found = judged(RULES, records("base", 0.6, 1, n), records("tuned", 0.9, 2, n))
    assert {one.verdict for one in found} <= {"error", "inconclusive"}
