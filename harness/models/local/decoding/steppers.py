"""Models that read token by token: causal ones, and decoders with an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch

from harness.models.local.network import Network, accepts
from harness.models.local.stepper import Prompt
from harness.models.network_settings import NetworkSettings, generation_config

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel
    from transformers.cache_utils import CacheLayerMixin
    from transformers.utils import ModelOutput


def only_token(logits: torch.Tensor, token: int) -> torch.Tensor:
    """Logits [B, V] under which no other token is written."""
    others = torch.arange(logits.shape[-1], device=logits.device) != token
    return logits.masked_fill(others, -torch.inf)


class CausalStepper:
    """A causal language model with its cache of keys and values."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._model = _model(network)
        self._positioned = accepts(self._model, "position_ids")
        self._last = {"logits_to_keep": 1} if accepts(self._model, "logits_to_keep") else {}
        self._mask: torch.Tensor | None = None
        self._position: torch.Tensor | None = None
        self._cache: Cache | None = None

    def start(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `Stepper`."""
        longest = max(len(prompt.ids) for prompt in prompts)
        ids = np.full((len(prompts), longest), self._network.encoder.pad_id or 0, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt.ids) :] = prompt.ids
            mask[row, longest - len(prompt.ids) :] = 1
        positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
        self._mask = self._network.tensor(mask)
        self._position = self._network.tensor(positions[:, -1:] + 1)
        return self._forward(self._network.tensor(ids), self._network.tensor(positions))

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Stepper`."""
        assert self._mask is not None
        assert self._position is not None
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        logits = self._forward(tokens[:, None], self._position)
        self._position = self._position + 1
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """See `Stepper`."""
        assert self._mask is not None
        assert self._position is not None
        self._mask, self._position = self._mask[rows], self._position[rows]
        _select(self._cache, rows)

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        places = {"position_ids": positions} if self._positioned else {}
        output = self._model(
            input_ids=ids,
            attention_mask=self._mask,
            past_key_values=self._cache,
            use_cache=True,
            **places,
            **self._last,
        )
        self._cache = output.past_key_values
        logits: torch.Tensor = output.logits[:, -1].float()
        return logits


class DecoderStepper:
    """A sequence-to-sequence model: the encoder runs once, the decoder token by token."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._model = _model(network)
        self._encoded: ModelOutput | None = None
        self._mask: torch.Tensor | None = None
        self._cache: Cache | None = None
        settings = self._model.generation_config
        self._forced: int | None = settings.forced_bos_token_id

    def start(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `Stepper`."""
        rows = [np.asarray(prompt.ids, dtype=np.int64) for prompt in prompts]
        ids, self._mask = self._network.pad(rows, masked=True)
        self._encoded = self._model.get_encoder()(input_ids=ids, attention_mask=self._mask)
        first = torch.full((len(prompts),), decoder_start(self._network), device=ids.device)
        logits = self.step(first)
        return logits if self._forced is None else only_token(logits, self._forced)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Stepper`."""
        output = self._model(
            encoder_outputs=self._encoded,
            attention_mask=self._mask,
            decoder_input_ids=tokens[:, None],
            past_key_values=self._cache,
            use_cache=True,
        )
        self._cache = output.past_key_values
        logits: torch.Tensor = output.logits[:, -1].float()
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """See `Stepper`."""
        assert self._encoded is not None
        self._encoded.last_hidden_state = self._encoded.last_hidden_state[rows]
        self._mask = None if self._mask is None else self._mask[rows]
        _select(self._cache, rows)


@runtime_checkable
class _Layered(Protocol):
    """A cache that keeps its layers apart."""

    layers: Sequence[CacheLayerMixin]


def _select(cache: Cache, rows: torch.Tensor) -> None:
    """Leaves only these rows in a cache; layers of linear attention know `reorder_cache` alone."""
    layers = cache.layers if isinstance(cache, _Layered) else ()
    if not any(hasattr(layer, "conv_states") for layer in layers):
        cache.batch_select_indices(rows)
        return
    for layer in layers:
        (layer.reorder_cache if hasattr(layer, "conv_states") else layer.batch_select_indices)(rows)


def decoder_start(network: Network) -> int:
    """The token that a decoder starts from, which is scored nowhere."""
    model = network.language_model
    assert model is not None
    written = generation_config(model)
    token = None if written is None else written.decoder_start_token_id
    if token is None:
        token = NetworkSettings.of(model.config).decoder_start_token_id
    if token is not None:
        return int(token)
    raise ValueError("the configuration names no decoder_start_token_id")


def _model(network: Network) -> PreTrainedModel:
    return network.language_model
