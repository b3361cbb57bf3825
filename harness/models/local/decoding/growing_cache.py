"""A cache of keys and values with room for the tokens to come.

transformers' own cache is copied whole for every token that is written. Here a token is put behind the others in a
buffer, which is made larger by a quarter when it is full.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from transformers import Cache, DynamicCache, EncoderDecoderCache
from transformers.cache_utils import CacheLayerMixin, DynamicLayer

_MORE = 32
"""Tokens of room beyond the quarter."""


@runtime_checkable
class Layered(Protocol):
    """A cache that keeps its layers apart."""

    layers: list[CacheLayerMixin]


class GrowingLayer(DynamicLayer):  # type: ignore[misc]  # transformers is untyped
    """Keys and values, [B, heads, L, width] each, of which `keys` and `values` are the used part of a buffer."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values = keys, values
        self._key_room: torch.Tensor | None = None
        self._value_room: torch.Tensor | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_named: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `DynamicLayer`."""
        self.keys, self._key_room = _appended(self.keys, key_states, self._key_room)
        self.values, self._value_room = _appended(self.values, value_states, self._value_room)
        return self.keys, self.values

    def repeated(self, rows: int) -> GrowingLayer:
        """The one row of this layer so many times, without a copy before the next token."""
        return GrowingLayer(*(part.expand(rows, -1, -1, -1) for part in (self.keys, self.values)))

    def joined(self, other: GrowingLayer, start: int) -> GrowingLayer:
        """These rows from a token on, and the other's below them; the shorter ones stand behind zeros."""
        pairs = ((self.keys, other.keys), (self.values, other.values))
        return GrowingLayer(*(_stacked(upper[..., start:, :], lower) for upper, lower in pairs))


def joined(upper: Cache, lower: Cache, start: int) -> Cache:
    """A cache of both caches' rows; of the first from a token on."""
    layers = [one.joined(other, start) for one, other in zip(_growing(upper), _growing(lower), strict=True)]
    return _cache(layers)


def repeated(cache: Cache, rows: int) -> Cache:
    """A cache of one row, so many times; the first stays as it is."""
    return _cache([layer.repeated(rows) for layer in _growing(cache)])


def let_grow(cache: Cache | None) -> None:
    """Exchanges, in place, the layers that keep every token; others stay as they are."""
    if isinstance(cache, EncoderDecoderCache):
        cache = cache.self_attention_cache
    if not isinstance(cache, Layered):
        return
    for place, layer in enumerate(cache.layers):
        if type(layer) is DynamicLayer and layer.get_seq_length():
            cache.layers[place] = GrowingLayer(layer.keys, layer.values)


def keeps_everything(cache: Cache | None) -> bool:
    """Whether every layer is one of these: each keeps all tokens, in a place of their own."""
    layers = cache.layers if cache is not None and type(cache) is DynamicCache else ()
    return bool(layers) and all(type(layer) is GrowingLayer for layer in layers)


def _cache(layers: Sequence[GrowingLayer]) -> Cache:
    cache = DynamicCache()
    cache.layers = list(layers)
    return cache


def _growing(cache: Cache) -> list[GrowingLayer]:
    layers: list[GrowingLayer] = cache.layers
    return layers


def _stacked(upper: torch.Tensor, lower: torch.Tensor) -> torch.Tensor:
    """float[B, H, L, D] and float[C, H, M, D] as float[B + C, H, max(L, M), D], each at its end."""
    length = max(upper.shape[-2], lower.shape[-2])
    both = upper.new_zeros((len(upper) + len(lower), upper.shape[1], length, upper.shape[-1]))
    both[: len(upper), :, length - upper.shape[-2] :] = upper
    both[len(upper) :, :, length - lower.shape[-2] :] = lower
    return both


def _appended(
    used: torch.Tensor, new: torch.Tensor, room: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The used part with what is new behind it, and the buffer that it is a part of."""
    start = used.shape[-2]
    end = start + new.shape[-2]
    # Another place in memory or number of rows: rows were selected, and the buffer is not that of these rows.
    fits = room is not None and room.data_ptr() == used.data_ptr() and len(room) == len(used) and room.shape[-2] >= end
    if room is None or not fits:
        room = used.new_empty((*used.shape[:-2], end + end // 4 + _MORE, used.shape[-1]))
        room[..., :start, :] = used
    room[..., start:end, :] = new
    return room[..., :end, :], room
