from __future__ import annotations

import random

import numpy as np
import pytest
from harness_support import plain_reference
from harness_support.model_zoo import LENGTH, MASKED, TEXTS
from harness_support.plain_reference import close

from harness.core.requests import (
    Cloze,
    Continuations,
    Failure,
    Likelihood,
    PseudoLikelihood,
    Scores,
    response_from_json,
)
from harness.models.encoding.masked_scorers import hidden_tokens

LONG = " ".join(TEXTS)
CASES = [*TEXTS[2:4], "", "one", "🙂🙃 é", "two  spaces\tand\nlines", LONG]


@pytest.mark.parametrize("scorer", ["pll", "pll_word_l2r"])
@pytest.mark.parametrize("kind", MASKED)
def test_pseudo_likelihood_equals_one_copy_at_a_time(kind, scorer, zoo, opened):
    model = opened(zoo(kind))
    reference = plain_reference.Masked(zoo(kind), LENGTH)
    answers = dict(model.answer(PseudoLikelihood(text, scorer) for text in CASES))
    assert len(answers) == len(CASES)
    for text in CASES:
        total, tokens = reference.pll(text, scorer)
        answer = answers[PseudoLikelihood(text, scorer)]
        assert isinstance(answer, Likelihood)
        assert answer.tokens == tokens
        assert close(answer.total, total), (text, answer, total)
    whole = len(reference.tokenizer(LONG, add_special_tokens=False)["input_ids"])
    assert answers[PseudoLikelihood(LONG, scorer)].truncated == whole - (LENGTH - 2) > 0
    assert answers[PseudoLikelihood("", scorer)] == Likelihood(0.0, 0, 0)


@pytest.mark.parametrize("budget", [1, 40, 100_000])
def test_batch_size_and_order_do_not_matter(budget, zoo, opened):
    requests = [PseudoLikelihood(text) for text in CASES]
    expected = dict(opened(zoo("bert")).answer(requests))
    random.Random(budget).shuffle(requests)
    model = opened(zoo("bert"))
    model.backend.batcher.budget = budget
    for request, answer in model.answer(requests):
        assert close(answer.total, expected[request].total)


def test_word_l2r_hides_the_later_tokens_of_a_word():
    hidden = hidden_tokens([0, 0, 0, 1], "pll_word_l2r")
    expected = [[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(hidden, np.array(expected, dtype=bool))
    np.testing.assert_array_equal(hidden_tokens([0, 0], "pll"), np.eye(2, dtype=bool))


@pytest.mark.parametrize("kind", MASKED)
def test_cloze_sums_the_words_of_a_group(kind, zoo, opened):
    reference = plain_reference.Masked(zoo(kind), LENGTH)
    texts = ["The film was {mask}.", "{mask} film", "A short film about {mask}", "The nurse: {mask}, yes"]
    vocabulary = reference.tokenizer.get_vocab()
    both = sorted(word for word in vocabulary if word.isalpha() and word.isascii() and f"Ġ{word}" in vocabulary)
    groups = ((*both[:2], "wheelbarrowish"), (both[2],)) if kind == "roberta" else (("a", "o", "was"), ("the",))
    answers = dict(opened(zoo(kind)).answer(Cloze(text, groups) for text in texts))
    for text in texts:
        values = reference.gap(text)
        answer = answers[Cloze(text, groups)]
        space = "Ġ" if kind == "roberta" and not text.startswith("{") else ""
        for group, score in zip(groups, answer.values, strict=True):
            tokens = [vocabulary[space + word] for word in group if space + word in vocabulary]
            assert close(score, values[tokens].logsumexp(0).item()), (text, group)


def test_cloze_failures(zoo, opened):
    model = opened(zoo("bert"))
    answers = dict(
        model.answer(
            [
                Cloze("The film was {mask}.", (("wheelbarrowish",), ("good",))),
                Cloze("no gap", (("good",),)),
                Cloze("{mask} {mask}", (("good",),)),
            ]
        )
    )
    reasons = [answer.reason for answer in answers.values()]
    assert sorted(reasons) == ["error", "error", "no_token"]
    assert "wheelbarrowish" in next(a.message for a in answers.values() if a.reason == "no_token")


def test_a_long_cloze_keeps_its_gap(zoo, opened):
    (_, answer), (_, other) = opened(zoo("bert")).answer(
        [Cloze(f"{LONG} It was {{mask}}.", (("a",), ("o",))), Cloze(f"{{mask}} {LONG}", (("a",), ("o",)))]
    )
    assert isinstance(answer, Scores)
    assert isinstance(other, Scores)
    assert answer.truncated > 0
    assert other.truncated > 0


def test_a_masked_model_has_no_continuations(zoo, opened):
    ((_, answer),) = opened(zoo("bert")).answer([Continuations("a", (" b",))])
    assert isinstance(answer, Failure)
    assert answer.reason == "unsupported"


def test_equal_requests_are_answered_once(zoo, opened):
    requests = [PseudoLikelihood("one"), PseudoLikelihood("two"), PseudoLikelihood("one")]
    answered = [request for request, _ in opened(zoo("bert")).answer(iter(requests))]
    assert sorted(request.text for request in answered) == ["one", "two"]


def test_not_a_number_is_a_failure(zoo, opened):
    model = opened(zoo("bert"))
    model.backend.network.base.embeddings.LayerNorm.weight.fill_(float("nan"))
    for _, answer in model.answer([PseudoLikelihood("one"), Cloze("a {mask}", (("the",), ("a",)))]):
        assert answer.reason == "nan"


def test_what_the_tokenizer_cannot_represent_is_counted(zoo, opened):
    texts = {"one \u13a0 two \u13a1": 2, "one two": 0}
    for request, answer in opened(zoo("bert")).answer([PseudoLikelihood(text) for text in texts]):
        assert answer.unknown == texts[request.text]
        assert response_from_json(answer.to_json()) == answer
