"""Models that read token by token: causal ones, and decoders with an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.models.local.decoding.growing_cache import Layered, joined, keeps_everything, let_grow, repeated
from harness.models.local.network import Network, accepts
from harness.models.local.stepper import Prompt
from harness.models.network_settings import NetworkSettings, generation_config

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel
    from transformers.utils import ModelOutput


def only_token(logits: torch.Tensor, token: int) -> torch.Tensor:
    """Logits [B, V] under which no other token is written."""
    others = torch.arange(logits.shape[-1], device=logits.device) != token
    return logits.masked_fill(others, -torch.inf)


@dataclass(frozen=True, slots=True)
class _Read:
    """Rows that have been read.

    Attributes:
        cache: of L tokens a row.
        mask: int64[B, L], 0 at padding.
        position: int64[B, 1], where the next token stands.
    """

    cache: Cache
    mask: torch.Tensor
    position: torch.Tensor


class CausalStepper:
    """A causal language model with its cache of keys and values."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._model = _model(network)
        self._positioned = accepts(self._model, "position_ids")
        self._last = {"logits_to_keep": 1} if accepts(self._model, "logits_to_keep") else {}
        self._rows: _Read | None = None
        self._beginning: tuple[list[int], Cache] | None = None

    def share(self, beginning: Sequence[int]) -> None:
        """See `JoiningStepper`."""
        self._beginning = None
        read, _ = self._read([list(beginning)])
        self._beginning = list(beginning), read.cache

    def start(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `Stepper`."""
        self._rows, logits = self._read([prompt.ids for prompt in prompts])
        return logits

    def enter(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `JoiningStepper`.

        Raises:
            ValueError: when the model's cache does not keep every token in a place of its own.
        """
        upper = self._rows
        assert upper is not None
        lower, logits = self._read([prompt.ids for prompt in prompts])
        if not (keeps_everything(upper.cache) and keeps_everything(lower.cache)):
            raise ValueError("the model's cache does not keep all tokens")
        start = int(upper.mask.any(dim=0).to(torch.int8).argmax())  # Padding that no row needs any longer.
        mask = upper.mask[:, start:]
        length = max(mask.shape[1], lower.mask.shape[1])
        masks = [torch.nn.functional.pad(rows, (length - rows.shape[1], 0)) for rows in (mask, lower.mask)]
        self._rows = _Read(
            joined(upper.cache, lower.cache, start),
            torch.cat(masks),
            torch.cat([upper.position, lower.position]),
        )
        return logits

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Stepper`."""
        rows = self._rows
        assert rows is not None
        mask = torch.cat([rows.mask, rows.mask.new_ones(len(tokens), 1)], dim=1)
        cache, logits = self._forward(tokens[:, None], mask, rows.position, rows.cache)
        self._rows = _Read(cache, mask, rows.position + 1)
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """See `Stepper`."""
        read = self._rows
        assert read is not None
        _select(read.cache, rows)
        self._rows = _Read(read.cache, read.mask[rows], read.position[rows])

    def _read(self, rows: Sequence[Sequence[int]]) -> tuple[_Read, torch.Tensor]:
        """Reads rows from their beginning, but for what `share` has read; and the logits behind them."""
        shared, cache = 0, None
        if self._beginning is not None:
            shared, cache = len(self._beginning[0]), repeated(self._beginning[1], len(rows))
        longest = max(map(len, rows))
        ids = np.full((len(rows), longest - shared), self._network.encoder.pad_id or 0, dtype=np.int64)
        mask = np.zeros((len(rows), longest), dtype=np.int64)
        mask[:, :shared] = 1
        for row, tokens in enumerate(rows):
            own = len(tokens) - shared
            ids[row, -own:] = tokens[shared:]
            mask[row, -own:] = 1
        positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
        masked = self._network.tensor(mask)
        own_positions = self._network.tensor(positions[:, shared:])
        cache, logits = self._forward(self._network.tensor(ids), masked, own_positions, cache)
        return _Read(cache, masked, own_positions[:, -1:] + 1), logits

    def _forward(
        self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Cache | None
    ) -> tuple[Cache, torch.Tensor]:
        places = {"position_ids": positions} if self._positioned else {}
        output = self._model(
            input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, **places, **self._last
        )
        if cache is None:
            let_grow(output.past_key_values)
        return output.past_key_values, output.logits[:, -1].float()


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
        if self._cache is None:
            let_grow(output.past_key_values)
        self._cache = output.past_key_values
        logits: torch.Tensor = output.logits[:, -1].float()
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """See `Stepper`."""
        assert self._encoded is not None
        self._encoded.last_hidden_state = self._encoded.last_hidden_state[rows]
        self._mask = None if self._mask is None else self._mask[rows]
        _select(self._cache, rows)


def _select(cache: Cache, rows: torch.Tensor) -> None:
    """Leaves only these rows in a cache; layers of linear attention know `reorder_cache` alone."""
    layers = cache.layers if isinstance(cache, Layered) else ()
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
