"""A peft adapter on its base: what its folder says, and peft's own loading of it, in place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_files import read_json
from harness.models.checkpoint.checkpoint_heads import ADAPTER_TASKS, HEAD_PREFIXES, Head
from harness.models.checkpoint.formats.safetensors_header import Tensor, read_header
from harness.models.checkpoint.inspection import adapter_weights
from harness.models.checkpoint.lineage import ADAPTER_CONFIG
from harness.models.checkpoint.named_code import offline
from harness.models.local.quantization import true_shape

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_WRAPPERS = ("base_model.model.", "base_model.")
"""What peft's names begin with: with what it puts into modules, and (the second) with virtual tokens."""
ADAPTER_NAME = "adapter_"
"""What the names of adapters begin with; peft leaves the names of others in their tensors' names."""
_CHANGED_BASE = ("pissa", "olora", "corda", "loftq")
"""Initializations that take the adapter's first state out of the base's own weights."""
_TASKS = frozenset({"POLY", "MULTITASK_PROMPT_TUNING"})
"""Types of which each pass must say by number which task a text is of."""
_MIRROR = "mirror"
_LORA = ".lora_"
_BASE_LAYER = ".base_layer."
_SWITCHABLE = frozenset(
    {
        *("peft_type", "task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision"),
        *("inference_mode", "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "fan_in_fan_out"),
        *(
            "modules_to_save",
            "init_lora_weights",
            "use_rslora",
            "use_dora",
            "lora_bias",
            "rank_pattern",
            "alpha_pattern",
        ),
        *("layers_to_transform", "layers_pattern", "megatron_core", "qalora_group_size", "ensure_weight_tying"),
    }
)
"""Settings of LoRA with which it is switched off without a trace; with any other one an adapter gets its own base."""

Change = Literal["update", "copy"]
"""What LoRA does to a module: an update beside it, or a copy of its own in its place."""


@dataclass(frozen=True, slots=True)
class AdapterPlan:
    """What an adapter folder says before any model is there.

    Attributes:
        head: what it was trained around: a head by its kind, or None for a language model.
        labels: number of rows of the head that it brings, None when it brings none.
        names: its tensors as they would be called in the base model.
        shapes: the shape of each.
        changes: for LoRA that can be switched off without a trace, what it does to which module; else None, and the
            adapter needs a base of its own.
        tokens: ids that a text needs for the adapter to act on it.
    """

    head: Head | None
    labels: int | None
    names: frozenset[str]
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    changes: Mapping[str, Change] | None = None
    tokens: tuple[int, ...] = ()


def plan_adapter(folder: Path, labels: int | None) -> AdapterPlan:
    """Reads an adapter's configuration and header.

    Args:
        folder: the adapter.
        labels: number of labels that checkpoint.json names.

    Raises:
        CheckpointError: when its weights are not in safetensors, or it is of a kind that changes its base, asks for
            the number of a task or names code.
    """
    config = read_json(folder / ADAPTER_CONFIG)
    _check_supported(config, folder)
    tensors = read_header(adapter_weights(folder))
    brought = next((rows for tensor in tensors if (rows := _head_rows(tensor)) is not None), None)
    shapes = {_inner(tensor.name): tensor.shape for tensor in tensors}
    head = ADAPTER_TASKS.get(str(config.get("task_type")))
    if head is None and brought is not None:
        head = "sequence"
    changes = _changes(config, shapes)
    return AdapterPlan(head, brought or labels, frozenset(shapes), shapes, changes, _tokens(config))


def _check_supported(config: Mapping[str, object], folder: Path) -> None:
    where = Where(folder / ADAPTER_CONFIG)
    kind = str(config.get("peft_type"))
    if kind in _TASKS:
        raise CheckpointError(
            f"adapters of type {kind} ask with each text for the number of its task, which no evaluation has.",
            where=where,
            hint="give an adapter of one task, such as a LoRA adapter.",
        )
    start = str(config.get("init_lora_weights"))
    if start.lower().startswith(_CHANGED_BASE):
        raise CheckpointError(
            f"the adapter began by {start}, which takes its first state out of its base's weights.",
            where=where,
            hint="save it with `path_initial_model_for_weight_conversion`, as a plain LoRA adapter, or merged.",
        )
    if kind == "XLORA" or config.get("adapters") or config.get("arrow_config"):
        raise CheckpointError(
            "the adapter names further adapters by their paths, which are not followed.",
            where=where,
            hint="give a LoRA adapter.",
        )
    if kind == "SHADOW" and config.get("shadow_model", _MIRROR) != _MIRROR:
        raise CheckpointError(
            f"the adapter names another model as its shadow ({config['shadow_model']!r}), which is not followed.",
            where=where,
            hint=f"give an adapter with `shadow_model: {_MIRROR}`.",
        )
    if config.get("megatron_config"):
        raise CheckpointError(
            "the adapter names code of Megatron, which is not run.",
            where=where,
            hint="give an adapter without `megatron_config`.",
        )


def _changes(config: Mapping[str, object], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Change] | None:
    """What plain LoRA does to which modules; None where more than that happens."""
    more = {
        key for key, value in config.items() if value and key not in _SWITCHABLE and (key, value) != ("bias", "none")
    }
    if str(config.get("peft_type")) != "LORA" or more:
        return None
    named = config.get("modules_to_save")
    saved = named if isinstance(named, list | tuple) else ()
    changes: dict[str, Change] = {}
    for name in shapes:
        module, lora, _ = name.partition(_LORA)
        parts = name.split(".")[:-1]
        copied = next((place for place, part in enumerate(parts) if part in saved), None)
        if lora:
            changes[module] = "update"
        elif copied is not None:
            changes[".".join(parts[: copied + 1])] = "copy"
        else:
            return None
    return changes


def fit_together(plans: list[AdapterPlan], plan: AdapterPlan) -> bool:
    """Whether an adapter can be switched on and off on a base beside others: no module is changed in two ways."""
    if plan.changes is None:
        return False
    return not any(
        kind != other and _meet(module, further)
        for before in plans
        for module, kind in (before.changes or {}).items()
        for further, other in plan.changes.items()
    )


def _meet(first: str, other: str) -> bool:
    """Whether two modules are the same, or one is inside the other; heads are never shared."""
    if first.startswith(HEAD_PREFIXES) or f"{first}.".startswith(HEAD_PREFIXES):
        return False
    return first == other or first.startswith(f"{other}.") or other.startswith(f"{first}.")


def _tokens(config: Mapping[str, object]) -> tuple[int, ...]:
    """The ids without which an adapter leaves a text alone: invocation tokens, and tokens with trained embeddings."""
    indices = config.get("trainable_token_indices") or config.get("token_indices")
    trained = list(indices.values()) if isinstance(indices, Mapping) else [indices]
    lists = [several for several in (*trained, config.get("alora_invocation_tokens")) if isinstance(several, list)]
    tokens = [token for several in lists for token in several]
    return tuple(token for token in tokens if isinstance(token, int))


def apply_adapter(
    plan: AdapterPlan, folder: Path, head: PreTrainedModel | None, lacking: set[str], model: PreTrainedModel, name: str
) -> PeftModel:
    """Puts the adapter into the encoder (and its own head into the model with that head), by peft itself.

    Args:
        plan: of `plan_adapter`.
        folder: the adapter.
        head: the base with the head that the adapter was trained around, if any.
        lacking: weights of that head that the base does not hold.
        model: the base's language model or encoder.
        name: what the adapter is called among those of this base.

    Returns:
        peft's model.

    Raises:
        CheckpointError: when the adapter does not fit its base, or its head is not whole.
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
    embeddings = embedding_modules(target)
    try:
        with offline():
            adapted = PeftModel.from_pretrained(target, str(folder), adapter_name=name, local_files_only=True)
        held = get_peft_model_state_dict(adapted, adapter_name=name, save_embedding_layers=False)
    except Exception as error:  # peft checks little of what stands in a configuration before it uses it
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
        detail = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
        raise _misfit(plan, folder, target, detail) from error
    expected = {_inner(key) for key in held if ADAPTER_NAME not in key}
    saved = {key for key in plan.names if key.startswith(tuple(f"{module}." for module in embeddings))}
    unlike = (expected - plan.names) | (plan.names - expected - saved)
    if unlike:
        raise _misfit(plan, folder, target, f"tensors that do not match: {json.dumps(sorted(unlike)[:3])}")
    return adapted


def embedding_modules(model: PreTrainedModel) -> dict[str, object]:
    """Name → module of a model's word embeddings, input and output; peft may save both whole."""
    wanted = {
        id(module) for module in (model.get_input_embeddings(), model.get_output_embeddings()) if module is not None
    }
    return {name: module for name, module in model.named_modules() if id(module) in wanted}


def saved_rows(plan: AdapterPlan, embeddings: Mapping[str, object]) -> dict[str, int]:
    """Name of an embedding module → rows of it that the folder holds, where it holds the module whole."""
    rows: dict[str, int] = {}
    for name, shape in plan.shapes.items():
        for module in embeddings:
            whole = name.startswith(f"{module}.") and name.endswith("weight") and _LORA not in name
            if whole and (name == f"{module}.weight" or _BASE_LAYER in name):
                rows[module] = shape[0]
    return rows


def _inner(name: str) -> str:
    """A tensor's name inside the base."""
    wrapper = next((text for text in _WRAPPERS if name.startswith(text)), "")
    return name.removeprefix(wrapper)


def _head_rows(tensor: Tensor) -> int | None:
    name = _inner(tensor.name)
    is_head = name.startswith(HEAD_PREFIXES) and name.endswith(".weight") and _LORA not in name
    return tensor.shape[0] if is_head and len(tensor.shape) == 2 else None


def _misfit(plan: AdapterPlan, folder: Path, model: PreTrainedModel, detail: str) -> CheckpointError:
    """Says whether the base is another one, or the folder does not hold what its configuration says."""
    if _other_base(plan, model):
        return CheckpointError(
            f"the adapter does not fit its base: {detail}",
            where=Where(folder),
            hint="give the base that the adapter was trained on.",
        )
    kind = str(read_json(folder / ADAPTER_CONFIG).get("peft_type"))
    if kind not in _known_types():
        detail = f"this version of peft knows no adapters of type {kind}."
    return CheckpointError(
        f"peft cannot load the adapter: {detail}",
        where=Where(folder),
        hint=f"check that {ADAPTER_CONFIG} and the weights belong together, and that peft is not older than the one "
        "that wrote them (`peft_version`).",
    )


def _known_types() -> frozenset[str]:
    from peft import PeftType

    return frozenset(kind.value for kind in PeftType)


def _other_base(plan: AdapterPlan, model: PreTrainedModel) -> bool:
    """Whether tensors belong to modules that a model has not, or has in other sizes."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    modules = dict(model.named_modules())
    for name, shape in plan.shapes.items():
        path, lora, part = name.partition(_LORA)
        parts = path.split(".")
        layers = [place for place, text in enumerate(parts) if text.isdigit()]
        if layers and ".".join(parts[: layers[-1] + 1]) not in modules:
            return True
        layer = modules.get(path)
        inner = layer.get_base_layer() if isinstance(layer, BaseTunerLayer) else layer
        weight = None if inner is None else dict(inner.named_parameters(recurse=False)).get("weight")
        if lora and (weight is None or not _sizes_fit(part, shape, tuple(true_shape(weight)))):
            return True
    return False


def _sizes_fit(part: str, shape: tuple[int, ...], weight: tuple[int, ...]) -> bool:
    """Whether a low-rank matrix has the width or height of the weight that it updates."""
    if not part.endswith("weight") or len(shape) != 2:
        return True
    return shape[1] in weight if part.startswith("A.") else shape[0] in weight if part.startswith("B.") else True
