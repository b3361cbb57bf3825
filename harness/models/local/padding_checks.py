"""Which rows may share a batch, and whether a language model reads from the left only.

Most models answer a padded row as they answer it alone. Some do not: convolutions and Fourier transforms reach
into the padding, and block-sparse attention lays its blocks by the length of the row. Positions that are scaled by
length (LongRoPE) switch for a whole batch as soon as its longest row passes the length that the model was first
trained for. Both are found out when a model is loaded, on a few tokens, and rows are put together accordingly.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import nn

from harness.models.network_settings import NetworkSettings

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

_SHORT, _LONG = 9, 14
_FINE, _COARSE = 1e-4, 0.05
"""How far answers may lie apart, as a share of the largest: with weights of 32 bits, and of fewer."""

_padded: weakref.WeakKeyDictionary[nn.Module, bool] = weakref.WeakKeyDictionary()
_ahead: weakref.WeakKeyDictionary[nn.Module, bool] = weakref.WeakKeyDictionary()
_mixed: weakref.WeakKeyDictionary[nn.Module, bool] = weakref.WeakKeyDictionary()

Read = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
"""int64[B, L] ids and their mask → [B, L, …] states or logits."""


def padding_is_harmless(
    module: nn.Module, read: Read, *, vocabulary: int, pad: int, limit: int | None, device: str
) -> bool:
    """Whether a row's states are the same beside a longer row; found out once for each module.

    Args:
        module: what `read` calls.
        read: one forward pass.
        vocabulary: rows of the embedding.
        pad: the token that rows are filled up with.
        limit: tokens that the model takes.
        device: where ids go.

    Raises:
        Whatever `read` raises for a row that is not padded.
    """
    if module not in _padded:
        harmless = _reads_padding_well(read, vocabulary, pad, limit or _LONG, device, rounding(module))
        _padded[module] = harmless and _block_sparse(module) is None
    return _padded[module]


def mixes_neighbors(module: nn.Module, read: Read, *, vocabulary: int, limit: int | None, device: str) -> bool:
    """Whether a row of the same length beside it changes what a model says of a row; found out once for each module.

    Raises:
        Whatever `read` raises.
    """
    if module not in _mixed:
        row = _probe(min(_SHORT, limit or _SHORT), vocabulary, -1, device)
        both = torch.cat([row, (row + 1) % vocabulary])
        _mixed[module] = not alike(read(both, None)[0], read(row, None)[0], rounding(module))
    return _mixed[module]


def reads_ahead(module: nn.Module, read: Read, *, vocabulary: int, limit: int | None, device: str) -> bool:
    """Whether what stands behind a token changes what the model says at it; found out once for each module.

    Raises:
        Whatever `read` raises.
    """
    if module not in _ahead:
        ids = _probe(min(_SHORT, limit or _SHORT), vocabulary, -1, device)
        other = ids.clone()
        other[0, -1] = (other[0, -1] + 1) % vocabulary
        before, after = read(ids, None)[0, :-1], read(other, None)[0, :-1]
        _ahead[module] = not alike(before, after, rounding(module))
    return _ahead[module]


def forget_checks(module: nn.Module) -> None:
    """Lets a module that was changed since be looked at once more."""
    _padded.pop(module, None)
    _ahead.pop(module, None)
    _mixed.pop(module, None)


def rounding(module: nn.Module) -> float:
    """How far equal answers of a module may lie apart, as a share of the largest number in them."""
    quantized = NetworkSettings.of_module(module).quantization_config is not None
    coarse = quantized or any(weight.dtype != torch.float32 for weight in module.parameters())
    return _COARSE if coarse else _FINE


def alike(first: torch.Tensor, second: torch.Tensor, share: float) -> bool:
    """Whether two tensors are equal but for `share` of the largest number in them."""
    if first.shape != second.shape:
        return False
    left, other = first.float(), second.float()
    finite = left[left.isfinite()]
    scale = float(finite.abs().max()) if finite.numel() else 0.0
    return bool(torch.allclose(left, other, rtol=0.0, atol=share * max(scale, 1e-3), equal_nan=True))


def switch_length(config: PreTrainedConfig) -> int | None:
    """The number of tokens above which positions are scaled in another way; None where there is no such length."""
    whole = NetworkSettings.of(config)
    parameters = whole.rope_parameters
    if not isinstance(parameters, Mapping):
        return None
    sets = [parameters, *(settings for settings in parameters.values() if isinstance(settings, Mapping))]
    lengths = [
        settings.get("original_max_position_embeddings") or whole.original_max_position_embeddings
        for settings in sets
        if "longrope" in (settings.get("rope_type"), settings.get("type"))
    ]
    return min((int(length) for length in lengths if length), default=None)


def keep_block_sparse(model: PreTrainedModel) -> None:
    """Keeps sparse attention from switching to full attention for good with the first short row.

    Which of the two a row gets is then decided by its own length, whatever was read before.
    """
    module = _block_sparse(model)
    if module is None:
        return

    def restore(part: nn.Module, _args: object) -> None:
        if isinstance(part, _SwitchesAttention) and part.attention_type != "block_sparse":
            part.set_attention_type("block_sparse")

    module.register_forward_pre_hook(restore)


@runtime_checkable
class _SwitchesAttention(Protocol):
    """A module of BigBird whose layers change from sparse to full attention together."""

    attention_type: str

    def set_attention_type(self, value: str) -> None: ...


def _block_sparse(model: PreTrainedModel) -> nn.Module | None:
    modules: Iterator[nn.Module] = model.modules()
    for module in modules:
        sparse = NetworkSettings.of_module(module).attention_type == "block_sparse"
        if sparse and isinstance(module, _SwitchesAttention):
            return module
    return None


@torch.inference_mode()
def _reads_padding_well(read: Read, vocabulary: int, pad: int, limit: int, device: str, share: float) -> bool:
    long = min(_LONG, limit)
    short = max(1, long - _LONG + _SHORT)
    alone = read(_probe(short, vocabulary, pad, device), None)[0]
    if short == long:
        return False
    ids = torch.full((2, long), pad, device=device)
    ids[0, :short], ids[1] = _probe(short, vocabulary, pad, device)[0], _probe(long, vocabulary, pad, device)[0]
    mask = torch.ones_like(ids)
    mask[0, short:] = 0
    try:
        return alike(read(ids, mask)[0, :short], alone, share)
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError):
        return False


def _probe(count: int, vocabulary: int, pad: int, device: str) -> torch.Tensor:
    """int64[1, count] ids among which padding is not."""
    ids = (torch.arange(count, device=device)[None] * 7 + 3) % vocabulary
    return torch.where(ids == pad, (ids + 1) % vocabulary, ids)
