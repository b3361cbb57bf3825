"""Weights in oneDNN's own layout, for passes that write one token of a few texts.

With few rows a product waits for the weights; in this layout they are read once, in order, which takes about half the
time (benchmarks/products.py). It is a copy, so it is made where a model writes and goes when that is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import torch

from harness.models.local.fastpaths.product_probe import is_exact
from harness.storage import memory_room

MOST_ROWS = 64
"""Rows above which the common layout is as fast."""
_TYPICAL_ROWS = 8
_KEPT_BYTES = 64 * 2**20
"""Copies of a small model stay for the next texts."""
_active: ContextVar[PackedWeights | None] = ContextVar("packed weights", default=None)


class PackedWeights:
    """The copies, made as they are asked for, of at most a quarter of the memory that is free then."""

    def __init__(self) -> None:
        self._packed: dict[tuple[object, ...], tuple[torch.Tensor, torch.Tensor | None]] = {}
        self._room = 0
        self._taken = 0

    @contextmanager
    def active(self) -> Iterator[None]:
        """Products of this thread use the copies; those of a large model are gone afterwards."""
        self._room = (memory_room.available() or 0) // 4
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)
            if self._taken > _KEPT_BYTES:
                self._packed.clear()
                self._taken = 0

    def of(self, weight: torch.Tensor) -> torch.Tensor | None:
        """The copy of float32[N, K]; None where there is no room for it."""
        version = 0 if weight.is_inference() else weight._version
        key = (weight.data_ptr(), weight.shape, weight.stride(), version)
        if key not in self._packed:
            self._packed[key] = (weight, self._copy(weight))  # with the weight, so that nothing else takes its address
        return self._packed[key][1]

    def _copy(self, weight: torch.Tensor) -> torch.Tensor | None:
        size = weight.numel() * weight.element_size()
        if self._taken + size > self._room or not _right():
            return None
        self._taken += size
        return _packed(weight.detach())


def active() -> PackedWeights | None:
    """The copies that products are to use now."""
    return _active.get()


def _packed(weight: torch.Tensor) -> torch.Tensor:
    packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, _TYPICAL_ROWS)
    return packed


@lru_cache(maxsize=1)
def _right() -> bool:
    """Whether products by a copy are torch's."""

    def by_copy(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, _packed(weight), None, "none", [], "")
        return product

    return is_exact(by_copy, _TYPICAL_ROWS)
