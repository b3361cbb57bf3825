"""Forward passes of the heads beside the language model, and of the encoder alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.core.records import FloatArray
from harness.models.checkpoint.checkpoint_heads import Head
from harness.models.encoding.row_encoder import NO_TYPES, TYPES, HeadRow, has_types, reads_types
from harness.models.local.batching import Batcher, IntArray
from harness.models.local.network import Network

if TYPE_CHECKING:
    from transformers.utils import ModelOutput


def whole_row_reader(network: Network, head: Head, batcher: Batcher) -> Callable[[Sequence[HeadRow]], list[FloatArray]]:
    """What gives logits float64[K] of a head that reads whole rows (sequence, next sentence)."""

    def forward(ids: Sequence[IntArray]) -> torch.Tensor:
        made: torch.Tensor = _forward(network, head, [HeadRow(row.tolist(), 0) for row in ids]).logits
        return made

    narrow = network.fast_paths.first_place(head, forward, batcher)

    @torch.inference_mode()
    def read(rows: Sequence[HeadRow]) -> list[FloatArray]:
        with nullcontext() if narrow is None else narrow([np.asarray(row.ids) for row in rows]):
            return list(_numpy(_forward(network, head, rows).logits))

    return read


@torch.inference_mode()
def token_logits(network: Network, rows: Sequence[HeadRow]) -> list[FloatArray]:
    """Logits float64[L, K] of the token head for every token of each row, padding left out."""
    logits = _numpy(_forward(network, "token", rows).logits)
    return [values[: len(row.ids)] for values, row in zip(logits, rows, strict=True)]


@torch.inference_mode()
def span_logits(network: Network, rows: Sequence[HeadRow]) -> list[FloatArray]:
    """Logits float64[L, 2] of the span head: of a start and of an end at every token."""
    output = _forward(network, "span", rows)
    logits = _numpy(torch.stack([output.start_logits, output.end_logits], dim=-1))
    return [values[: len(row.ids)] for values, row in zip(logits, rows, strict=True)]


@torch.inference_mode()
def hidden_states(network: Network, rows: Sequence[HeadRow]) -> list[FloatArray]:
    """Last hidden states float64[L, H] of the encoder for every token of each row."""
    ids, mask = _padded(network, rows)
    encoder = network.base.get_encoder() if network.family == "seq2seq" else network.base
    cache = {"use_cache": False} if network.causal else {}
    states = _numpy(encoder(input_ids=ids, attention_mask=mask, **cache).last_hidden_state)
    return [values[: len(row.ids)] for values, row in zip(states, rows, strict=True)]


def warn_of_types(network: Network, batcher: Batcher, head: Head) -> None:
    """Tells of a model with token types whose tokenizer returns none, before pairs are read."""
    if not network.encoder.typed and has_types(network.heads[head]):
        batcher.tell_once(NO_TYPES)


def _forward(network: Network, head: Head, rows: Sequence[HeadRow]) -> ModelOutput:
    module = network.heads[head]
    ids, mask = _padded(network, rows)
    extra = {}
    if any(row.types is not None for row in rows) and reads_types(module):
        types = [np.asarray(row.types or [0] * len(row.ids), dtype=np.int64) for row in rows]
        extra[TYPES] = network.pad(types, masked=False, fill=0)[0]
    return module(input_ids=ids, attention_mask=mask, **extra)


def _padded(network: Network, rows: Sequence[HeadRow]) -> tuple[torch.Tensor, torch.Tensor | None]:
    return network.pad([np.asarray(row.ids, dtype=np.int64) for row in rows], masked=True)


def _numpy(tensor: torch.Tensor) -> FloatArray:
    values: FloatArray = tensor.float().double().cpu().numpy()
    return values
