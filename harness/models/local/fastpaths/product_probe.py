"""Whether a product by torch's own operators, which are not promised to stay, is the plain one, on one example."""

from __future__ import annotations

from collections.abc import Callable

import torch

_TOLERANCE = 1e-4

Product = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""float32[M, K], float32[N, K] → float32[M, N]."""


def is_exact(product: Product, rows: int) -> bool:
    """Whether a product is `rows @ weight.t()` within rounding; False also where this build of torch lacks its parts.

    Args:
        rows: M of the example.
    """
    generator = torch.Generator().manual_seed(0)
    inputs, weight = (torch.rand(shape, generator=generator) - 0.5 for shape in ((rows, 96), (80, 96)))
    try:
        found = product(inputs, weight)
    except (AttributeError, RuntimeError, TypeError, NotImplementedError):
        return False
    return bool(torch.allclose(found, inputs @ weight.t(), rtol=_TOLERANCE, atol=_TOLERANCE))
