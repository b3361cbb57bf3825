"""Adapters as peft writes them, in kinds and configurations of others, on a base that is shared."""

from __future__ import annotations

import json

import peft
import pytest
import torch
from harness_support import model_zoo
from harness_support.model_zoo import TEXTS
from harness_support.plain_reference import close, logprobs
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.core.errors import CheckpointError
from harness.core.requests import RollingLikelihood
from harness.models.local.base_cache import BasePool

TARGETS = ["q_proj", "v_proj"]
KINDS = {
    "lora": peft.LoraConfig(r=4, target_modules=TARGETS),
    "dora": peft.LoraConfig(r=4, target_modules=TARGETS, use_dora=True),
    "patterns": peft.LoraConfig(
        r=4, target_modules=TARGETS, rank_pattern={"layers.0.self_attn.q_proj": 2}, alpha_pattern={"v_proj": 32}
    ),
    "one layer": peft.LoraConfig(r=4, target_modules=TARGETS, layers_to_transform=[1], use_rslora=True),
    "embedding": peft.LoraConfig(r=4, target_modules=["embed_tokens", "q_proj"]),
    "head": peft.LoraConfig(r=4, target_modules=["lm_head", "q_proj"]),
    "whole modules": peft.LoraConfig(r=4, target_modules=TARGETS, modules_to_save=["lm_head", "norm"]),
    "ia3": peft.IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]),
    "lokr": peft.LoKrConfig(r=4, target_modules=TARGETS),
    "norms": peft.LNTuningConfig(target_modules=["input_layernorm"]),
}
QUESTION = RollingLikelihood(TEXTS[0])


def adapter(folder, base, config, change=lambda page: page):
    """An adapter with random weights and its model."""
    torch.manual_seed(3)
    config.task_type = "CAUSAL_LM"
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data += 0.1 * torch.randn_like(weight)
    model.save_pretrained(folder)
    page = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**page, **change(page)}))
    return model.eval()


def likelihood(model, base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    ids = [tokenizer.bos_token_id, *tokenizer(QUESTION.text, add_special_tokens=False)["input_ids"]]
    values = logprobs(model, ids)
    return sum(values[place - 1, ids[place]].item() for place in range(1, len(ids)))


@pytest.fixture
def base(tmp_path):
    return model_zoo.language_model("llama", tmp_path / "base", length=64)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_answers_as_peft_and_leaves_the_base_as_it_is(kind, base, tmp_path, opened):
    pool, place = BasePool(), {"resolve": lambda key: base}
    ((_, before),) = opened(base, pool=pool).answer([QUESTION])
    expected = likelihood(adapter(tmp_path / "a", base, KINDS[kind]), base)
    ((_, answer),) = opened(tmp_path / "a", pool=pool, **place).answer([QUESTION])
    assert close(answer.total, expected)
    assert abs(answer.total - before.total) > 1e-2
    ((_, after),) = opened(base, pool=pool).answer([QUESTION])
    assert pool.loads == 1
    assert close(after.total, before.total)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"init_lora_weights": "pissa"}, "changes its base"),
        ({"init_lora_weights": "olora"}, "changes its base"),
        ({"megatron_config": {"a": 1}, "megatron_core": "this"}, "code of Megatron"),
        ({"peft_type": "PROMPT_TUNING"}, "virtual tokens"),
        ({"peft_type": "STRANGE"}, "does not fit"),
        ({"r": 8}, "size mismatch"),
        ({"lora_alpha": "x"}, "does not fit"),
        ({"use_dora": True}, "do not match"),
        ({"target_modules": ["q_proj"]}, "do not match"),
        ({"task_type": "SEQ_CLS"}, "which its head needs"),
    ],
)
def test_configurations_that_do_not_hold_are_refused(page, words, base, tmp_path, opened):
    adapter(tmp_path / "a", base, peft.LoraConfig(r=4, target_modules=TARGETS), lambda _: page)
    with pytest.raises(CheckpointError, match=words):
        opened(tmp_path / "a", resolve=lambda key: base)


def test_an_embedding_that_is_another_than_the_base_s_is_refused(base, tmp_path, opened):
    adapter(tmp_path / "a", base, peft.LoraConfig(r=4, target_modules=["embed_tokens"]))
    file = tmp_path / "a" / "adapter_model.safetensors"
    save_file({name: value + ("base_layer" in name) for name, value in load_file(file).items()}, file)
    with pytest.raises(CheckpointError, match="other than the base's"):
        opened(tmp_path / "a", resolve=lambda key: base)
