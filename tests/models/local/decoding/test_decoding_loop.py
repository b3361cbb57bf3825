from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from harness_support import model_zoo, plain_reference
from harness_support.model_zoo import CAUSAL, LENGTH, SEQ2SEQ, TEXTS
from harness_support.plain_reference import close

from harness.core.requests import Continuations, Failure, Generate, Generated
from harness.models.local.decoding.decoding_loop import sample_token

PROMPTS = [TEXTS[0][:4], TEXTS[1][:9], TEXTS[2][:14], TEXTS[3][:20], "🙂", "a"]


def asked(prompts=PROMPTS, **options):
    return [Generate(prompt, **{"max_tokens": 8, **options}) for prompt in prompts]


@pytest.mark.parametrize("kind", [*CAUSAL, *SEQ2SEQ])
def test_greedy_text_equals_transformers_one_prompt_at_a_time(kind, zoo, opened):
    answers = dict(opened(zoo(kind)).answer(asked()))
    for request in asked():
        text, tokens, total = plain_reference.generated(zoo(kind), request.prompt, 8, seq2seq=kind in SEQ2SEQ)
        answer = answers[request]
        assert isinstance(answer, Generated), answer
        assert (answer.text, answer.tokens) == (text, len(tokens))
        assert close(answer.log_likelihood, total)
        assert answer.finish == ("length" if len(tokens) == 8 else "end")


@pytest.mark.parametrize("kind", ["gpt2", "gemma3", "bart"])
@pytest.mark.parametrize("budget", [1, 60, 10_000])
def test_batch_and_order_change_no_answer(kind, budget, zoo, opened):
    requests = [*asked(), *asked(temperature=0.8, top_p=0.9, seed=3), *asked(PROMPTS[:2], max_tokens=3)]
    expected = dict(opened(zoo(kind)).answer(requests))
    model = opened(zoo(kind))
    model.backend.batcher.budget = budget
    for request, answer in model.answer(reversed(requests)):
        assert answer.text == expected[request].text
        assert close(answer.log_likelihood, expected[request].log_likelihood)


def test_a_stop_string_may_span_tokens_and_is_left_out(zoo, opened):
    model = opened(zoo("gpt2"))
    ((_, free),) = model.answer([Generate("The film", max_tokens=12)])
    assert len(free.text) > 4
    stop = free.text[2:4]
    ((_, cut),) = model.answer([Generate("The film", max_tokens=12, stop=("no such text", stop))])
    assert cut.text == free.text[: free.text.index(stop)]
    assert cut.finish == "stop"
    assert cut.tokens < free.tokens


def test_the_end_token_ends_a_text(tmp_path, opened):
    from transformers import GenerationConfig

    folder = model_zoo.language_model("gpt2", tmp_path)
    ((_, free),) = opened(folder).answer([Generate("The film", max_tokens=12)])
    _, tokens, _ = plain_reference.generated(folder, "The film", 12)
    GenerationConfig(eos_token_id=[399, tokens[3]]).save_pretrained(folder)
    ((_, ended),) = opened(folder).answer([Generate("The film", max_tokens=12)])
    assert (ended.finish, ended.tokens) == ("end", tokens.index(tokens[3]) + 1)
    assert free.finish == "length"


def test_end_tokens_and_the_template_are_part_of_the_identity(tmp_path):
    from transformers import AutoTokenizer, GenerationConfig

    from harness.models.checkpoint.checkpoint_digest import checkpoint_digest

    folder = model_zoo.language_model("gpt2", tmp_path)
    digests = [checkpoint_digest(folder)]
    GenerationConfig(eos_token_id=[0, 7]).save_pretrained(folder)
    digests.append(checkpoint_digest(folder))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = "{{ messages[0]['content'] }}"
    tokenizer.save_pretrained(folder)
    digests.append(checkpoint_digest(folder))
    (folder / "chat_template.jinja").write_text("{{ messages[-1]['content'] }}")
    digests.append(checkpoint_digest(folder))
    assert len(set(digests)) == 4


def test_a_long_prompt_loses_its_left_end(zoo, opened):
    long = " ".join(TEXTS)
    ((_, answer),) = opened(zoo("gpt2")).answer([Generate(long, max_tokens=8)])
    whole = len(model_zoo.gpt2_tokenizer()(long)["input_ids"])
    assert (answer.prompt_tokens, answer.truncated) == (LENGTH - 8, whole - (LENGTH - 8))


def test_draws_are_named_by_seed_and_sample(zoo, opened):
    model = opened(zoo("gpt2"))
    requests = [Generate("A", max_tokens=8, temperature=1.5, seed=s, sample=n) for s in (0, 1) for n in (0, 1)]
    texts = {request: answer.text for request, answer in model.answer(requests)}
    assert len(set(texts.values())) == 4
    assert texts == {request: answer.text for request, answer in opened(zoo("gpt2")).answer(reversed(requests))}


def test_samples_follow_the_tempered_nucleus():
    request = Generate(temperature=0.5, top_p=0.8)
    logits = np.log(np.array([0.1, 0.4, 0.2, 0.3]))
    generator = np.random.default_rng(0)
    draws = np.array([sample_token(logits, request, generator) for _ in range(20_000)])
    shares = np.bincount(draws, minlength=4) / len(draws)
    # p² ∝ 1, 16, 4, 9 of 30: 16/30 and 9/30 hold 0.833 ≥ 0.8.
    np.testing.assert_allclose(shares, [0, 16 / 25, 0, 9 / 25], atol=0.02)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_tokens": 0}, "below one"),
        ({"stop": ("",)}, "empty stop"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "cannot hold nan"),
        ({"top_p": 0.0}, "top_p"),
        ({"max_tokens": LENGTH}, "no room"),
        ({"messages": (("user", "a"),)}, "both were given"),
        ({"messages": (("user", "a"),), "prompt": ""}, "no chat template"),
    ],
)
def test_what_cannot_be_written_is_a_failure(options, words, zoo, opened):
    ((_, answer),) = opened(zoo("gpt2")).answer([dataclasses.replace(Generate("a"), **options)])
    assert isinstance(answer, Failure)
    assert words in answer.message


def test_not_a_number_is_a_failure(tmp_path, opened):
    model = opened(model_zoo.language_model("gpt2", tmp_path))
    model.backend.network.base.ln_f.weight.fill_(float("nan"))
    ((_, answer),) = model.answer([Generate("a", max_tokens=4)])
    assert answer.reason == "nan"


@pytest.mark.parametrize("kind", SEQ2SEQ)
def test_targets_are_scored_as_in_training(kind, zoo, opened):
    reference = plain_reference.Seq2Seq(zoo(kind), LENGTH)
    cases = [
        ("The film was", ("good", "bad", "a good film about music")),
        (" ".join(TEXTS), ("good 🙂 é",)),
        ("x", ("y", "the </s> <s>"[:3])),
        ("", ("one",)),
    ]
    for budget in (1, 10_000):
        model = opened(zoo(kind))
        model.backend.batcher.budget = budget
        answers = dict(model.answer(Continuations(*case) for case in cases))
        for context, options in cases:
            answer = answers[Continuations(context, options)]
            assert all(map(close, answer.values, (reference.target(context, option) for option in options)))
        assert answers[Continuations(*cases[1])].truncated > 0


def test_failures_of_targets(zoo, opened):
    requests = [Continuations("a", ()), Continuations("a", ("",)), Continuations("a", (" ".join(TEXTS),))]
    answers = dict(opened(zoo("bart")).answer(requests))
    assert [answers[request].reason for request in requests] == ["no_token", "no_token", "too_long"]
