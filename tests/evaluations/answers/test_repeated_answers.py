"""Several sampled answers to one item: one record, its figures, and where their variance comes from."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from harness.comparisons.join import Pair
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.errors import SuiteError
from harness.core.evaluation import EvaluationContext, Item
from harness.core.metric import Metric, MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.core.requests import Failure, Generate, Generated
from harness.evaluations.answers.repeated_answers import joined_answers
from harness.evaluations.tasks.generative_qa import GenerativeQA, GenerativeQAOptions
from harness.metrics.build_metrics import build_metrics

SAMPLED = {"do_sample": True, "temperature": 0.8}


def task(**options: Any) -> GenerativeQA:
    given = {"data": "d", "prompt": "{question}", "samples": 4, "generation_kwargs": SAMPLED, **options}
    return GenerativeQA("qa", GenerativeQAOptions.model_validate(given), EvaluationContext())


def item() -> Item:
    return Item("i", {"prompt": "2 + 2?", "references": ["4"]}, {}, target="4", clusters={"parent": "i"})


def record(*answers: str, **options: Any) -> Record:
    made = task(samples=len(answers), likelihood=False, **options)
    return made.record(item(), "generation", [Generated(answer, 1, "stop") for answer in answers])


def metric(name: str) -> Metric:
    [built] = build_metrics([name], MetricContext(cluster_unit="parent"))
    return built


def records(rows: list[list[bool]], model: str = "m") -> Records:
    """Items with answers that are right or wrong, in clusters of their own."""
    made = []
    for place, right in enumerate(rows):
        answers = [
            Record(f"i{place:04}", "d", prediction=str(hit), clusters={"parent": f"i{place}"}, target="4",
                   stats={"squad_exact_match": float(hit), "correct": float(hit)})
            for hit in right
        ]  # fmt: skip
        made.append(joined_answers(answers))
    return Records.of(RecordsHead("qa", model, "generation"), made)


def test_every_answer_is_a_request_of_its_own() -> None:
    asked = [request for request in task().requests(item(), "generation") if isinstance(request, Generate)]
    assert [request.sample for request in asked] == [0, 1, 2, 3]
    assert {request.temperature for request in asked} == {0.8}


def test_one_record_holds_means_votes_and_scatter() -> None:
    made = record("4", "5", "4", "7")
    assert made.stats["squad_exact_match"] == 0.5
    assert made.stats["sampling_variance.squad_exact_match"] == pytest.approx(np.var([1, 0, 1, 0], ddof=1) / 4)
    assert (made.stats["samples_total"], made.stats["samples_correct"]) == (4, 2)
    assert made.stats["majority_vote"] == 1
    assert made.prediction == "4"
    assert made.response["samples"] == ["4", "5", "4", "7"]
    # Two answers that tie win with the same chance, in whatever order they came.
    assert record("4", "5").stats["majority_vote"] == record("5", "4").stats["majority_vote"] == 0.5


def test_what_cannot_be_read_has_no_vote_and_what_failed_fails() -> None:
    reader = {"read_answer": {"regex": "answer: (.*)"}}
    made = record("answer: 4", "hm", "hm", "answer: 4", **reader)
    assert made.stats["unread_samples"] == 0.5
    assert made.stats["squad_exact_match"] == 1
    assert (made.stats["samples_total"], made.stats["samples_correct"], made.stats["majority_vote"]) == (4, 2, 1)
    assert record("hm", "ha", **reader).status == "unread"
    answers = [Generated("4", 1, "stop"), Failure("timeout", "no answer")]
    assert task(samples=2, likelihood=False).record(item(), "generation", answers).status == "failed"


@pytest.mark.parametrize(("samples", "k"), [(6, 1), (6, 3), (6, 6), (5, 2)])
def test_pass_at_k_is_the_mean_over_all_choices_of_k_answers(samples: int, k: int) -> None:
    rng = np.random.default_rng(samples)
    rows = (rng.random((30, samples)) < rng.random((30, 1))).tolist()
    every = [np.mean([any(chosen) for chosen in itertools.combinations(row, k)]) for row in rows]
    [level] = metric_results(records(rows), metric(f"pass_at_k[{k}]"), evaluation="qa", model="m", slices=False)
    assert level.interval.value == pytest.approx(float(np.mean(every)), abs=1e-12)
    assert level.interval.low is not None
    assert level.interval.high is not None
    assert level.interval.low < level.interval.value < level.interval.high


def test_more_answers_than_were_drawn_have_no_figure() -> None:
    [level] = metric_results(records([[True, False]] * 5), metric("pass_at_k[3]"), evaluation="qa", model="m")
    assert level.status == "undefined"
    with pytest.raises(SuiteError, match="number of answers"):
        metric("pass_at_k[few]")


def test_parts_of_the_variance_are_those_of_a_random_effects_model() -> None:
    """Items' own shares vary by 1/12, answers given the share by 1/6: the mean of r answers by (1/12 + 1/6r)/n."""
    rng = np.random.default_rng(0)
    n, r = 4000, 4
    shares = rng.random((n, 1))
    sides = [records((rng.random((n, r)) < shares).tolist(), model) for model in ("base", "new")]
    [level] = metric_results(sides[0], metric("squad_exact_match"), evaluation="qa", model="m", slices=False)
    assert level.sampling is not None
    assert level.sampling.samples == r
    assert level.sampling.items * n == pytest.approx(1 / 12, rel=0.1)
    assert level.sampling.sampling * n == pytest.approx(1 / 6 / r, rel=0.1)
    assert level.sampling.items + level.sampling.sampling == pytest.approx((level.interval.standard_error or 0) ** 2)
    assert "33% of its variance comes from the answers" in level.sampling.sentence
    [change] = compare(Pair("qa", "base", "new"), PairedRecords(*sides), metric("squad_exact_match"), slices=False)
    # Both models have the items' own shares: all that is left of their difference are the answers.
    assert change.sampling is not None
    assert change.sampling.items < 0.1 * change.sampling.sampling
    assert not math.isnan(change.sampling.sampling)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"generation_kwargs": None}, "greedy answers"),
        ({"samples": None, "metrics": ["pass_at_k"]}, "needs `samples: k`"),
        ({"metrics": ["pass_at_k[5]"]}, "at least 5 answers"),
    ],
)
def test_what_has_no_several_answers_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        task(**options)


def test_options_without_samples_keep_their_content_keys() -> None:
    assert "samples" not in task(samples=None).spec()["options"]
    assert task().spec()["options"]["samples"] == 4
