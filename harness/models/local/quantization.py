"""Weights in 4 or 8 bits by bitsandbytes: what `from_pretrained` is told, and what holds for such a model."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch

from harness.core.distribution import is_installed, missing_package
from harness.core.errors import IncompleteError
from harness.models.device_policy import SPREAD

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel
    from transformers.models.auto.auto_factory import _BaseAutoModelClass

DEVICES = ("cpu", "cuda")
_BITS = {"4bit": "4 bits (NF4, double quantization)", "8bit": "8 bits (LLM.int8())"}


def quantized_options(bits: str, device: str, compute: torch.dtype, keep: list[str] | None = None) -> dict[str, object]:
    """Arguments of `from_pretrained`: NF4 with double quantization (Dettmers et al. 2023), or LLM.int8() (2022).

    Args:
        bits: `4bit` or `8bit`.
        device: where the weights go; they cannot be moved afterward.
        compute: what sums are computed in.
        keep: names of modules that stay as they are; bitsandbytes' own choice when None.

    Raises:
        IncompleteError: when bitsandbytes is not installed, or does not run on the device.
    """
    if not is_installed("bitsandbytes"):
        raise missing_package("bitsandbytes", f"loading weights in {_BITS[bits]}", otherwise="leave `quantize` out")
    if device.partition(":")[0] not in DEVICES:
        raise IncompleteError(
            f"bitsandbytes cannot hold weights in {_BITS[bits]} on the device {device!r}.",
            hint="run with `--device cpu`, or leave `quantize` out.",
        )
    # It tells of every cast and of each kernel that it does without.
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)
    from transformers import BitsAndBytesConfig

    if bits == "4bit":
        config = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=compute,
            llm_int8_skip_modules=keep,
        )
    else:
        config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=keep)
    return {"quantization_config": config, "dtype": compute, "device_map": "auto" if device == SPREAD else {"": device}}


def heads_of(kind: type[_BaseAutoModelClass], config: PreTrainedConfig) -> list[str]:
    """Names of what stands beside the base in a model of an Auto class: heads keep their full weights."""
    with torch.device("meta"):
        model = kind.from_config(config, trust_remote_code=False)
    if model.base_model is model:
        return [name for name, _ in model.named_children() if name == "lm_head"]
    return [name for name, _ in model.named_children() if name != model.base_model_prefix]


def plainly(model: PreTrainedModel) -> None:
    """Keeps quantized weights in the form that they were loaded in.

    On some CPUs bitsandbytes packs them anew for inference, in place, with the first pass that needs no
    gradients; what follows could not be trained or adapted any more.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
        if _is_int8(module):
            module.register_forward_pre_hook(_keep_scales)


def _keep_scales(module: Any, _args: object) -> None:
    """Gives an 8-bit weight its scales again, which peft's DoRA (0.21) loses on a CPU with every pass."""
    weight = module.weight
    if isinstance(weight, _Int8Weight) and weight.CB is not None and weight.SCB is None:
        weight.SCB = module.state.SCB


def mixes_rows(model: PreTrainedModel) -> bool:
    """Whether a row's answer depends on the rows beside it: LLM.int8() looks for outliers over a whole batch."""
    return any(map(_is_int8, model.modules()))


def _is_int8(module: torch.nn.Module) -> bool:
    return type(module).__name__ == "Linear8bitLt"


@runtime_checkable
class _Int8Weight(Protocol):
    """A weight of bitsandbytes in 8 bits: its numbers and their scales, once they are made."""

    CB: torch.Tensor | None
    SCB: torch.Tensor | None


class _Packing(Protocol):
    shape: torch.Size


@runtime_checkable
class _PackedWeight(Protocol):
    """A weight of bitsandbytes in 4 bits, which knows its true shape once it is packed."""

    quant_state: _Packing | None


def true_shape(weight: torch.Tensor) -> torch.Size:
    """The shape of a weight; several 4-bit numbers share a byte."""
    state = weight.quant_state if isinstance(weight, _PackedWeight) else None
    return weight.shape if state is None else state.shape


def quantization(keep: list[str] | None = None) -> dict[str, object]:
    """Arguments of `from_pretrained`: NF4 with double quantization.

    Sums are computed in float32 on a CPU, where bfloat16 is many times slower without hardware for
    it, and in bfloat16 on a GPU that has it.

    Args:
        keep: modules that keep their full weights; bitsandbytes' own choice when None.

    Raises:
        IncompleteError: when bitsandbytes is not installed.
    """
    if not is_installed("bitsandbytes"):
        raise missing_package("bitsandbytes", "the method qlora", otherwise="use `method: {lora: {…}}`")
    import torch

    graphics = torch.cuda.is_available()
    compute = torch.bfloat16 if graphics and torch.cuda.is_bf16_supported() else torch.float32
    return quantized_options("4bit", "cuda" if graphics else "cpu", compute, keep)
