"""Rows that enter a batch in writing, and beginnings that are read once: the texts are those of each prompt alone."""

from __future__ import annotations

import pytest
from harness_support.model_zoo import CAUSAL, TEXTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.requests import Generate, Generated
from harness.models.local.batching import Batcher
from harness.models.local.decoding import decoding_loop
from harness.models.local.decoding.steppers import CausalStepper

START = "the cat sat on "
PROMPTS = [START + end for end in ("then", "the d", "a c", "x", "the")]
SHARING = {"gpt2", "llama", "neox", "qwen"}
"""Without windows of attention."""


@pytest.fixture
def entered(monkeypatch) -> list[int]:
    """How many prompts entered later, each time."""
    counts: list[int] = []
    enter = CausalStepper.enter

    def counted(self, prompts):
        logits = enter(self, prompts)
        counts.append(len(prompts))
        return logits

    monkeypatch.setattr(CausalStepper, "enter", counted)
    return counts


@pytest.fixture(autouse=True)
def no_fault(monkeypatch) -> None:
    """A batch that fails is read row by row, with a warning: here that is a fault."""
    monkeypatch.setattr(Batcher, "tell_once", lambda _batcher, message: pytest.fail(message))


def alone(model, requests) -> list[Generated]:
    return [answer for request in requests for _, answer in model.answer([request])]


def together(model, requests) -> list[Generated]:
    by_request = dict(model.answer(requests))
    return [by_request[request] for request in requests]


def same(some, others) -> None:
    assert [answer.text for answer in some] == [answer.text for answer in others]
    assert [answer.tokens for answer in some] == [answer.tokens for answer in others]
    totals = [answer.log_likelihood for answer in others]
    assert [answer.log_likelihood for answer in some] == pytest.approx(totals, abs=1e-4)


@pytest.mark.parametrize("kind", CAUSAL)
def test_rows_that_enter_a_batch_write_what_they_write_alone(kind, zoo, opened, entered, monkeypatch):
    monkeypatch.setattr(decoding_loop, "_TOKENS", 1)
    prompts = [TEXTS[0][:4], TEXTS[1][:9], TEXTS[2][:14], TEXTS[3][:12], "a", TEXTS[1][2:8], TEXTS[0][:7]]
    requests = [
        Generate(prompt, max_tokens=3 + 2 * (number % 4), temperature=0.7 * (number % 3 == 2), seed=number)
        for number, prompt in enumerate(prompts)
    ]
    expected = alone(opened(zoo(kind)), requests)
    model = opened(zoo(kind))
    model.backend.batcher.budget = model.backend.batcher.whole_budget = 60
    same(together(model, requests), expected)
    if kind in SHARING:
        assert sum(entered) > 2, "beside the two of the check"


@pytest.mark.parametrize("options", [{}, {"num_beams": 3}, {"repetition_penalty": 1.3}], ids=str)
@pytest.mark.parametrize("kind", CAUSAL)
def test_a_beginning_of_all_prompts_is_read_once(kind, options, zoo, opened, monkeypatch):
    requests = [Generate(prompt, max_tokens=9, **options) for prompt in PROMPTS]

    def answers(worth: int) -> tuple[list[Generated], int]:
        monkeypatch.setattr(decoding_loop, "_WORTH_SHARING", worth)
        model = opened(zoo(kind))
        together(model, [Generate(START + end, max_tokens=1) for end in "yz"])  # Models are tried out at the first use.
        before = model.work.tokens
        return together(model, requests), model.work.tokens - before

    shared, tokens = answers(4)
    apart, tokens_apart = answers(10**6)
    same(shared, apart)
    assert (tokens < tokens_apart) == (kind in SHARING and "num_beams" not in options)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.text("abc ", min_size=1, max_size=9), st.integers(1, 9)), min_size=1, max_size=9),
    st.integers(1, 80),
    st.booleans(),
)
def test_any_window_gives_the_same_texts(zoo, opened, rows, budget, begun):
    requests = list({Generate((START if begun else "") + text, max_tokens=tokens) for text, tokens in rows})
    model = opened(zoo("gpt2"))
    expected = alone(model, requests)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decoding_loop, "_TOKENS", 1)
        patched.setattr(decoding_loop, "_WORTH_SHARING", 4)
        model.backend.batcher.budget = model.backend.batcher.whole_budget = budget
        same(together(model, requests), expected)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_window_that_memory_does_not_hold_is_written_in_smaller_ones(most, zoo, opened, entered, monkeypatch):
    monkeypatch.setattr(decoding_loop, "_TOKENS", 1)
    requests = [Generate(text, max_tokens=2 + number % 5) for number, text in enumerate("abcdefghijklm")]
    expected = alone(opened(zoo("gpt2")), requests)
    model = opened(zoo("gpt2"))
    together(model, requests[:1])
    forward = CausalStepper._forward

    def small(self, ids, *more):
        if len(ids) > most:
            raise RuntimeError("out of memory")
        return forward(self, ids, *more)

    monkeypatch.setattr(CausalStepper, "_forward", small)
    model.backend.batcher.budget = model.backend.batcher.whole_budget = 90
    same(together(model, requests), expected)
    assert entered or most == 1
