"""`mean_of`, `pooled`, `max_drop`: from the records of two evaluations to a verdict, its plan and its explanation."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.core.errors import SuiteError
from harness.core.records import FAILED, OK, Record, Records, RecordsHead
from harness.core.reporter import Silent
from harness.gates.explanation import explain
from harness.gates.gate_planning import plan_rule, planned
from harness.gates.parse_rules import parse_gates
from harness.pipeline.results.gate_verdicts import gate_traces
from harness.pipeline.results.scoring import Pair, ScoringContext, ScoringSpec, score
from harness.schema.results.inputs import EvaluationResult
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir
from harness.suite.yaml.located_document import parse

LABELS = ("bad", "good")
NAMES = ("reviews", "news")
JOINT = "- {id: g, %s, kind: %s, margin: %g}"


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """reviews: the new model gains 6 points; news: it loses 8."""
    return written(tmp_path)


def written(tmp_path: Path, unanswered: int = 0) -> RunDir:
    """`unanswered`: so many of the news have no answer of the new model."""
    made, rng = RunDir(tmp_path / "run"), np.random.default_rng(0)
    for name, n, share in (("reviews", 400, 0.06), ("news", 200, -0.08)):
        base = rng.random(n) < 0.7
        moved = rng.random(n) < abs(share) / (0.3 if share > 0 else 0.7)
        new = base | moved if share > 0 else base & ~moved
        for model, right in (("base", base), ("new", new)):
            rows = [
                Record(
                    f"{name}{k:03}",
                    f"{name}{k:03}",
                    target=LABELS[k % 2],
                    prediction=LABELS[k % 2 if right[k] else 1 - k % 2],
                    status=FAILED if gone > k else OK,
                    stats={} if gone > k else {"correct": float(right[k])},
                )
                for gone in [unanswered if (name, model) == ("news", "new") else 0]
                for k in range(n)
            ]
            write_records(made.records_path(name, model), Records.of(RecordsHead(name, model, "head"), rows))
    return made


def traces(run: RunDir, text: str) -> Any:
    document = parse(text, "suite.yaml")
    gates = parse_gates(document.value, document.where)
    specs = [
        ScoringSpec(name, ("accuracy", "f1_macro"), "item", LABELS, protocols={"base": "head", "new": "head"})
        for name in NAMES
    ]
    scores = score(
        run, specs, [Pair(name, "base", "new") for name in NAMES], ScoringContext(lambda _: (0.05,), 0, Silent())
    )
    evaluations = [
        EvaluationResult(
            name=name,
            role="task",
            kind="classification",
            summary="",
            data=[name],
            split="test",
            n=400,
            protocols={"base": "head", "new": "head"},
            coverage={"base": 1.0, "new": 1.0},
            labels=list(LABELS),
            metrics=["accuracy", "f1_macro"],
            cluster_unit="item",
            baseline="base",
        )
        for name in NAMES
    ]
    suite: Any = SimpleNamespace(gates=gates, release=["new"], compare=SimpleNamespace(baseline="base"), seed=0)
    return gates, gate_traces(run, suite, scores.metrics, scores.comparisons, evaluations, today=date(2026, 1, 1))


@pytest.mark.parametrize(
    ("parts", "expected", "verdict"),
    [
        ("mean_of: [reviews.accuracy, {metric: news.accuracy, weight: 3}]", -0.045, "fail"),
        ("pooled: [reviews.accuracy, news.accuracy]", 0.013, "pass"),
        ("max_drop: [reviews.accuracy, news.accuracy]", -0.115, "fail"),
    ],
)
def test_each_way_has_its_own_answer(run: RunDir, parts: str, expected: float, verdict: str) -> None:
    gates, (trace,) = traces(run, JOINT % (parts, "non_inferiority", 0.015))
    result = trace.result
    assert result.observed == pytest.approx(expected, abs=0.03)
    assert result.verdict == verdict
    assert result.n == 600
    assert "Improvement by part: reviews.accuracy +" in result.sentence
    assert "news.accuracy -" in result.sentence.replace("\u2212", "-")
    assert "lower bound" in dict(explain(trace).lines)["numbers"]
    assert result.metric == "reviews.accuracy, news.accuracy"
    plan = plan_rule(gates.rules[0], lambda leaf: planned(leaf, 400))
    assert plan.mde is not None
    assert plan.mde > 0.015
    assert "as one figure" in plan.sentence


def test_a_part_that_cannot_be_judged_is_an_error(run: RunDir) -> None:
    _, (missing,) = traces(run, JOINT % ("mean_of: [reviews.accuracy, other.accuracy]", "superiority", 0))
    assert missing.result.verdict == "error"
    assert "other" in missing.result.sentence
    _, (pooled,) = traces(run, JOINT % ("pooled: [reviews.accuracy, news.f1_macro]", "superiority", 0))
    assert pooled.result.verdict == "error"
    assert "use `mean_of`" in pooled.result.sentence


def test_a_joint_rule_may_be_a_member(run: RunDir) -> None:
    inner = "{id: both, mean_of: [reviews.accuracy, news.accuracy], kind: non_inferiority, margin: 0.1}"
    _, (trace,) = traces(run, f"- {{id: g, all_of: [{inner}, {{metric: reviews.accuracy, kind: superiority}}]}}")
    assert trace.result.verdict == "pass"
    assert [member.verdict for member in trace.result.members] == ["pass", "pass"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {id: g, mean_of: [a.accuracy], kind: superiority}", "2"),
        ("- {id: g, mean_of: [a.accuracy, a.accuracy], kind: superiority}", "named twice"),
        ("- {id: g, max_drop: [a.accuracy, b.accuracy], kind: target}", "expected 'superiority'"),
        ("- {id: g, pooled: [a.accuracy, {metric: b.accuracy, weight: -1}], kind: superiority}", "greater than 0"),
        ("- {id: g, pooled: [a.accuracy, b], kind: superiority}", "evaluation.metric"),
        ("- {id: g, pooled: [a.accuracy, b.accuracy]}", "kind"),
    ],
)
def test_faults_are_named(text: str, words: str) -> None:
    document = parse(text, "suite.yaml")
    with pytest.raises(SuiteError) as raised:
        parse_gates(document.value, document.where)
    assert words in str(raised.value)


@pytest.mark.parametrize("parts", ["mean_of", "pooled", "max_drop"])
def test_missing_answers_of_a_part_count_as_their_worst(tmp_path: Path, parts: str) -> None:
    """20 of 200 news have no answer: they may all be broken, unless the gate says that chance kept them away."""
    run = written(tmp_path, 20)
    metrics = f"{parts}: [reviews.accuracy, news.accuracy], min_coverage: 0.8"
    _, (worst,) = traces(run, JOINT % (metrics, "non_inferiority", 0.1))
    _, (complete,) = traces(run, JOINT % (f"{metrics}, missing: complete_case", "non_inferiority", 0.1))
    assert worst.result.worst_case
    assert not complete.result.worst_case
    share = {"mean_of": 0.05, "pooled": 20 / 600, "max_drop": 0.1}[parts]
    assert worst.result.low == pytest.approx(complete.result.low - share, abs=0.04)
    assert worst.result.low < complete.result.low
    assert worst.result.high > complete.result.high
    _, (f1,) = traces(run, JOINT % ("mean_of: [reviews.f1_macro, news.f1_macro], min_coverage: 0.8", "superiority", 0))
    assert f1.result.verdict == "inconclusive"
    assert "20 answers" in f1.result.sentence
