"""What results say of an evaluation: counts of the records, and what is known of the models."""

from __future__ import annotations

from typing import Any

from harness.core.records import Record, Records, RecordsHead
from harness.pipeline.answered_evaluation import AnsweredEvaluation, InferenceCost, ItemSet, SuiteAnswers
from harness.pipeline.results.record_counts import record_counts


class Named:
    """A bound evaluation of which only the name is looked at."""

    def __init__(self, name: str) -> None:
        self.name = name


def answered(evaluation: str, model: str, **more: Any) -> AnsweredEvaluation:
    spec: Any = Named(evaluation)
    return AnsweredEvaluation(spec, model, **{"protocol": "head", "facts": {"family": model}, "cached": True, **more})


def test_records_are_counted_by_status_and_by_what_befell_them() -> None:
    rows = [
        Record("a", "a", tied=True),
        Record("b", "b", status="unread", truncated=3),
        Record("c", "c", status="failed", overlap=True),
        Record("d", "d"),
    ]
    assert record_counts(Records.of(RecordsHead("e", "m", "head"), rows)) == {
        "ok": 2,
        "unread": 1,
        "failed": 1,
        "skipped": 0,
        "tied": 1,
        "truncated": 1,
        "overlap": 1,
        "empty": 0,
        "no_gold": 0,
    }


def test_answers_are_found_by_evaluation_and_model() -> None:
    answers = SuiteAnswers(
        [
            answered("reviews", "base", cost=InferenceCost(2.0, {"tokens": 10})),
            answered("stories", "base", protocol=None, skipped="it writes nothing"),
            answered("stories", "new", facts={"family": "later"}, readers={"judge": {"family": "judge"}}),
            answered("reviews", "new"),
        ],
        {"reviews": ItemSet(4, {}), "stories": ItemSet(2, {})},
    )
    assert [one.model for one in answers.of("reviews")] == ["base", "new"]
    assert answers.seconds == {"reviews": {"base": 2.0}}
    assert answers.work == {("reviews", "base"): {"tokens": 10}}
    assert answers.facts("new") == {"family": "later"}
    assert answers.facts("judge") == {"family": "judge"}
    assert answers.facts("never asked") == {}
