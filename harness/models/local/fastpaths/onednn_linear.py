"""Matrix products of linear layers by oneDNN where torch's own BLAS leaves a processor's width unused.

torch hands float32 products to MKL, which runs 256-bit kernels on AMD processors though they have 512-bit ones;
oneDNN, which torch carries as well, uses these and takes about half the time (benchmarks/products.py). Both work in
float32 throughout, and differ by rounding. On other processors, devices and number types the layers stay as they are.
"""

from __future__ import annotations

import math
import os
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from harness.models.local.fastpaths import packed_weights
from harness.models.local.fastpaths.class_swap import swap_classes
from harness.models.local.fastpaths.product_probe import is_exact

SWITCH = "HARNESS_ONEDNN"
"""Environment variable: `0` leaves torch's own products, `1` takes oneDNN's on any processor that has them."""
_LEAST = 1 << 20
"""Multiplications below which calling oneDNN costs more than it saves."""
_LEAST_PACKED = 3 << 18
"""The same for weights in oneDNN's own layout."""


def enable(module: torch.nn.Module) -> None:
    """Lets the linear layers of a model use oneDNN's products, in place, where they are the faster ones.

    Args:
        module: any torch module, trained or frozen; adapters and heads included.
    """
    if not preferred():
        return
    _be_counted()
    swap_classes(module, _classes())


@lru_cache(maxsize=1)
def preferred() -> bool:
    """Whether this processor is one on which oneDNN's float32 products are the faster ones, and they are right."""
    wish = os.environ.get(SWITCH, "")
    if wish == "0" or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    wide = torch.backends.cpu.get_cpu_capability() == "AVX512" and _made_by_amd()
    return (wish == "1" or wide) and _right()


def product(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """rows @ weightᵀ + bias: float[…, K], float[N, K], float[N] → float[…, N], with gradients."""
    packed = packed_weights.active()
    if packed is not None and rows.numel() > packed_weights.MOST_ROWS * rows.shape[-1]:
        packed = None
    plain = (
        rows.numel() * weight.shape[0] < (_LEAST if packed is None else _LEAST_PACKED)
        or rows.dim() < 2
        or rows.dtype != torch.float32
        or weight.dtype != torch.float32
        or rows.device.type != "cpu"
        or weight.device.type != "cpu"
    )
    if plain:
        return torch.nn.functional.linear(rows, weight, bias)
    if torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in (rows, weight, bias)):
        made: torch.Tensor = _Product.apply(rows, weight, bias)  # type: ignore[no-untyped-call]  # torch leaves it so
        return made
    copy = None if packed is None else packed.of(weight)
    return product_by_onednn(rows, weight if copy is None else copy, bias)


def product_by_onednn(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """The same without gradients, by oneDNN whatever the sizes."""
    made: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return made


class _Product(torch.autograd.Function):
    """The product, and its gradients by the same kernels."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(rows, weight)
        return product_by_onednn(rows, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        gradient = gradients[0].reshape(-1, weight.shape[0]).contiguous()
        of_rows = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_rows = product_by_onednn(gradient, weight.t(), None).reshape(rows.shape)
        if ctx.needs_input_grad[1]:
            of_weight = product_by_onednn(gradient.t(), rows.reshape(-1, weight.shape[1]).t(), None)
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum(dim=0)
        return of_rows, of_weight, of_bias


class Linear(torch.nn.Linear):
    """torch's linear layer by `product`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # torch names it so
        """See torch.nn.Linear."""
        return product(input, self.weight, self.bias)


@lru_cache(maxsize=1)
def _classes() -> dict[type, type]:
    """Layer → the same by `product`."""
    from transformers.pytorch_utils import Conv1D as Transposed

    class Conv1D(Transposed):  # type: ignore[misc]  # transformers is untyped
        """GPT-2's linear layer, whose weight is stored the other way round."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return product(x, self.weight.t(), self.bias)

    return {torch.nn.Linear: Linear, Transposed: Conv1D}


@lru_cache(maxsize=1)
def _be_counted() -> None:
    """Makes torch's counter of operations see these products, as it sees torch's own."""
    from torch.utils.flop_counter import register_flop_formula

    def operations(rows: tuple[int, ...], weight: tuple[int, ...], *_others: object, **_named: object) -> int:
        return 2 * math.prod(rows) * weight[0]

    register_flop_formula(torch.ops.mkldnn._linear_pointwise)(operations)


def _right() -> bool:
    """Whether oneDNN's products are torch's: of weights in order and, as gradients have them, transposed."""
    return is_exact(lambda rows, weight: product_by_onednn(rows, weight, None), 64) and is_exact(
        lambda rows, weight: product_by_onednn(rows, weight.t().contiguous().t(), None), 64
    )


def _made_by_amd() -> bool:
    """Whether the processor says that AMD made it."""
    try:
        described = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")[:4096]
    except OSError:
        described = platform.processor()
    return "AuthenticAMD" in described
