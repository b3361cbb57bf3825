"""Encoders that are asked about one place a row: the same answers with less work, or the plain way."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from harness_support import model_zoo, plain_reference
from harness_support.model_zoo import LENGTH, TEXTS
from harness_support.plain_reference import close
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, ElectraConfig
from transformers.models.bert.modeling_bert import BertEmbeddings, BertPooler, BertSelfAttention

from harness.core.reporter import Silent
from harness.core.requests import Classify, Cloze, NextSentence, PseudoLikelihood
from harness.models.derived.projection_backend import Projection, install
from harness.models.local.base_cache import BasePool
from harness.models.local.batching import Row
from harness.models.local.fast_path import NoFastPaths
from harness.models.local.fastpaths.single_position import distinct
from harness.models.local.forward_patch import is_replaced

KINDS = ("bert", "roberta", "distilbert")
LONG = " ".join(TEXTS)
CASES = [*TEXTS[:3], TEXTS[0].replace("she", "he"), "one", "🙂🙃 é", LONG]
PAIRS = [
    (TEXTS[0], TEXTS[0].replace("she", "he")),
    (TEXTS[1], "A long and short film about bad music!"),
    (LONG, TEXTS[1]),
]


class Told(Silent):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def warn(self, message: str) -> None:
        self.heard.append(message)


def saved(kind, folder, layers, **more):
    torch.manual_seed(layers)
    tokenizer = model_zoo.TOKENIZERS[kind]()
    config = model_zoo.config_of(kind, tokenizer, **more)
    config.num_hidden_layers = layers
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def questions():
    single = [PseudoLikelihood(text, scorer) for text in CASES for scorer in ("pll", "pll_word_l2r")]
    paired = [
        PseudoLikelihood(one, scorer, other, second=turned)
        for scorer in ("pll_shared", "pll_modified", "crows_original")
        for first, second in PAIRS
        for one, other, turned in ((first, second, False), (second, first, True))
    ]
    gaps = [Cloze(text, (("a", "o"), ("the",))) for text in ("The {mask} was long.", "{mask} nurse", "A {mask}")]
    return [*single, *paired, *gaps]


def totals(answers):
    return {
        request: np.asarray(answer.values if hasattr(answer, "values") else [getattr(answer, "total", np.nan)])
        for request, answer in answers.items()
    }


def both_ways(model, asked):
    """Answers with less work, and those of plain rows; the operations of both."""
    network, found, work = model.backend.network, [], []
    installed = network.fast_paths
    for paths in (installed, NoFastPaths()):
        network.fast_paths = paths
        before = model.work.flops
        found.append(totals(dict(model.answer(asked))))
        work.append(model.work.flops - before)
    network.fast_paths = installed
    return found, work


def assert_alike(found):
    one, other = found
    assert one.keys() == other.keys()
    for request, values in one.items():
        assert np.array_equal(np.isnan(values), np.isnan(other[request])), request
        # A rounded score may fall on either side of a thousandth.
        rounding = 1.01e-3 if getattr(request, "scorer", "") == "crows_original" else 0.0
        for value, expected in zip(values, other[request], strict=True):
            assert np.isnan(value) or close(value, expected) or abs(value - expected) <= rounding, request


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_the_slow_reference_with_less_work(kind, layers, attention, tmp_path, opened):
    folder = saved(kind, tmp_path, layers)
    model = opened(folder)
    network = model.backend.network
    network.base.set_attn_implementation(attention)
    reference = plain_reference.Masked(folder, LENGTH)
    asked = [PseudoLikelihood(text, scorer) for text in CASES for scorer in ("pll", "pll_word_l2r")]
    random.Random(layers).shuffle(asked)
    for request, answer in model.answer(asked):
        total, tokens = reference.pll(request.text, request.scorer)
        assert answer.tokens == tokens
        assert close(answer.total, total), (request, answer, total)
    assert network.fast_paths.single.usable
    found, work = both_ways(model, questions())
    assert_alike(found)
    assert work[0] < 0.8 * work[1]


@pytest.mark.parametrize("budget", [1, 70, 100_000])
@pytest.mark.parametrize("kind", KINDS)
def test_batches_and_order_do_not_matter(kind, budget, zoo, opened):
    asked = questions()
    expected = totals(dict(opened(zoo(kind)).answer(asked)))
    random.Random(budget).shuffle(asked)
    model = opened(zoo(kind))
    model.backend.batcher.budget = budget
    assert_alike((totals(dict(model.answer(asked))), expected))


def test_an_unknown_encoder_is_read_whole_and_nothing_is_said(zoo, opened):
    told = Told()
    model = opened(zoo("deberta"), reporter=told)
    assert not model.backend.network.fast_paths.single.applies
    list(model.answer(questions()))
    assert told.heard == []


def test_an_encoder_that_projects_its_embeddings_shares_the_last_layer_alone(tmp_path, opened):
    torch.manual_seed(0)
    tokenizer = model_zoo.wordpiece()
    config = ElectraConfig(
        **model_zoo.SMALL,
        **model_zoo.WIDE,
        vocab_size=len(tokenizer),
        max_position_embeddings=LENGTH,
        embedding_size=16,
    )
    AutoModelForMaskedLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = opened(tmp_path)
    found, work = both_ways(model, questions())
    assert model.backend.network.fast_paths.single.usable
    assert_alike(found)
    assert work[0] < 0.8 * work[1]


class Near(BertSelfAttention):
    """Attention that prefers what is near, as no code here knows."""

    def forward(self, hidden_states, *args, **kwargs):
        count = hidden_states.shape[1]
        far = (torch.arange(count)[:, None] - torch.arange(count)).abs()
        kwargs["attention_mask"] = -0.5 * far.float()[None, None]
        return super().forward(hidden_states, **kwargs)


class Leaning(BertEmbeddings):
    """Embeddings that depend on the token before."""

    def forward(self, input_ids=None, **kwargs):
        found = super().forward(input_ids, **kwargs)
        return found + 0.5 * found.roll(1, dims=1)


def test_a_model_whose_answers_would_change_is_read_whole_and_says_so_once(zoo, opened):
    told = Told()
    model = opened(zoo("bert"), reporter=told)
    network = model.backend.network
    network.base.encoder.layer[-1].attention.self.__class__ = Near
    assert network.fast_paths.single.applies
    assert not network.fast_paths.single.usable
    found, work = both_ways(model, questions())
    assert_alike(found)
    assert work[0] == work[1]
    assert [message for message in told.heard if "read whole" in message] == told.heard
    assert len(told.heard) == 1


def test_embeddings_that_look_aside_are_not_shared(zoo, opened):
    model = opened(zoo("bert"))
    network = model.backend.network
    network.base.embeddings.__class__ = Leaning
    found, work = both_ways(model, questions())
    assert network.fast_paths.single.usable
    assert_alike(found)
    assert work[0] < work[1]


@pytest.mark.parametrize("targets", [["query", "value"], ["key"], ["dense"]])
def test_an_adapter_and_its_base(targets, tmp_path, zoo, opened):
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    adapted = get_peft_model(
        AutoModelForMaskedLM.from_pretrained(zoo("bert")),
        LoraConfig(r=4, target_modules=targets, init_lora_weights=False),
    )
    adapted.save_pretrained(tmp_path / "adapter")
    pool = BasePool()
    base = opened(zoo("bert"), pool=pool)
    asked = questions()
    before = totals(dict(base.answer(asked[:6])))
    adapter = opened(tmp_path / "adapter", resolve=lambda key: zoo("bert"), pool=pool)
    answers = []
    for model in (adapter, base, adapter):
        found, work = both_ways(model, asked)
        assert model.backend.network.fast_paths.single.usable
        assert_alike(found)
        assert work[0] < 0.9 * work[1]
        answers.append(found[0])
    assert_alike((answers[0], answers[2]))
    assert_alike((before, {request: answers[1][request] for request in before}))
    assert not close(answers[0][asked[0]][0], answers[1][asked[0]][0])


def test_states_with_directions_taken_out(zoo, opened):
    model = opened(zoo("bert"))
    plain = totals(dict(opened(zoo("bert")).answer(questions())))
    directions = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 3)))[0].T
    install(model.backend.network, Projection(directions, "made up", "nothing"))
    found, work = both_ways(model, questions())
    assert_alike(found)
    assert work[0] < 0.8 * work[1]
    assert not close(found[0][questions()[0]][0], plain[questions()[0]][0])


@pytest.mark.parametrize("kind", KINDS)
def test_padding_tokens_inside_a_row(kind, zoo, opened):
    """They move the places behind them in RoBERTa."""
    network = opened(zoo(kind)).backend.network
    pad = network.encoder.pad_id
    rows = []
    for place in range(8):
        ids = np.arange(10, 20)
        ids[3] = pad if place % 2 else 13
        ids[place] = network.encoder.mask_id
        rows.append(Row(ids, np.asarray([place]), np.asarray([10 + place]), np.zeros(1, dtype=np.int64), 0))
    assert network.fast_paths.single.usable
    np.testing.assert_allclose(network.fast_paths.single.token_logprobs(rows), network.token_logprobs(rows), atol=1e-4)


def test_sixteen_bits(zoo, opened):
    model = opened(zoo("bert"))
    network = model.backend.network
    network.base.to(torch.bfloat16)
    network.language_model.to(torch.bfloat16)
    asked = [PseudoLikelihood(text, "pll") for text in CASES]
    (narrow, plain), work = both_ways(model, asked)
    assert network.fast_paths.single.usable
    assert work[0] < work[1]
    for request, value in narrow.items():
        assert value == pytest.approx(plain[request], rel=0.02, abs=0.5)


def test_memory_that_runs_out_halves_the_batch_and_leaves_the_model_whole(zoo, opened):
    told = Told()
    model = opened(zoo("bert"), reporter=told)
    network = model.backend.network
    asked = [PseudoLikelihood(text, "pll") for text in CASES]
    expected = totals(dict(opened(zoo("bert")).answer(asked)))
    assert network.fast_paths.single.usable
    failures = iter([True, False, True])

    def fail(module, inputs):
        if next(failures, False):
            raise RuntimeError("out of memory")

    network.base.encoder.layer[-1].intermediate.register_forward_pre_hook(fail)
    assert_alike((totals(dict(model.answer(asked))), expected))
    assert any("memory ran out" in message for message in told.heard)
    assert not any(map(is_replaced, network.base.modules()))
    assert not any("forward" in module.__dict__ for module in network.base.modules())


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("adapted", [False, True])
def test_operations_are_those_that_torch_counts(layers, adapted, tmp_path, opened):
    folder = saved("bert", tmp_path / "base", layers)
    model = opened(folder)
    if adapted:
        from peft import LoraConfig, get_peft_model

        tuned = get_peft_model(
            AutoModelForMaskedLM.from_pretrained(folder),
            LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=False),
        )
        tuned.save_pretrained(tmp_path / "adapter")
        model = opened(tmp_path / "adapter", resolve=lambda key: folder)
    network = model.backend.network
    for module in (network.base, network.language_model):
        module.set_attn_implementation("eager")
    assert network.fast_paths.single.usable
    before = model.work.flops
    with FlopCounterMode(display=False) as counter:
        list(model.answer(questions()))
    assert model.work.flops - before == pytest.approx(counter.get_total_flops(), rel=0.02)


LABELS = ("a", "b", "c")


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_classes_need_the_first_place_of_the_last_layer_alone(kind, layers, tmp_path, opened):
    folder = model_zoo.with_head(kind, "sequence", tmp_path, LABELS)
    config = AutoModelForSequenceClassification.from_pretrained(folder).config
    config.num_hidden_layers = layers
    torch.manual_seed(layers)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    model, reference = opened(folder), plain_reference.Classifier(folder, LENGTH)
    single = [Classify(text, LABELS) for text in CASES]
    for request, answer in model.answer(single):
        assert all(map(close, answer.values, reference.classify(request.text))), request
    assert_alike(found_and_less(model, [*single, *(Classify(one, LABELS, pair=other) for one, other in PAIRS)]))


def test_next_sentences_need_the_first_place_of_the_last_layer_alone(tmp_path, opened):
    model = opened(model_zoo.with_head("bert", "pretraining", tmp_path))
    assert_alike(found_and_less(model, [NextSentence(*pair) for pair in PAIRS]))


def found_and_less(model, asked):
    list(model.answer(asked))
    found, work = both_ways(model, asked)
    assert work[0] < 0.9 * work[1]
    return found


class Mean(BertPooler):
    """Reads all places."""

    def forward(self, hidden_states):
        return super().forward(hidden_states.mean(dim=1, keepdim=True))


def test_a_head_that_reads_more_is_given_more_and_it_is_said_once(tmp_path, opened):
    told = Told()
    model = opened(model_zoo.with_head("bert", "sequence", tmp_path, LABELS), reporter=told)
    model.backend.network.base.pooler.__class__ = Mean
    asked = [Classify(text, LABELS) for text in CASES]
    list(model.answer(asked))
    found, work = both_ways(model, asked)
    assert_alike(found)
    assert work[0] == work[1]
    assert len(told.heard) == 1
    assert "read whole" in told.heard[0]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_distinct_tokens_stand_for_all(data):
    rows, length = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 6))
    cells = st.lists(st.integers(0, 3), min_size=length, max_size=length)
    ids = np.asarray(data.draw(st.lists(cells, min_size=rows, max_size=rows)), dtype=np.int64)
    most = max(len(set(column)) for column in ids.T)
    found = distinct(ids)
    if found is None:
        assert most > rows / 2
        return
    few, index = found
    assert few.shape == (most, length)
    assert most <= rows / 2
    np.testing.assert_array_equal(few.ravel()[index], ids)
    np.testing.assert_array_equal(index % length, np.broadcast_to(np.arange(length), ids.shape))
