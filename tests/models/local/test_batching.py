from __future__ import annotations

import pytest
import torch
from harness_support.model_zoo import TEXTS

from harness.core.reporter import Silent
from harness.core.requests import Failure, PseudoLikelihood
from harness.models.local.batching import Batcher, TooLarge, too_large


def run(lengths, budget, *, slack=0.0, room=1, limit=10**9, error=MemoryError, reporter=None):
    batches = []

    def forward(batch):
        if len(batch) * max(batch) > limit:
            raise error("CUDA out of memory" if error is not MemoryError else "")
        batches.append(list(batch))
        return [value * 10 for value in batch]

    batcher = Batcher(budget, reporter or Silent())
    found = list(batcher.run(iter(lengths), lambda value: value, forward, slack=slack, room=room))
    return found, batches, batcher


def test_rows_of_one_length_stand_together_within_the_budget():
    found, batches, _ = run([5, 5, 5, 3, 3, 2], 10)
    assert batches == [[5, 5], [5], [3, 3], [2]]
    assert found == [(value, value * 10) for value in [5, 5, 5, 3, 3, 2]]


def test_slack_lets_shorter_rows_in():
    assert run([10, 9, 8, 4], 100, slack=0.2)[1] == [[10, 9, 8], [4]]


def test_room_lets_more_rows_in_and_memory_that_runs_out_takes_it_back():
    assert run([50, 50, 50], 60, room=3)[1] == [[50, 50, 50]]
    found, batches, batcher = run([50] * 4, 60, room=4, limit=100)
    assert batches == [[50, 50], [50, 50]]
    assert len(found) == 4
    assert batcher.budget * 4 <= 100
    assert batcher.whole_budget == 60


def test_a_row_above_the_budget_goes_alone():
    assert run([50, 50], 10)[1] == [[50], [50]]


@pytest.mark.parametrize("error", [MemoryError, RuntimeError, torch.OutOfMemoryError])
def test_memory_that_runs_out_halves_the_batch(error):
    reporter = Silent()
    found, batches, batcher = run([4] * 16, 64, limit=16, error=error, reporter=reporter)
    assert [value for value, _ in found] == [4] * 16
    assert all(len(batch) <= 4 for batch in batches)
    assert batcher.budget == 16
    assert "memory ran out" in reporter.warnings[0]


def test_a_single_row_that_is_too_large_gets_no_answer():
    found, _, _ = run([9, 2, 2], 100, limit=6)
    assert found == [(9, TooLarge(9)), (2, 20), (2, 20)]


def test_a_row_that_the_model_cannot_read_fails_alone():
    reporter = Silent()

    def forward(batch):
        if 3 in batch:
            raise RuntimeError("shapes do not match\nand more")
        return [value * 10 for value in batch]

    found = list(Batcher(100, reporter).run([4, 4, 3, 3, 2], lambda value: value, forward, slack=1.0))
    fault = TooLarge(3, "RuntimeError: shapes do not match")
    assert [value for _, value in found] == [40, 40, fault, fault, 20]
    assert len(reporter.warnings) == 1
    assert "shapes do not match" in too_large(fault).message


def test_rows_that_may_not_share_a_batch_do_not():
    batches = []
    together = lambda size, longest: size % 2 == longest % 2  # noqa: E731
    batcher = Batcher(100, Silent(), together=together)
    list(batcher.run([9, 8, 7, 6], lambda value: value, lambda batch: batches.append(batch) or batch, slack=1.0))
    assert batches == [[9], [8], [7], [6]]


def test_a_model_short_of_memory_still_answers_everything(zoo, opened):
    requests = [PseudoLikelihood(text) for text in [*TEXTS, "one two"]]
    expected = dict(opened(zoo("bert")).answer(requests))
    reporter = Silent()
    model = opened(zoo("bert"), reporter=reporter)
    network = model.backend.network
    plain = network.token_logprobs

    def short(rows):
        if len(rows) > 3 or len(rows[0].ids) > 25:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(rows)

    network.token_logprobs = short
    answers = dict(model.answer(requests))
    assert reporter.warnings
    failed = [request for request, answer in answers.items() if isinstance(answer, Failure)]
    assert 0 < len(failed) < len(requests) == len(answers)
    for request in set(requests) - set(failed):
        assert abs(answers[request].total - expected[request].total) < 1e-3
    assert all("memory" in answers[request].message for request in failed)
