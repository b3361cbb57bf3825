"""Choices with equal likelihood: one rule that favors no position, and a count."""

from __future__ import annotations

from typing import Any

import pytest
from harness_support.plain_models import Answering, ask, dataset

from harness.core.evaluation import EvaluationContext
from harness.core.requests import Continuations, Response, Scores
from harness.evaluations.tasks.multiple_choice import MultipleChoice
from harness.metrics.build_metrics import build_metrics


def asked(rows: list[dict[str, Any]], values: dict[str, float]) -> Any:
    def answer(request: Any) -> Response:
        assert isinstance(request, Continuations)
        return Scores(tuple(values.get(option.strip(), -9.0) for option in request.options))

    options = MultipleChoice.Options.model_validate({"data": "d", "answer_is": "text"})
    task = MultipleChoice("t", options, EvaluationContext())
    model = Answering(answer, language_model="causal", supports=frozenset({Continuations.kind}))
    return task, ask(task, [dataset(rows)], model)


def questions(count: int, right: str) -> list[dict[str, Any]]:
    return [{"question": f"q{n}", "choices": '["cat", "dog", "cow"]', "answer": right} for n in range(count)]


@pytest.mark.parametrize("right", ["cat", "dog", "cow"])
def test_tied_choices_share_the_point_wherever_they_stand(right: str) -> None:
    task, records = asked(questions(60, right), {"cat": -1.0, "dog": -1.0 + 1e-9, "cow": -3.0})
    (acc,) = build_metrics(["acc"], task.metric_context())
    rows = acc.stats(records)
    assert float(acc.value(rows.sum(axis=0), len(rows))) == pytest.approx(0.0 if right == "cow" else 0.5)
    shown = records.texts("prediction")
    assert {"cat", "dog"} == set(shown), "no position is favored"
    assert records.texts("tied") == [True] * 60
    (said,) = task.answer_warnings(records)
    assert said.startswith("60 of 60 questions have tied choices: each of the best choices has its share")


def test_choices_just_above_the_tolerance_are_no_tie() -> None:
    task, records = asked(questions(4, "dog"), {"cat": -1.0, "dog": -1.0 + 2e-6, "cow": -3.0})
    assert records.texts("prediction") == ["dog"] * 4
    assert task.answer_warnings(records) == []
