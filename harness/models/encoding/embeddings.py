"""Which weights of a model are embeddings, and which tokens they hold: the one place, for training and scoring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.models.network_settings import NetworkSettings

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def embedding_rows(model: PreTrainedModel) -> int:
    """How many tokens a model has embeddings for."""
    return int(model.get_input_embeddings().weight.shape[0])


def word_embeddings(model: PreTrainedModel) -> list[nn.Parameter]:
    """The weights of a model's word embeddings, whatever its architecture calls them."""
    return list(model.get_input_embeddings().parameters())


def embedding_tables(model: PreTrainedModel) -> list[torch.Tensor]:
    """The weights of all its tables: words, positions, types, relative distances."""
    import torch

    return [module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding)]


def padding_id(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """The token that fills rows up; filled places are masked, so any row of the embedding will do.

    The tokenizer's own, else the configuration's. A padding token that was added to a tokenizer without a row in the
    embedding is none of them: token 0 stands in for it.
    """
    rows = embedding_rows(model)
    named = (tokenizer.pad_token_id, NetworkSettings.of(model.config).pad_token_id)
    return next((token for token in named if isinstance(token, int) and 0 <= token < rows), 0)
