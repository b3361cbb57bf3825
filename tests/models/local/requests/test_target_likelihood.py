"""Likelihoods of references token by token, against the loss of plain transformers on the labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from harness_support.plain_reference import close
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from harness.core.requests import ChatForm, Continuations, Failure, Likelihood, Scores, TargetLikelihood

PAIRS = (
    ("the bright film was", " lovely and warm"),
    ("a dull", " story, seen once"),
    ("she said that the phone is", " short"),
)


def _causal_loss(folder: Path, context: str, target: str) -> tuple[float, int]:
    """Σ of the loss on the target's labels, and how many there are."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    before, whole = tokenizer(context).input_ids, tokenizer(context + target).input_ids
    assert whole[: len(before)] == before
    labels = torch.tensor([[-100] * len(before) + whole[len(before) :]])
    with torch.no_grad():
        loss = model(input_ids=torch.tensor([whole]), labels=labels).loss.double()
    count = len(whole) - len(before)
    return float(loss) * count, count


def _seq2seq_loss(folder: Path, context: str, target: str) -> tuple[float, int]:
    model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    labels = tokenizer(text_target=target, return_tensors="pt").input_ids
    with torch.no_grad():
        loss = model(**tokenizer(context, return_tensors="pt"), labels=labels).loss.double()
    return float(loss) * labels.shape[1], labels.shape[1]


@pytest.mark.parametrize(
    ("kind", "loss"), [("gpt2", _causal_loss), ("llama", _causal_loss), ("t5", _seq2seq_loss), ("bart", _seq2seq_loss)]
)
def test_the_tokens_of_a_reference_add_up_to_the_loss_on_its_labels(
    kind: str,
    loss: Callable[[Path, str, str], tuple[float, int]],
    zoo: Callable[[str], Path],
    opened: Callable[..., object],
) -> None:
    model = opened(zoo(kind))
    requests = [TargetLikelihood(context, target) for context, target in PAIRS]
    answers = dict(model.answer(requests))  # type: ignore[attr-defined]
    for request in requests:
        answer = answers[request]
        assert isinstance(answer, Likelihood)
        expected, count = loss(zoo(kind), request.context, request.target)
        assert answer.tokens == count
        assert close(-answer.total, expected)
        assert len(answer.pieces) == count
        assert sum(value for *_, value in answer.pieces) == pytest.approx(answer.total)
        # The places are those of the reference, in order, and reach to its end.
        ends = [end for _, end, _ in answer.pieces]
        assert ends == sorted(ends)
        assert ends[-1] == len(request.target)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_it_is_the_likelihood_of_the_one_option(
    kind: str, zoo: Callable[[str], Path], opened: Callable[..., object]
) -> None:
    model = opened(zoo(kind))
    for context, target in PAIRS:
        wanted, option = TargetLikelihood(context, target), Continuations(context, (target,))
        answers = dict(model.answer([wanted, option]))  # type: ignore[attr-defined]
        single, several = answers[wanted], answers[option]
        assert isinstance(single, Likelihood)
        assert isinstance(several, Scores)
        assert close(single.total, several.values[0])


def test_what_cannot_be_scored_is_a_failure(zoo: Callable[[str], Path], opened: Callable[..., object]) -> None:
    for kind in ("gpt2", "t5"):
        model = opened(zoo(kind))
        empty, messages = TargetLikelihood("a film", ""), TargetLikelihood("", "x", (("user", "y"),), ChatForm())
        long = TargetLikelihood("a film", " film" * 3000)
        answers = dict(model.answer([empty, messages, long]))  # type: ignore[attr-defined]
        assert all(isinstance(answers[request], Failure) for request in (empty, messages))
        if kind == "gpt2":
            assert isinstance(answers[long], Failure)
