"""Decoding options against transformers' own `generate`, one prompt at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_support.model_zoo import SEQ2SEQ, TEXTS
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig
from transformers.generation import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from harness.core.requests import Generate, Generated
from harness.models.local.decoding.decoding_loop import sample_token
from harness.models.local.decoding.token_penalties import penalized

PROMPTS = [TEXTS[0][:9], TEXTS[1][:14], "a"]
LENGTH = 9
OPTIONS = [
    {"num_beams": 3},
    {"num_beams": 2, "length_penalty": 0.0},
    {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True},
    {"num_beams": 3, "repetition_penalty": 1.4},
    {"num_beams": 2, "no_repeat_ngram_size": 2},
    {"repetition_penalty": 1.3},
    {"repetition_penalty": 0.7},
    {"no_repeat_ngram_size": 1},
    {"no_repeat_ngram_size": 3, "repetition_penalty": 1.1},
]


def reference(folder, prompt: str, *, seq2seq: bool, ends: list[int], **options) -> list[int]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    cls = AutoModelForSeq2SeqLM if seq2seq else AutoModelForCausalLM
    model = cls.from_pretrained(folder).eval()
    model.generation_config = GenerationConfig.from_model_config(model.config)
    inputs = tokenizer(prompt, return_tensors="pt")
    made = model.generate(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        max_new_tokens=LENGTH,
        do_sample=False,
        eos_token_id=ends,
        pad_token_id=0,
        **options,
    )[0].tolist()
    return made[1:] if seq2seq else made[inputs["input_ids"].shape[1] :]


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_beams_and_penalties_equal_transformers(kind, options, zoo, opened, tmp_path):
    import shutil

    folder = tmp_path / kind
    shutil.copytree(zoo(kind), folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    # A common token ends texts too, so that beams finish at different lengths.
    free = reference(folder, PROMPTS[0], seq2seq=kind in SEQ2SEQ, ends=[-1])
    ends = sorted({tokenizer.eos_token_id if tokenizer.eos_token_id is not None else 0, free[3]})
    config = (
        GenerationConfig.from_pretrained(folder) if (folder / "generation_config.json").exists() else GenerationConfig()
    )
    config.eos_token_id = ends
    config.save_pretrained(folder)
    answers = dict(opened(folder).answer([Generate(prompt, max_tokens=LENGTH, **options) for prompt in PROMPTS]))
    for request, answer in answers.items():
        assert isinstance(answer, Generated), answer
        wanted = reference(folder, request.prompt, seq2seq=kind in SEQ2SEQ, ends=ends, **options)
        while wanted and wanted[-1] == 0 and 0 not in ends:
            wanted.pop()
        assert answer.text == tokenizer.decode(wanted, skip_special_tokens=True)


@pytest.mark.parametrize(
    "options",
    [{"top_k": 3}, {"top_k": 5, "top_p": 0.7}, {"top_p": 0.5, "temperature": 1.7}, {"top_k": 2, "temperature": 0.4}],
)
def test_samples_follow_transformers_warpers(options):
    request = Generate(**{"temperature": 1.0, **options})
    logits = torch.tensor(np.random.default_rng(3).normal(size=(1, 12)))
    scores = TemperatureLogitsWarper(request.temperature)(None, logits) if request.temperature != 1 else logits
    if request.top_k:
        scores = TopKLogitsWarper(request.top_k)(None, scores)
    if request.top_p < 1:
        scores = TopPLogitsWarper(request.top_p)(None, scores)
    generator = np.random.default_rng(0)
    draws = [sample_token(logits[0].numpy(), request, generator) for _ in range(20_000)]
    shares = np.bincount(draws, minlength=12) / len(draws)
    np.testing.assert_allclose(shares, torch.softmax(scores, -1)[0].numpy(), atol=0.012)
    assert set(np.flatnonzero(shares)) == set(torch.isfinite(scores[0]).nonzero()[:, 0].tolist())


def test_presence_and_frequency_penalties_see_generated_tokens_alone():
    request = Generate(presence_penalty=0.5, frequency_penalty=0.25)
    scores = penalized(torch.zeros(5), request, [0, 1], [2, 2, 3])
    assert scores.tolist() == [0.0, 0.0, -1.0, -0.75, 0.0]


def test_a_stop_string_ends_a_beam(zoo, opened):
    model = opened(zoo("gpt2"))
    ((_, free),) = model.answer([Generate("The film", max_tokens=12, num_beams=3)])
    stop = free.text[2:4]
    ((_, cut),) = model.answer([Generate("The film", max_tokens=12, num_beams=3, stop=(stop,), early_stopping=True)])
    assert stop not in cut.text


def test_beams_do_not_depend_on_the_batch(zoo, opened):
    requests = [Generate(prompt, max_tokens=6, num_beams=beams) for prompt in PROMPTS for beams in (1, 2, 3)]
    together = dict(opened(zoo("llama")).answer(requests))
    for request in requests:
        ((_, alone),) = opened(zoo("llama")).answer([request])
        assert alone.text == together[request].text
