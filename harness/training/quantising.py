"""A base in 4 bits for QLoRA (Dettmers et al. 2023), by bitsandbytes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from harness.core.errors import IncompleteError


def quantisation() -> dict[str, Any]:
    """Arguments of `from_pretrained`: NF4 with double quantisation.

    Sums are computed in float32 on a CPU, where bfloat16 is many times slower without hardware for
    it, and in bfloat16 on a GPU that has it.

    Raises:
        IncompleteError: when bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise IncompleteError(
            "the method qlora needs bitsandbytes, which is not installed.",
            hint='pip install "harness[qlora]", or use `method: {lora: {…}}`.',
        )
    import torch
    from transformers import BitsAndBytesConfig

    graphics = torch.cuda.is_available()
    compute = torch.bfloat16 if graphics and torch.cuda.is_bf16_supported() else torch.float32
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )
    return {
        "quantization_config": config,
        "dtype": compute,
        "device_map": {"": "cuda" if graphics else "cpu"},
    }


def plainly(model: Any) -> None:
    """Keeps the 4-bit weights in the form that can be trained, also while a model is scored.

    On some CPUs bitsandbytes packs them anew for inference, in place, with the first pass that needs no
    gradients; what follows could not be trained any more.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
