"""Blocks of timings: who is visited when, what a block says, and what is not known of a model."""

from __future__ import annotations

import statistics

import pytest

from harness.core.requests import Failure
from harness.core.thread_waiting import POLICY, SPIN
from harness.pipeline.records.timing_messages import Visit
from harness.pipeline.records.timing_session import block_statistics, there_and_back, timing_machine


@pytest.mark.parametrize("models", [1, 2, 3, 5])
def test_every_model_has_the_same_mean_place_in_a_block_and_each_one_begins_in_turn(models: int) -> None:
    for block in range(2 * models):
        order = there_and_back(models, block)
        places = [[place for place, model in enumerate(order) if model == wanted] for wanted in range(models)]
        assert {statistics.mean(own) for own in places} == {(2 * models - 1) / 2}
        assert order[0] == block % models


def test_a_block_is_both_of_its_visits() -> None:
    there = Visit([0.001, 0.002, 0.003], seconds=0.5, inputs=6, tokens=60, peak_memory=2_000_000)
    back = Visit([0.004, 0.005, 0.016], seconds=1.5, inputs=6, tokens=60, peak_memory=3_000_000)
    made = block_statistics([there, back])
    assert made == {
        "latency_median": pytest.approx(3.5),
        "latency_p95": pytest.approx(13.25),
        "item_throughput": pytest.approx(6),
        "token_throughput": pytest.approx(60),
        "memory_peak": pytest.approx(3),
    }


def test_what_a_visit_does_not_tell_is_left_out_and_is_no_zero() -> None:
    visit = Visit([0.001], seconds=0.5, inputs=1, tokens=None, peak_memory=None)
    made = block_statistics([visit, visit])
    assert not isinstance(made, Failure)
    assert set(made) == {"latency_median", "latency_p95", "item_throughput"}


def test_a_request_without_an_answer_makes_its_block_a_failed_one() -> None:
    failure = Failure("too_long", "the text is too long")
    visit = Visit([0.001], seconds=0.5, inputs=1, tokens=None, peak_memory=None)
    assert block_statistics([visit, Visit([0.001], 0.5, 1, None, None, failure)]) is failure


def test_timings_with_threads_that_wait_otherwise_are_of_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POLICY, "PASSIVE")
    monkeypatch.delenv(SPIN, raising=False)
    asleep = timing_machine("cpu")
    monkeypatch.setenv(SPIN, "3000")
    awake = timing_machine("cpu")
    assert {name for name in awake if awake[name] != asleep[name]} == {"waiting_threads"}
