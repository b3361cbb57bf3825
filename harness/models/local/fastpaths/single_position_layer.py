"""The last layer of an encoder at one place of every row.

Its output matrices, feed-forward layer and norms are the model's own, called on that place alone. Its keys and values
are not made: with q the query of a head and K, V its matrices, q·(K x + b) = (Kᵀ q)·x + q·b, where q·b is the same for
every x and so drops out of the softmax, and Σ a (V x + b) = V (Σ a x) + b, as the weights a sum to 1. Where a matrix is
no plain one (an adapter's), or numbers have 16 bits, keys and values are made as the model does.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from harness.models.local.fastpaths.encoder_parts import Layer
from harness.models.local.fastpaths.onednn_linear import Linear
from harness.models.local.flop_meter import Meter
from harness.models.local.forward_patch import replaced


def at_places(layer: Layer, places: torch.Tensor, meter: Meter) -> Callable[..., torch.Tensor]:
    """What stands in for the layer's forward: it gives states [B, 1, H].

    Args:
        layer: the last one.
        places: int64[B], of the rows.
        meter: told of attention's products; the matrices tell it themselves.
    """
    own = layer.whole.forward

    def forward(
        hidden: torch.Tensor, attention_mask: torch.Tensor | None = None, *_: object, **__: object
    ) -> torch.Tensor:
        number = torch.arange(len(hidden), device=hidden.device)
        asked = hidden[number, places][:, None]
        seen = None if attention_mask is None else _mask_at(attention_mask, number, places)
        mixed = _mixed(layer, asked, hidden, seen, meter)
        if layer.after is not None:
            mixed = layer.after(mixed)
        with replaced(layer.attention, lambda *_args, **_named: (mixed, None)):
            states: torch.Tensor = own(asked, None)
        return states

    return forward


def _mixed(
    layer: Layer, asked: torch.Tensor, hidden: torch.Tensor, seen: torch.Tensor | None, meter: Meter
) -> torch.Tensor:
    """Attention's values [B, 1, heads · size] for asked states [B, 1, H], hidden ones [B, L, H], mask [B, 1, L]."""
    count, length, width = hidden.shape
    heads, size = layer.heads, layer.size
    query = layer.query(asked).view(count, heads, size)
    if hidden.dtype == torch.float32 and _is_plain(layer.key) and _is_plain(layer.value):
        keyed = torch.bmm(query.transpose(0, 1), layer.key.weight.view(heads, size, width)).transpose(0, 1)
        weights = _softmax(torch.bmm(keyed, hidden.transpose(1, 2)) * layer.scaling, seen)
        read = torch.bmm(weights, hidden).transpose(0, 1)
        mixed = torch.bmm(read, layer.value.weight.view(heads, size, width).transpose(1, 2)).transpose(0, 1)
        if layer.value.bias is not None:
            mixed = mixed + layer.value.bias.view(heads, size)
        meter.add(4.0 * count * heads * width * (size + length))
        return mixed.reshape(count, 1, heads * size)
    keys = layer.key(hidden).view(count, length, heads, size).permute(0, 2, 3, 1)
    values = layer.value(hidden).view(count, length, heads, size).transpose(1, 2)
    scores = torch.matmul(query[:, :, None], keys)[:, :, 0] * layer.scaling
    mixed = torch.matmul(_softmax(scores, seen)[:, :, None], values)
    meter.add(4.0 * count * length * heads * size)
    return mixed.reshape(count, 1, heads * size)


def _is_plain(matrix: torch.nn.Module) -> bool:
    """Whether a module is a linear layer and no more: neither quantized nor adapted nor wrapped."""
    return type(matrix) in (torch.nn.Linear, Linear) and "forward" not in matrix.__dict__


def _mask_at(mask: torch.Tensor, number: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """[B, 1, L] of a mask [B or 1, 1, L or 1, L]: what the rows' places see."""
    spread = mask.expand(len(number), -1, -1, -1)
    return spread[:, :, 0] if spread.shape[2] == 1 else spread[number, :, places]


def _softmax(scores: torch.Tensor, seen: torch.Tensor | None) -> torch.Tensor:
    """Weights [B, heads, L] of scores under a mask [B, 1, L]: false, or a large negative number, hides."""
    if seen is not None:
        scores = scores.masked_fill(~seen, -torch.inf) if seen.dtype == torch.bool else scores + seen
    return torch.softmax(scores.float(), dim=-1).to(scores.dtype)
