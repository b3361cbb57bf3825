"""The head that an adapter was trained around, built on a base that is in memory."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_heads import AUTO_CLASSES, Head
from harness.models.checkpoint.formats.safetensors_header import weight_files
from harness.models.local.load_network import STACKS
from harness.models.local.load_weights import auto_class
from harness.models.local.network import Network
from harness.models.local.peft_adapters import AdapterPlan
from harness.models.network_settings import submodule

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def own_head(network: Network, folder: Path, plan: AdapterPlan, head: Head) -> tuple[PreTrainedModel, set[str]]:
    """A model with the adapter's head around the base in memory, and the weights that the base lacks for it."""
    config = copy.deepcopy(network.base.config)
    if plan.labels is not None and head != "span":
        config.num_labels = plan.labels
    if config.pad_token_id is None and head == "sequence":
        # Rows of a causal classifier are never padded; no token counts as padding.
        config.pad_token_id = -1
    config.dtype = network.base.dtype
    with torch.device("meta"):
        own = auto_class(AUTO_CLASSES[head]).from_config(config, trust_remote_code=False)
        _add_biases(own, plan)
    inner = own.base_model
    pooler = submodule(inner, "pooler")
    if pooler is not None and submodule(network.base, "pooler") is None:
        network.base.pooler = pooler
    if network.base.base_model is network.base and not isinstance(network.base, type(inner)):
        for name in STACKS:
            setattr(inner, name, getattr(network.base, name))
    else:
        setattr(own, own.base_model_prefix, network.base)
    return own, _fill(own, folder, network)


def _add_biases(own: PreTrainedModel, plan: AdapterPlan) -> None:
    """Gives a head the bias that the adapter's folder holds for it and the architecture's own head lacks."""
    for place, module in own.named_modules():
        in_base = place.startswith(f"{own.base_model_prefix}.")
        if isinstance(module, nn.Linear) and module.bias is None and not in_base and f"{place}.bias" in plan.shapes:
            module.bias = nn.Parameter(torch.empty(module.out_features, device="meta"))


def _fill(own: PreTrainedModel, folder: Path, network: Network) -> set[str]:
    """Reads a model's weights that are not in memory; zeros, and its name in the result, for each that is not there."""
    from safetensors import safe_open

    wanted = {name for name, weight in own.named_parameters() if weight.is_meta}
    unmade = [name for name, buffer in own.named_buffers() if buffer.is_meta]
    if unmade:
        raise CheckpointError(f"the head needs {unmade[0]}, which no file holds.", where=Where(folder))
    prefix = f"{own.base_model_prefix}."
    lacking = set(wanted)
    shapes = dict(own.named_parameters())
    for file in weight_files(folder):
        with safe_open(file, "pt") as opened:
            held = set(opened.keys())
            for name in wanted:
                stored = name if name in held else name.removeprefix(prefix)
                if stored not in held or tuple(opened.get_slice(stored).get_shape()) != tuple(shapes[name].shape):
                    continue
                _set(own, name, opened.get_tensor(stored), network)
                lacking.discard(name)
    for name in lacking:
        _set(own, name, torch.zeros(tuple(shapes[name].shape)), network)
    return lacking


def _set(model: PreTrainedModel, name: str, value: torch.Tensor, network: Network) -> None:
    parent, _, leaf = name.rpartition(".")
    weight = nn.Parameter(value.to(network.device, network.base.dtype), requires_grad=False)
    setattr(model.get_submodule(parent), leaf, weight)
