from __future__ import annotations

import json
import shutil

import pytest
from harness_support import plain_reference
from harness_support.model_zoo import CAUSAL, LENGTH, TEXTS
from harness_support.plain_reference import close

from harness.core.requests import Continuations, Failure, Likelihood, PseudoLikelihood, RollingLikelihood
from harness.models.local.requests.rolling_likelihood import windows

LONG = " ".join(TEXTS * 2)
CASES = [*TEXTS[2:4], "one", "🙂🙃 é", "two  spaces\tand\nlines", LONG, LONG[:150]]


@pytest.mark.parametrize("kind", CAUSAL)
def test_rolling_likelihood_equals_plain_windows(kind, zoo, opened):
    reference = plain_reference.Causal(zoo(kind), LENGTH)
    answers = dict(opened(zoo(kind)).answer([*map(RollingLikelihood, CASES), RollingLikelihood("")]))
    for text in CASES:
        total, tokens = reference.rolling(text)
        answer = answers[RollingLikelihood(text)]
        assert (answer.tokens, answer.truncated) == (tokens, 0)
        assert close(answer.total, total), (text, answer, total)
    assert answers[RollingLikelihood("")] == Likelihood(0.0, 0, 0)


@pytest.mark.parametrize("targets", [0, 1, 7, 8, 9, 16, 17, 40])
def test_windows_score_each_token_once_with_full_left_context(targets):
    size = 8
    scored = []
    for window, first in windows(targets, size):
        assert len(window) <= size
        assert window.stop <= size or len(window) == size
        scored.extend(range(first, window.stop))
    assert scored == list(range(targets))


@pytest.mark.parametrize("kind", CAUSAL)
def test_continuations_equal_one_at_a_time(kind, zoo, opened):
    reference = plain_reference.Causal(zoo(kind), LENGTH)
    cases = [
        ("The film was", (" good", " bad", " a good film about music")),
        ("The film was ", ("good", "bad")),
        ("", ("The nurse", "A doctor said")),
        ("", (" The nurse", " A doctor said")),
        ("Emoji 🙂", (" é", " 🙃!")),
        (LONG, (" good", " unremarkable")),
        ("x", (" y",)),
    ]
    answers = dict(opened(zoo(kind)).answer(Continuations(*case) for case in cases))
    for context, options in cases:
        answer = answers[Continuations(context, options)]
        if context == LONG:
            continue
        for option, value in zip(options, answer.values, strict=True):
            assert close(value, reference.continuation(context, option)), (context, option)
    assert answers[Continuations(LONG, (" good", " unremarkable"))].truncated > 0


def test_options_are_scored_from_the_earliest_token_that_one_changes(zoo, opened):
    """`play` + `ing` merges across the join; `play` + `s` must then be scored from there too."""
    reference = plain_reference.Causal(zoo("gpt2"), LENGTH)
    context, options = "Words: play", ("ing", "Q")
    tokens = [reference.tokenizer(context + option)["input_ids"] for option in options]
    common = next(i for i, (a, b) in enumerate(zip(*tokens, strict=False)) if a != b)
    expected = [reference.continuation(context, option, first=common) for option in options]
    ((_, answer),) = opened(zoo("gpt2")).answer([Continuations(context, options)])
    for found, wanted in zip(answer.values, expected, strict=True):
        assert close(found, wanted)


@pytest.mark.parametrize("kind", CAUSAL)
def test_truncation_drops_context_from_the_left_only(kind, zoo, opened):
    reference = plain_reference.Causal(zoo(kind), LENGTH)
    ((_, answer),) = opened(zoo(kind)).answer([Continuations(LONG, (" unremarkable",))])
    assert close(answer.values[0], reference.continuation(LONG, " unremarkable"))
    whole = len(reference.tokenizer(LONG + " unremarkable")["input_ids"])
    assert answer.truncated == whole - 1 - LENGTH


def test_what_cannot_be_scored_is_a_failure(zoo, opened):
    requests = [Continuations("a", ("",)), Continuations("a", ()), Continuations("a", (LONG,)), PseudoLikelihood("a")]
    answers = dict(opened(zoo("gpt2")).answer(requests))
    assert [answers[request].reason for request in requests] == ["no_token", "no_token", "too_long", "unsupported"]
    assert all(isinstance(answer, Failure) for answer in answers.values())


def test_an_accent_that_joins_the_letter_before_it_is_scored_with_it(zoo, opened, tmp_path):
    """After normalization the token has the letter's place alone: by offsets the option would have no token."""
    shutil.copytree(zoo("gpt2"), tmp_path / "m")
    page = json.loads((tmp_path / "m" / "tokenizer.json").read_text())
    (tmp_path / "m" / "tokenizer.json").write_text(json.dumps({**page, "normalizer": {"type": "NFC"}}))
    model = opened(tmp_path / "m")
    joined, same = Continuations("a cafe", ("\u0301",)), Continuations("a caf", ("\u00e9",))
    answers = dict(model.answer([joined, same, Continuations("a film", ("",))]))
    assert close(answers[joined].values[0], answers[same].values[0])


@pytest.mark.parametrize("budget", [1, 64, 100_000])
def test_batch_size_does_not_matter(budget, zoo, opened):
    requests = [*map(RollingLikelihood, CASES), *(Continuations(text, (" good", " so so")) for text in CASES)]
    expected = dict(opened(zoo("neox")).answer(requests))
    model = opened(zoo("neox"))
    model.backend.batcher.budget = budget
    for request, answer in model.answer(reversed(requests)):
        if isinstance(answer, Likelihood):
            assert close(answer.total, expected[request].total)
        else:
            assert all(map(close, answer.values, expected[request].values))


def test_options_with_one_input_share_a_row(zoo, opened, monkeypatch):
    model = opened(zoo("gpt2"))
    rows = []
    plain = model.backend.network.token_logprobs
    monkeypatch.setattr(model.backend.network, "token_logprobs", lambda batch: rows.extend(batch) or plain(batch))
    list(model.answer([Continuations("The film was", (" a", " b", " c"))]))
    assert len(rows) == 1
