"""A peft adapter on its base: the encoder is changed in place, so that every head sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_files import read_json
from harness.models.checkpoint.checkpoint_heads import ADAPTER_TASKS, HEAD_PREFIXES, Head
from harness.models.checkpoint.inspection import ADAPTER_CONFIG, adapter_weights
from harness.models.checkpoint.safetensors_header import Tensor, read_header

_WRAPPER = "base_model.model."
ADAPTER_NAME = "adapter_"
"""What the names of adapters begin with; peft leaves the names of others in their tensors' names."""
_CHANGED_BASE = ("pissa", "olora", "corda", "loftq")
"""Initializations that take the adapter's first state out of the base's own weights, which others may stand on."""
_BASE_LAYER = ".base_layer.weight"
_PROMPTS = frozenset({"PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING", "MULTITASK_PROMPT_TUNING", "CPT"})


@dataclass(frozen=True, slots=True)
class AdapterPlan:
    """What an adapter folder says before any model is there.

    Attributes:
        head: what it was trained around: a head by its kind, or None for a language model.
        labels: number of rows of the head that it brings, None when it brings none.
        names: its tensors as they would be called in the base model.
    """

    head: Head | None
    labels: int | None
    names: frozenset[str]


def plan_adapter(folder: Path, labels: int | None) -> AdapterPlan:
    """Reads an adapter's configuration and header.

    Args:
        folder: the adapter.
        labels: number of labels that checkpoint.json names.

    Raises:
        CheckpointError: when its weights are not in safetensors, or it is of a kind that needs
            virtual tokens, changes its base or names code.
    """
    config = read_json(folder / ADAPTER_CONFIG)
    if str(config.get("peft_type")) in _PROMPTS:
        raise CheckpointError(
            f"adapters of type {config['peft_type']} put virtual tokens before the text, which is not supported.",
            where=Where(folder / ADAPTER_CONFIG),
            hint="give a LoRA adapter.",
        )
    start = str(config.get("init_lora_weights"))
    if start.lower().startswith(_CHANGED_BASE):
        raise CheckpointError(
            f"the adapter began by {start}, which changes its base; bases are shared here and stay as they are.",
            where=Where(folder / ADAPTER_CONFIG),
            hint="save it with `path_initial_model_for_weight_conversion`, as a plain LoRA adapter, or merged.",
        )
    if config.get("peft_type") == "XLORA" or config.get("adapters"):
        raise CheckpointError(
            "the adapter names further adapters by their paths, which are not followed.",
            where=Where(folder / ADAPTER_CONFIG),
            hint="give a LoRA adapter.",
        )
    if config.get("megatron_config"):
        raise CheckpointError(
            "the adapter names code of Megatron, which is not run.",
            where=Where(folder / ADAPTER_CONFIG),
            hint="give an adapter without `megatron_config`.",
        )
    tensors = read_header(adapter_weights(folder))
    brought = next((rows for tensor in tensors if (rows := _head_rows(tensor)) is not None), None)
    names = frozenset(tensor.name.removeprefix(_WRAPPER) for tensor in tensors)
    head = ADAPTER_TASKS.get(str(config.get("task_type")))
    if head is None and brought is not None:
        head = "sequence"
    return AdapterPlan(head, brought or labels, names)


def apply_adapter(plan: AdapterPlan, folder: Path, head: Any | None, lacking: set[str], model: Any, name: str) -> Any:
    """Puts the adapter into the shared encoder (and its own head into the model with that head).

    Args:
        plan: of `plan_adapter`.
        folder: the adapter.
        head: the base with the head that the adapter was trained around, if any.
        lacking: weights of that head that the base does not hold.
        model: the base's language model or encoder, used for other adapters.
        name: what the adapter is called among those of this base.

    Returns:
        peft's model.

    Raises:
        CheckpointError: when the adapter was made for another base, or its head is not whole.
    """
    untrained = sorted(lacking - plan.names)
    if plan.head is not None and untrained:
        raise CheckpointError(
            f"neither the adapter nor its base holds {', '.join(untrained)}, which its head needs.",
            where=Where(folder),
            hint="train it with these modules in `modules_to_save` (for BERT: classifier and pooler).",
        )
    from peft import PeftModel, get_peft_model_state_dict

    target = model if head is None else head
    repeated = _repeated(plan, folder, target)
    try:
        adapted = PeftModel.from_pretrained(target, str(folder), adapter_name=name, local_files_only=True)
    except Exception as error:  # peft checks little of what stands in a configuration before it uses it
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
        raise _misfit(folder, " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]) from error
    held = get_peft_model_state_dict(adapted, adapter_name=name, save_embedding_layers=False)
    expected = {key.removeprefix(_WRAPPER) for key in held if ADAPTER_NAME not in key}
    unlike = expected ^ (plan.names - repeated)
    if unlike:
        raise _misfit(folder, f"tensors that do not match: {json.dumps(sorted(unlike)[:3])}")
    return adapted


def _repeated(plan: AdapterPlan, folder: Path, model: Any) -> frozenset[str]:
    """Weights of the base that an adapter on an embedding repeats; peft would write them over the base's.

    Raises:
        CheckpointError: when one of them is another than the base's.
    """
    import torch
    from safetensors import safe_open

    names = frozenset(name for name in plan.names if name.endswith(_BASE_LAYER))
    if not names:
        return names
    held = dict(model.named_parameters(remove_duplicate=False))
    with safe_open(adapter_weights(folder), "pt") as opened:
        for name in names:
            own = held.get(name.replace(_BASE_LAYER, ".weight"), held.get(name))
            stored = opened.get_tensor(_WRAPPER + name)
            if own is None or own.shape != stored.shape or not torch.equal(stored.to(own.device, own.dtype), own.data):
                raise _misfit(folder, f"it holds a {name.replace(_BASE_LAYER, '')} of its own, other than the base's")
    return names


def _head_rows(tensor: Tensor) -> int | None:
    name = tensor.name.removeprefix(_WRAPPER)
    is_head = name.startswith(HEAD_PREFIXES) and name.endswith(".weight") and "lora_" not in name
    return tensor.shape[0] if is_head and len(tensor.shape) == 2 else None


def _misfit(folder: Path, detail: str) -> CheckpointError:
    return CheckpointError(
        f"the adapter does not fit its base: {detail}",
        where=Where(folder),
        hint="give the base that the adapter was trained on.",
    )
