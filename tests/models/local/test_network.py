from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_support import model_zoo, plain_reference
from harness_support.model_zoo import CAUSAL, LENGTH, MASKED, TEXTS
from harness_support.plain_reference import close
from transformers import AutoModelForCausalLM, OPTConfig

from harness.core.requests import PseudoLikelihood, RollingLikelihood
from harness.models.local.batching import Row


def question(kind):
    return PseudoLikelihood(TEXTS[2], "pll") if kind in MASKED else RollingLikelihood(TEXTS[2])


@pytest.mark.parametrize("kind", [*MASKED, *CAUSAL])
def test_the_head_alone_equals_the_plain_forward(kind, zoo, opened):
    model = opened(zoo(kind))
    assert model.backend.network.split_head
    ((_, answer),) = model.answer([question(kind)])
    model.backend.network.split_head = False
    ((_, plain),) = model.answer([question(kind)])
    assert close(answer.total, plain.total)


def test_a_model_whose_head_cannot_be_split_is_still_scored(tmp_path, opened):
    """OPT's language model calls its decoder past the base module."""
    torch.manual_seed(0)
    tokenizer = model_zoo.gpt2_tokenizer()
    config = OPTConfig(
        vocab_size=len(tokenizer), hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=LENGTH, word_embed_proj_dim=32, init_std=0.3, pad_token_id=0, dropout=0.0,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    ((_, answer),) = opened(tmp_path).answer([RollingLikelihood(TEXTS[1])])
    assert close(answer.total, plain_reference.Causal(tmp_path, LENGTH).rolling(TEXTS[1])[0])


def test_logits_are_made_in_pieces(zoo, opened, monkeypatch):
    network = opened(zoo("gpt2")).backend.network
    ids = np.arange(20)
    rows = [
        Row(ids, np.arange(19), ids[1:], np.arange(19), 0),
        Row(ids[:7], np.arange(5, 7), ids[:3], np.array([0, 1, 1]), 1),
    ]
    whole = network.token_logprobs(rows)
    monkeypatch.setattr("harness.models.local.network._LOGITS_BYTES", 4 * 400 * 3)
    for one, other in zip(whole, network.token_logprobs(rows), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_shared_weights_are_counted_once(zoo, opened):
    network = opened(zoo("bert")).backend.network
    assert network.parameters == sum(weight.numel() for weight in network.language_model.parameters())
