from __future__ import annotations

import torch
from transformers import GPT2Config, GPT2Model, modeling_utils

from harness.models.library_logging import no_padding_notice


def test_a_model_that_is_read_without_a_mask_says_nothing_of_padding(monkeypatch):
    said = []
    monkeypatch.setattr(modeling_utils.logger, "warning_once", said.append)
    config = GPT2Config(vocab_size=8, n_positions=8, n_embd=8, n_layer=1, n_head=1, pad_token_id=0)
    model = GPT2Model(config).eval()
    ids = torch.zeros(1, 3, dtype=torch.long)
    model(input_ids=ids)
    assert said, "transformers no longer warns: `no_padding_notice` can go"
    said.clear()
    no_padding_notice(model)
    model(input_ids=ids)
    assert said == []
