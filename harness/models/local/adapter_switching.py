"""Adapters on a base that is in memory already: one encoder, each adapter switched on when it is asked.

Only the adapter's own tensors, and those of a head that the base has not in memory, are read.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_heads import AUTO_CLASSES, Head
from harness.models.checkpoint.safetensors_header import weight_files
from harness.models.checkpoint.tokenizer_files import CHAT_TEMPLATE
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.library_logging import quiet
from harness.models.local.load_network import STACKS, Loaded, label_names
from harness.models.local.load_weights import explained
from harness.models.local.network import Network
from harness.models.local.peft_adapters import ADAPTER_NAME, AdapterPlan, apply_adapter, plan_adapter


class AdapterSwitch:
    """Which adapter of one base is on."""

    def __init__(self) -> None:
        self._modules: list[Any] = []
        self._count = 0
        self._current: str | None = None

    def next_name(self) -> str:
        """A name that is part of no other one: peft finds an adapter's tensors by it."""
        self._count += 1
        return f"{ADAPTER_NAME}{self._count:04d}"

    def include(self, modules: Iterable[nn.Module], name: str) -> None:
        """Takes over what peft has put into modules, and switches `name` on.

        peft switches on the updates of a second adapter, but not the whole modules (a pooler) that it brings
        where the first one has brought its own.
        """
        from peft.tuners.tuners_utils import BaseTunerLayer
        from peft.utils import ModulesToSaveWrapper

        found = {id(part): part for module in modules for part in module.modules()}
        known = {id(part) for part in self._modules}
        self._modules += [
            part
            for key, part in found.items()
            if key not in known and isinstance(part, (BaseTunerLayer, ModulesToSaveWrapper))
        ]
        self._current = None
        self.turn(name)

    def turn(self, name: str | None) -> None:
        """Switches one adapter on and the others off; with None, all off."""
        if name == self._current:
            return
        for part in self._modules:
            held = name is not None and _holds(part, name)
            part.enable_adapters(held)
            if held:
                part.set_adapter(name)
        self._current = name


def attach(base: Loaded, folder: Path, adapter: Path, labels: int | None) -> Loaded:
    """A view of a loaded base with an adapter on.

    Args:
        base: of `load`; it stays usable, and so do other views of it.
        folder: the base's checkpoint.
        adapter: a peft folder.
        labels: number of the adapter's labels, where known.

    Raises:
        CheckpointError: when the adapter does not fit the base.
    """
    network = base.network
    plan = plan_adapter(adapter, labels)
    switch = network.switch if isinstance(network.switch, AdapterSwitch) else AdapterSwitch()
    name = switch.next_name()
    own: Any | None = None
    lacking: set[str] = set()
    if plan.head is not None:
        with quiet(), explained(folder):
            own, lacking = _own_head(network, folder, plan, plan.head)
    apply_adapter(plan, adapter, own, lacking, network.language_model or network.base, name)
    heads = dict(network.heads)
    if plan.head is not None:
        heads[plan.head] = own
    modules = [module for module in (network.base, network.language_model, *heads.values()) if module is not None]
    switch.include(modules, name)
    for module in modules:
        module.eval().to(network.device)
        module.requires_grad_(False)
    network.switch = switch
    view = Network(
        base=network.base,
        language_model=network.language_model,
        heads=heads,
        encoder=_with_template(network, adapter),
        family=network.family,
        max_length=network.max_length,
        device=network.device,
        switch=switch,
        adapter=name,
        meter=network.meter,
    )
    return Loaded(view, {head: label_names(module.config) for head, module in heads.items()}, list(base.notes))


def _with_template(network: Network, adapter: Path) -> TextEncoder:
    """The base's tokenizer, with the chat template that the adapter was trained with where the base has none."""
    template = adapter / CHAT_TEMPLATE
    if network.chat.available or not template.is_file():
        return network.encoder
    tokenizer = copy.deepcopy(network.encoder.tokenizer)
    tokenizer.chat_template = template.read_text("utf-8")
    return TextEncoder(tokenizer)


def _own_head(network: Network, folder: Path, plan: AdapterPlan, head: Head) -> tuple[Any, set[str]]:
    """A model with the adapter's head around the base in memory, and the weights that the base lacks for it."""
    import transformers

    config = copy.deepcopy(network.base.config)
    if plan.labels is not None and head != "span":
        config.num_labels = plan.labels
    if config.pad_token_id is None and head == "sequence":
        # Rows of a causal classifier are never padded; no token counts as padding.
        config.pad_token_id = -1
    config.dtype = network.base.dtype
    with torch.device("meta"):
        own = getattr(transformers, AUTO_CLASSES[head]).from_config(config, trust_remote_code=False)
    inner = own.base_model
    pooler = getattr(inner, "pooler", None)
    if pooler is not None and getattr(network.base, "pooler", None) is None:
        network.base.pooler = pooler
    if network.base.base_model is network.base and not isinstance(network.base, type(inner)):
        for name in STACKS:
            setattr(inner, name, getattr(network.base, name))
    else:
        setattr(own, own.base_model_prefix, network.base)
    return own, _fill(own, folder, network)


def _fill(own: Any, folder: Path, network: Network) -> set[str]:
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


def _set(model: Any, name: str, value: torch.Tensor, network: Network) -> None:
    parent, _, leaf = name.rpartition(".")
    weight = nn.Parameter(value.to(network.device, network.base.dtype), requires_grad=False)
    setattr(model.get_submodule(parent), leaf, weight)


def _holds(part: Any, name: str) -> bool:
    """Whether a layer of peft has weights of this adapter."""
    if hasattr(part, "modules_to_save"):
        return name in part.modules_to_save
    return any(name in getattr(part, kind) for kind in part.adapter_layer_names)
