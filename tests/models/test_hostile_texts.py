"""Very long, empty and strange texts, no room, numbers that are none: a value or a counted failure, for every kind."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil

import pytest
from harness_support import model_zoo
from harness_support.model_zoo import LENGTH

from harness.core.errors import CheckpointError
from harness.core.requests import (
    Classify,
    Cloze,
    Completions,
    Continuations,
    Embed,
    Embedding,
    ExtractSpan,
    Failure,
    Generate,
    Generated,
    Likelihood,
    NextSentence,
    PseudoLikelihood,
    RollingLikelihood,
    Scores,
    SpanAnswer,
    Tag,
    Tags,
    TopCompletions,
)

LABELS = ("a", "b", "c")
MEGABYTE = "lorem ipsum ğ🙂 " * (1_000_000 // 19)
STRANGE = ["", " ", "\n\t", "\x00", "\ud800", "\u202e", "[MASK] </s> <s>", "{mask}", "{", "a" * 5000]
BY_KIND = {
    "bert": lambda text: [
        PseudoLikelihood(text),
        PseudoLikelihood(text, "pll_shared", "a film"),
        PseudoLikelihood(text, "crows_original", "a film"),
        Cloze(f"{text}{{mask}}", (("a",), ("the", "o"))),
        TopCompletions(f"a {{mask}} {text}", 2),
        Embed(text),
    ],
    "gpt2": lambda text: [
        Continuations(text, (" a", " b c")),
        Continuations("a", (f" {text[:40]}", " b")),
        Generate(text, max_tokens=2),
        TopCompletions(text, 2),
        Embed(text),
    ],
    "t5": lambda text: [Continuations(text, ("a", "b c")), Generate(text, max_tokens=2), Embed(text)],
}
HEADS = {
    "sequence": lambda text: [Classify(text, LABELS), Classify("a", LABELS, pair=text), Classify(text, LABELS, text)],
    "token": lambda text: [Tag((text, "a"), LABELS)],
    "span": lambda text: [ExtractSpan(text, "a b"), ExtractSpan("a", text)],
}


def is_sound(response: object) -> bool:
    """A typed failure, or numbers that are all finite."""
    if isinstance(response, Failure):
        return response.reason in {"unsupported", "nan", "too_long", "no_token", "error"} and bool(response.message)
    numbers = {
        Scores: lambda r: r.values,
        Likelihood: lambda r: (r.total,),
        Embedding: lambda r: r.values,
        Tags: lambda r: r.scores,
        SpanAnswer: lambda r: (r.score,),
        Completions: lambda r: r.scores,
        Generated: lambda r: (r.log_likelihood,),
    }[type(response)](response)
    return all(map(math.isfinite, numbers))


def check(model, requests) -> None:
    answers = dict(model.answer(requests))
    assert set(answers) == set(requests)
    for request, response in answers.items():
        assert is_sound(response), (dataclasses.replace(request), response)


@pytest.mark.parametrize("kind", BY_KIND)
def test_strange_texts_get_a_value_or_a_reason(kind, zoo, opened):
    requests = [request for text in STRANGE for request in BY_KIND[kind](text)]
    if kind == "gpt2":
        requests += map(RollingLikelihood, STRANGE)
    check(opened(zoo(kind)), dict.fromkeys(requests))


@pytest.mark.slow
@pytest.mark.parametrize("kind", BY_KIND)
def test_a_megabyte_is_cut_and_counted(kind, zoo, opened):
    requests = BY_KIND[kind](MEGABYTE)
    answers = dict(opened(zoo(kind)).answer(requests))
    for request, response in answers.items():
        assert is_sound(response), response
        if not isinstance(response, Failure | Completions) and MEGABYTE in dataclasses.astuple(request):
            assert response.truncated > 100_000


def test_a_long_text_is_read_to_its_end(zoo, opened):
    text = MEGABYTE[:30_000]
    ((_, answer),) = opened(zoo("gpt2")).answer([RollingLikelihood(text)])
    assert math.isfinite(answer.total)
    assert (answer.truncated, answer.tokens > 5_000) == (0, True)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", ["bert", "roberta", "t5"])
def test_heads_read_strange_and_long_texts(kind, head, tmp_path, opened):
    folder = model_zoo.with_head(kind, head, tmp_path / "m", () if head == "span" else LABELS)
    requests = [request for text in STRANGE for request in HEADS[head](text)]
    check(opened(folder), dict.fromkeys(requests))
    long = HEADS[head](MEGABYTE[:100_000] if head != "span" else MEGABYTE[:3000])
    for _, response in opened(folder).answer(long):
        assert is_sound(response)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5", "bert"])
def test_numbers_that_are_none_are_failures(kind, zoo, opened):
    """One weight that is not a number spoils every answer; none of them may look like one."""
    model = opened(zoo(kind))
    network = model.backend.network
    last = list(network.base.parameters())[-1]
    last.fill_(float("nan"))
    requests = BY_KIND["gpt2" if kind == "llama" else kind]("a film")
    if network.causal:
        requests += [RollingLikelihood("a film")]
    for request, response in model.answer(requests):
        if kind == "t5" and isinstance(request, Embed):
            continue  # the last weight is the decoder's
        assert isinstance(response, Failure), (request, response)
        assert response.reason == "nan"


@pytest.mark.parametrize("head", HEADS)
def test_heads_without_numbers_are_failures(head, tmp_path, opened):
    model = opened(model_zoo.with_head("bert", head, tmp_path, () if head == "span" else LABELS))
    next(iter(model.backend.network.heads.values())).base_model.embeddings.LayerNorm.weight.fill_(float("nan"))
    for _, response in model.answer(HEADS[head]("a film")):
        assert isinstance(response, Failure)
        assert response.reason == "nan"


def shorter(folder, length: int) -> None:
    page = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**page, "model_max_length": length}))


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("kind", ["bert", "gpt2", "t5"])
def test_a_model_without_room(kind, length, tmp_path, zoo, opened):
    shutil.copytree(zoo(kind), tmp_path / "m")
    shorter(tmp_path / "m", length)
    requests = BY_KIND[kind]("The nurse told the doctor")
    check(opened(tmp_path / "m"), requests)


def test_pairs_without_room(tmp_path, opened):
    folder = model_zoo.with_head("bert", "sequence", tmp_path / "m", LABELS)
    shorter(folder, 2)
    check(opened(folder), [Classify("a film", LABELS), Classify("a", LABELS, pair="b")])
    folder = model_zoo.with_head("bert", "pretraining", tmp_path / "n")
    shorter(folder, 3)
    check(opened(folder), [NextSentence("a", "b")])


def test_a_tokenizer_without_words_is_refused(tmp_path, zoo, opened):
    shutil.copytree(zoo("gpt2"), tmp_path / "m")
    page = json.loads((tmp_path / "m" / "tokenizer.json").read_text())
    page["model"] |= {"vocab": {}, "merges": []}
    page["added_tokens"] = []
    (tmp_path / "m" / "tokenizer.json").write_text(json.dumps(page))
    with pytest.raises(CheckpointError, match="vocabulary is empty"):
        opened(tmp_path / "m")


def test_room_is_what_the_tests_think():
    assert LENGTH < 100
