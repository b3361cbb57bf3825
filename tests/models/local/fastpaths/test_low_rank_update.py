"""LoRA's update in one pass: the same answers and costs, and peft's own pass where something else is asked."""

from __future__ import annotations

import pytest
import torch
from harness_support.model_zoo import TEXTS
from harness_support.plain_reference import close
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from peft.tuners.lora.layer import Linear as PeftLinear
from torch import nn
from transformers import AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from harness.core.requests import Continuations, Generate, Generated, Likelihood, RollingLikelihood
from harness.models.local.base_cache import BasePool
from harness.models.local.fastpaths import low_rank_update

REQUESTS = [
    *map(RollingLikelihood, TEXTS[:3]),
    Continuations("The film", (" good", " very bad")),
    Generate("The", max_tokens=5),
]


def adapter_on(base, path, **settings):
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(task_type="CAUSAL_LM", **settings))
    for name, weight in model.named_parameters():
        if "lora_" in name:
            nn.init.normal_(weight, std=0.3)
    model.save_pretrained(path)
    return path


def own_layers(model):
    parts = model.backend.network.base.modules()
    return [part for part in parts if isinstance(part, PeftLinear) and type(part) is not PeftLinear]


def values(answer):
    if isinstance(answer, Generated):
        return [answer.text]
    return [answer.total] if isinstance(answer, Likelihood) else list(answer.values)


def asked(model):
    list(model.answer(REQUESTS))  # at first a network checks its shortcuts
    before = model.work
    answers = dict(model.answer(REQUESTS))
    return [value for request in REQUESTS for value in values(answers[request])], model.work.since(before).flops


@pytest.mark.parametrize(
    ("kind", "targets", "more"),
    [
        ("llama", ("q_proj", "v_proj", "up_proj", "down_proj"), {}),
        ("gpt2", ("c_attn", "c_fc"), {}),  # weights that stand the other way round
        ("llama", ("q_proj", "down_proj"), {"use_dora": True}),
        ("llama", ("q_proj", "down_proj"), {"use_rslora": True, "lora_dropout": 0.5}),
        ("gpt2", ("c_attn", "c_fc"), {"lora_bias": True}),
        ("llama", ("q_proj", "embed_tokens"), {}),
    ],
)
def test_answers_and_costs_are_those_of_peft(kind, targets, more, tmp_path, zoo, opened, monkeypatch):
    torch.manual_seed(0)
    base = zoo(kind)
    folders = [adapter_on(base, tmp_path / str(rank), r=rank, target_modules=list(targets), **more) for rank in (2, 3)]

    def open_all():
        pool = BasePool()
        return [opened(folder, resolve=lambda key: base, pool=pool) for folder in folders]

    models = open_all()
    found = [asked(models[turn]) for turn in (0, 1, 0)]
    assert all(own_layers(model) for model in models)
    assert found[2] == found[0]
    monkeypatch.setenv("HARNESS_FAST_PATHS", "0")
    for model, (answers, flops) in zip(open_all(), found, strict=False):
        assert not own_layers(model)
        expected, expected_flops = asked(model)
        for value, plain in zip(answers, expected, strict=True):
            assert value == plain if isinstance(value, str) else close(value, plain)
        assert flops == pytest.approx(expected_flops, rel=0.05)  # other guests save operations, too


NAMES = ("first", "second")


@settings(max_examples=60, deadline=None)
@given(
    rank=st.integers(1, 6),
    shape=st.sampled_from([(3, 6), (1, 6), (2, 3, 6), (0, 6)]),
    turned=st.booleans(),
    dtypes=st.sampled_from([(torch.float32, torch.float32), (torch.bfloat16, torch.bfloat16), (torch.bfloat16, None)]),
    alpha=st.floats(0.1, 8),
    active=st.sampled_from([["first"], ["second"], ["first", "second"], []]),
)
def test_a_layer_says_what_peft_says(rank, shape, turned, dtypes, alpha, active):
    torch.manual_seed(rank)
    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules=["0"], init_lora_weights=False, fan_in_fan_out=turned, lora_dropout=0.5
    )
    inner = nn.Sequential(Conv1D(5, 6) if turned else nn.Linear(6, 5)).to(dtypes[0])
    model = get_peft_model(inner, config, adapter_name=NAMES[0])
    model.add_adapter(NAMES[1], config)
    model = model.to(dtypes[1]) if dtypes[1] else model
    layer = model.base_model.model[0].eval()
    rows = torch.rand(shape).to(dtypes[0])
    layer.set_adapter(active)
    layer.enable_adapters(bool(active))
    with torch.no_grad():
        expected = layer(rows)
        low_rank_update.enable(model)
        assert type(layer) is not PeftLinear
        found = layer(rows)
    assert found.dtype == expected.dtype
    tolerance = 1e-5 if dtypes[0] == torch.float32 else 2e-2
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_what_is_trained_is_trained_as_by_peft():
    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=["0"], init_lora_weights=False)
    model = get_peft_model(nn.Sequential(nn.Linear(6, 5)), config)
    rows = torch.rand(3, 6)

    def gradients():
        model.zero_grad()
        model(rows).square().sum().backward()
        return [weight.grad.clone() for weight in model.parameters() if weight.requires_grad]

    expected = gradients()
    low_rank_update.enable(model)
    assert all(map(torch.equal, gradients(), expected))


def test_a_model_without_adapters_is_left_as_it_is():
    model = nn.Sequential(nn.Linear(2, 2))
    low_rank_update.enable(model)
    assert type(model[0]) is nn.Linear
