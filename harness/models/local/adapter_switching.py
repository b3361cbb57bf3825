"""Adapters on a base that is in memory already: one encoder, each adapter switched on when it is asked.

Only the adapter's own tensors, and those of a head that the base has not in memory, are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from harness.models.library_logging import quiet
from harness.models.local.adapter_heads import own_head
from harness.models.local.adapter_probe import acts_note, probe_ids, probe_states
from harness.models.local.adapter_tokenizer import adapter_encoder
from harness.models.local.load_network import Loaded, label_names
from harness.models.local.load_weights import explained
from harness.models.local.network import Adaptation, Network, NetworkParts
from harness.models.local.peft_adapters import (
    ADAPTER_NAME,
    AdapterPlan,
    apply_adapter,
    embedding_modules,
    fit_together,
    saved_rows,
)
from harness.models.network_settings import submodule

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class AdapterSwitch:
    """Which adapter of one base is on."""

    def __init__(self) -> None:
        self._modules: list[PreTrainedModel] = []
        self._current: str | None = None
        self.plans: list[AdapterPlan] = []

    def next_name(self, plan: AdapterPlan) -> str:
        """A name that is part of no other one: peft finds an adapter's tensors by it."""
        self.plans.append(plan)
        return f"{ADAPTER_NAME}{len(self.plans):04d}"

    def include(self, modules: Iterable[nn.Module], name: str) -> None:
        """Takes over what peft has put into modules, and switches `name` on.

        peft switches on the updates of a second adapter, but not the whole modules (a pooler) that it brings
        where the first one has brought its own.
        """
        from peft.tuners.tuners_utils import BaseTunerLayer
        from peft.utils import ModulesToSaveWrapper

        parts = {id(part): part for module in modules for part in module.modules()}
        known = {id(part) for part in self._modules}
        self._modules += [
            part
            for key, part in parts.items()
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


def can_share(base: Loaded, plan: AdapterPlan) -> bool:
    """Whether an adapter can be put on a base in memory and taken off again without a trace, beside those on it."""
    network = base.network
    rows = saved_rows(plan, embedding_modules(network.language_model or network.base))
    if any(count != network.embedding_rows for count in rows.values()):
        return False
    switch = network.switch
    return fit_together(switch.plans if isinstance(switch, AdapterSwitch) else [], plan)


def attach(base: Loaded, folder: Path, adapter: Path, plan: AdapterPlan) -> Loaded:
    """A view of a loaded base with an adapter on.

    Args:
        base: of `load`; it stays usable, and so do other views of it.
        folder: the base's checkpoint.
        adapter: a peft folder.
        plan: of the adapter, for which `can_share` holds.

    Raises:
        CheckpointError: when the adapter does not fit the base.
    """
    network = base.network
    network.activate()
    encoder = adapter_encoder(network, adapter, rows=network.embedding_rows)
    ids = probe_ids(network, encoder, plan)
    before = probe_states(network, ids, head=plan.head)
    switch = network.switch if isinstance(network.switch, AdapterSwitch) else AdapterSwitch()
    name = switch.next_name(plan)
    own: PreTrainedModel | None = None
    lacking: set[str] = set()
    if plan.head is not None:
        with quiet(), explained(folder):
            before_head = {id(weight) for weight in network.base.parameters()}
            own, lacking = own_head(network, folder, plan, plan.head)
            network.brought |= {id(weight) for weight in network.base.parameters()} - before_head
    apply_adapter(plan, adapter, own, lacking, adapter_target(network, plan), name)
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
        NetworkParts(network.base, network.language_model, heads, network.family),
        encoder,
        max_length=network.max_length,
        device=network.device,
        adapted=Adaptation(name, switch),
        meter=network.meter,
    )
    if own is None or submodule(own.base_model, "pooler") is None:
        view.brought = network.brought
    notes = [*base.notes, *acts_note(before, probe_states(view, ids, head=plan.head), plan)]
    return Loaded(view, {head: label_names(module.config) for head, module in heads.items()}, notes)


def adapter_target(network: Network, plan: AdapterPlan) -> PreTrainedModel:
    """What an adapter without a head was trained around: the language model, or the bare model below its head."""
    whole = network.language_model or network.base
    first = {name.split(".")[0] for name in plan.names}
    outside = {name for name, _ in whole.named_children()}
    inside = {name for name, _ in network.base.named_children()}
    return network.base if not first <= outside and first <= inside else whole


def _holds(part: PreTrainedModel, name: str) -> bool:
    """Whether a layer of peft has weights of this adapter."""
    if hasattr(part, "modules_to_save"):
        return name in part.modules_to_save
    return any(name in getattr(part, kind) for kind in part.adapter_layer_names)
