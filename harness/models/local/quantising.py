"""A base in 4 bits for QLoRA (Dettmers et al. 2023)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from harness.core.errors import IncompleteError


def quantisation(keep: list[str] | None = None) -> dict[str, Any]:
    """Arguments of `from_pretrained`: NF4 with double quantisation.

    Sums are computed in float32 on a CPU, where bfloat16 is many times slower without hardware for
    it, and in bfloat16 on a GPU that has it.

    Args:
        keep: modules that keep their full weights; bitsandbytes' own choice when None.

    Raises:
        IncompleteError: when bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise IncompleteError(
            "the method qlora needs bitsandbytes, which is not installed.",
            hint='pip install "harness[qlora]", or use `method: {lora: {…}}`.',
        )
    import torch

    from harness.models.local.quantization import quantised_options

    graphics = torch.cuda.is_available()
    compute = torch.bfloat16 if graphics and torch.cuda.is_bf16_supported() else torch.float32
    return quantised_options("4bit", "cuda" if graphics else "cpu", compute, keep)
