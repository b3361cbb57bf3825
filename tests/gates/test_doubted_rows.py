"""Rows that may have been trained on: a gate that would pass is inconclusive, a shown harm stays a failure."""

from __future__ import annotations

import pytest
from harness_support.gate_samples import comparison, evaluation, judged, level

from harness.gates.explanation import explain
from harness.gates.overall_verdict import overall
from harness.schema.results.inputs import EvaluationResult, UnknownTraining

BETTER = "[{id: better, metric: reviews.accuracy, kind: superiority}]"
HIGH = "[{id: high, metric: reviews.accuracy, kind: absolute, min: 0.5}]"
ANY = """\
- id: either
  any_of:
    - {metric: reviews.accuracy, kind: superiority}
    - {metric: reviews.accuracy, kind: absolute, min: 0.5}
"""


def doubted(*models: str) -> EvaluationResult:
    unknown = UnknownTraining(
        models=list(models), sentence="rows may have been trained on: nothing says it.", advice="Add a line."
    )
    return evaluation(unknown_training=unknown)


@pytest.mark.parametrize("models", [("base",), ("tuned",), ("base", "tuned")])
def test_a_pass_becomes_inconclusive_and_says_what_to_add(models: tuple[str, ...]) -> None:
    (trace,) = judged(BETTER, comparison(0.2, 0.01), asked=doubted(*models))
    result = trace.result
    assert (result.verdict, result.blocking, result.doubt, result.required_n) == (
        "inconclusive", True, "Add a line.", None,
    )  # fmt: skip
    assert "rows may have been trained on" in result.sentence
    assert result.sentence.endswith(judged(BETTER, comparison(0.2, 0.01))[0].result.sentence)
    assert ("would decide it", "Add a line.") in explain(trace).lines


def test_a_shown_harm_stays_a_failure() -> None:
    for value in (-0.2, 0.2):
        (plain,), (trace,) = (judged(BETTER, comparison(value, 0.01), asked=one) for one in (None, doubted("tuned")))
        assert plain.result.verdict == ("fail" if value < 0 else "pass")
        assert trace.result.verdict == ("fail" if value < 0 else "inconclusive")
    (trace,) = judged(BETTER, comparison(0.001, 0.01), asked=doubted("tuned"))
    assert (trace.result.verdict, trace.result.doubt) == ("inconclusive", None)


def test_only_models_that_a_gate_looks_at_count() -> None:
    assert judged(HIGH, level(0.8, 0.01), asked=doubted("base", "lora"))[0].result.verdict == "pass"
    assert judged(HIGH, level(0.8, 0.01), asked=doubted("tuned"))[0].result.verdict == "inconclusive"
    assert judged(BETTER, comparison(0.2, 0.01), asked=doubted("lora"))[0].result.verdict == "pass"


def test_a_composition_does_not_pass_by_a_doubted_member() -> None:
    rows = (comparison(0.2, 0.01), level(0.8, 0.01))
    assert judged(ANY, *rows)[0].result.verdict == "pass"
    assert judged(ANY, *rows, asked=doubted("tuned"))[0].result.verdict == "inconclusive"
    assert judged(ANY, *rows, asked=doubted("base"))[0].result.verdict == "pass"


def test_the_verdict_of_the_run_says_it_whatever_the_gates_say() -> None:
    asked = doubted("tuned")
    for results in ([], [trace.result for trace in judged(BETTER, comparison(-0.2, 0.01), asked=asked)]):
        plain = overall(results)
        said = overall(results, [asked])
        assert (said.overall, said.exit_code) == (plain.overall, plain.exit_code)
        assert said.sentence == f"{plain.sentence} reviews: rows may have been trained on: nothing says it."
