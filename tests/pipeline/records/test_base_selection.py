"""The baseline of a task is the way of the base that is best on validation data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.core.dataset import Dataset, Row
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.pipeline.answered_evaluation import AnsweredEvaluation, BaseChoice, SuiteAnswers
from harness.pipeline.records.base_selection import choose_baselines

LABELS = ("bad", "good")


def bound(name: str, *, role: str = "task", validation: bool = True, on: str | None = None) -> Any:
    row = Row("r1", {"text": "a"}, "c1")
    data = Dataset("reviews", "0" * 64, {"validation": (row,)} if validation else {}, ("text",))
    evaluation = SimpleNamespace(role=role, metric_context=lambda: MetricContext(LABELS))
    return SimpleNamespace(name=name, evaluation=evaluation, data=(data,), metrics=("accuracy",), on=on)


class Cache:
    """Answers on validation data, by model: how many of ten are right; None for a model that cannot be asked."""

    def __init__(self, asked: list[Any], right: dict[str, int | None], ways: list[str]) -> None:
        compare = SimpleNamespace(baseline="base", base_variants=ways)
        suite = SimpleNamespace(compare=compare)
        self.prepared = SimpleNamespace(suite=suite, reported={one.name: one for one in asked}, code={})
        self.right = right

    def answer(self, spec: Any, checkpoint: str, split: str) -> AnsweredEvaluation:
        assert split == "validation"
        count = self.right[checkpoint]
        rows = [
            Record(f"{k}", f"{k}", target="good", prediction=LABELS[right], stats={"correct": float(right)})
            for k, right in enumerate(k < (count or 0) for k in range(10))
        ]
        records = None if count is None else Records.of(RecordsHead(spec.name, checkpoint, "head"), rows)
        return AnsweredEvaluation(spec, checkpoint, "head", {}, True, records=records)


def chosen(asked: list[Any], right: dict[str, int | None], ways: list[str], skipped: str = "") -> dict[str, BaseChoice]:
    cache: Any = Cache(asked, right, ways)
    checkpoints: Any = {model: model for model in right}
    known = [AnsweredEvaluation(one, skipped, None, {}, True, skipped="it cannot") for one in asked if skipped]
    return choose_baselines(cache, checkpoints, SuiteAnswers(known, {}))


def test_the_best_way_on_validation_data_is_the_baseline() -> None:
    choice = chosen([bound("reviews")], {"base": 5, "linear": 8}, ["linear"])["reviews"]
    assert choice.model == "linear"
    assert "base by head 0.500, linear by head 0.800" in str(choice.reason)


def test_a_probe_takes_the_choice_of_its_task() -> None:
    probe = bound("swaps", role="probe", on="reviews")
    choices = chosen([bound("reviews"), probe], {"base": 5, "linear": 8}, ["linear"])
    assert choices["swaps"] == choices["reviews"]


@pytest.mark.parametrize("asked", [bound("pairs", role="probe"), bound("reviews", validation=False)])
def test_where_nothing_competes_the_base_is_the_baseline(asked: Any) -> None:
    assert chosen([asked], {"base": 5, "linear": 8}, ["linear"]) == {asked.name: BaseChoice("base")}


def test_a_suite_without_other_ways_has_nothing_to_choose() -> None:
    assert chosen([bound("reviews")], {"base": 5}, []) == {"reviews": BaseChoice("base")}


def test_a_way_that_cannot_be_asked_does_not_compete() -> None:
    assert chosen([bound("reviews")], {"base": 5, "linear": None}, ["linear"])["reviews"] == BaseChoice("base")
    assert chosen([bound("reviews")], {"base": 5, "linear": 8}, ["linear"], "linear")["reviews"] == BaseChoice("base")
    assert chosen([bound("reviews")], {"base": None, "linear": None}, ["linear"])["reviews"] == BaseChoice("base")
