"""An adapter on a base of its own: what cannot be taken off again without a trace, or answers by peft's own forward.

The base is loaded for this adapter alone, so that peft may change it as it does anywhere: resized or saved embeddings,
trained biases, repeated layers, tokens. What peft puts into the modules acts in their own forward pass. What it puts
around them (virtual tokens, cartridges, an activated LoRA) acts in peft's forward pass only; the probe text tells.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from harness.core.errors import CheckpointError, Where
from harness.models.encoding.row_encoder import longest_row
from harness.models.library_logging import quiet
from harness.models.local.adapter_heads import own_head
from harness.models.local.adapter_probe import acts_note, probe_ids, probe_states
from harness.models.local.adapter_switching import adapter_target
from harness.models.local.adapter_tokenizer import adapter_encoder
from harness.models.local.forward_patch import FAULTS
from harness.models.local.load_network import READS_AHEAD, Loaded, label_names
from harness.models.local.load_weights import explained
from harness.models.local.network import Adaptation, Network, NetworkParts
from harness.models.local.padding_checks import alike, forget_checks
from harness.models.local.peft_adapters import (
    ADAPTER_NAME,
    AdapterPlan,
    apply_adapter,
    embedding_modules,
    saved_rows,
)
from harness.models.network_settings import generation_config

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.utils import ModelOutput

_ROUNDING = 1e-5


class PeftForward(nn.Module):
    """A model that is asked through peft; logits of virtual tokens before the text are left out.

    Args:
        adapted: peft's model.
        model: what it stands around.
    """

    def __init__(self, adapted: PreTrainedModel, model: PreTrainedModel) -> None:
        super().__init__()
        self.adapted = adapted
        self.config = model.config
        self.generation_config = generation_config(model)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **more: torch.Tensor
    ) -> ModelOutput:
        """The output for ids [B, L]."""
        output = self.adapted(input_ids=input_ids, attention_mask=attention_mask, **more)
        length = more.get("decoder_input_ids", input_ids).shape[1]
        logits = output.get("logits")
        if logits is not None and logits.dim() == 3 and logits.shape[1] > length:
            output.logits = logits[:, -length:]
        return output


def attach_alone(base: Loaded, folder: Path, adapter: Path, plan: AdapterPlan) -> Loaded:
    """A base with an adapter on, for good.

    Args:
        base: of `load`; it is changed in place.
        folder: the base's checkpoint.
        adapter: a peft folder.
        plan: of the adapter.

    Raises:
        CheckpointError: when the adapter does not fit the base, or peft cannot answer with it.
    """
    from peft import PromptLearningConfig

    network = base.network
    target = adapter_target(network, plan)
    _resize(target, plan, adapter)
    encoder = adapter_encoder(network, adapter, rows=network.embedding_rows)
    ids = probe_ids(network, encoder, plan)
    before = probe_states(network, ids, head=plan.head)
    own: PreTrainedModel | None = None
    lacking: set[str] = set()
    if plan.head is not None:
        with quiet(), explained(folder):
            own, lacking = own_head(network, folder, plan, plan.head)
    name = f"{ADAPTER_NAME}0001"
    with quiet():
        adapted = apply_adapter(plan, adapter, own, lacking, target, name)
    heads = dict(network.heads)
    if plan.head is not None:
        heads[plan.head] = own
    for module in (network.base, network.language_model, *heads.values(), adapted):
        if module is not None:
            module.eval().to(network.device)
            module.requires_grad_(False)
            forget_checks(module)
    whole = target if own is None else own
    outside = _acts_outside(adapted, whole, network.base, ids, network.family, adapter)
    language_model = network.language_model
    if outside:
        around = PeftForward(adapted, whole)
        heads = {} if plan.head is None else {plan.head: around}
        language_model = around if plan.head is None and target is language_model else None
        if not heads and language_model is None:
            raise CheckpointError(
                "the adapter acts in peft's forward pass alone, around a model without a head: it has no answers.",
                where=Where(adapter),
                hint="give an adapter of a language model (task type CAUSAL_LM) or of a classifier.",
            )
    learned = adapted.active_peft_config
    virtual = int(learned.num_virtual_tokens or 0) if isinstance(learned, PromptLearningConfig) else 0
    view = Network(
        NetworkParts(network.base, language_model, heads, network.family),
        encoder,
        max_length=longest_row(network.base, encoder, taken=virtual),
        max_target=network.max_target,
        device=network.device,
        adapted=Adaptation(name, indivisible=outside),
        meter=network.meter,
    )
    notes = list(base.notes)
    if plan.head is None or not outside:
        notes += acts_note(before, probe_states(view, ids, head=plan.head), plan)
    if language_model is not None and view.language_model is None:
        notes.append(READS_AHEAD)
    return Loaded(view, {head: label_names(module.config) for head, module in heads.items()}, notes)


def _resize(model: PreTrainedModel, plan: AdapterPlan, adapter: Path) -> None:
    """Gives a model as many word embeddings as the adapter's folder holds, as peft asks for.

    Raises:
        CheckpointError: when the folder does not hold them all.
    """
    source, output = model.get_input_embeddings(), model.get_output_embeddings()
    embeddings = embedding_modules(model)
    saved = saved_rows(plan, embeddings)
    wanted, rows = max(saved.values(), default=0), int(source.weight.shape[0])
    if not saved or wanted == rows:
        return
    missing = [
        name
        for name, module in embeddings.items()
        if name not in saved and (module is source or output is None or output.weight is not source.weight)
    ]
    if missing:
        raise CheckpointError(
            f"tokens were added for the adapter: its folder holds {wanted} word embeddings where the base has {rows}, "
            f"but not those of {missing[0]}.",
            where=Where(adapter),
            hint="save the adapter with all its resized embeddings (`save_embedding_layers=True`), or give a base that "
            "was resized as in training.",
        )
    with quiet():
        model.resize_token_embeddings(wanted, mean_resizing=False)


@torch.inference_mode()
def _acts_outside(
    adapted: PreTrainedModel,
    model: PreTrainedModel,
    base: PreTrainedModel,
    ids: torch.Tensor,
    family: str,
    adapter: Path,
) -> bool:
    """Whether peft's forward pass gives other answers than that of the modules that it changed.

    Raises:
        CheckpointError: when peft's forward pass fails.
    """
    more = {"decoder_input_ids": ids} if family == "seq2seq" else {}
    try:
        through = _answers(PeftForward(adapted, model)(input_ids=ids, **more))
    except FAULTS as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise CheckpointError(
            f"peft's forward pass with the adapter fails on a probe text: {first}",
            where=Where(adapter),
            hint="give an adapter that answers by itself, such as a LoRA adapter.",
        ) from error
    if not alike(through, _answers(model(input_ids=ids, **more)), _ROUNDING):
        return True
    return family != "seq2seq" and model is not base and not _base_stands_alone(model, base, ids)


def _base_stands_alone(model: PreTrainedModel, base: PreTrainedModel, ids: torch.Tensor) -> bool:
    """Whether the base says by itself what it says inside a model that has read another text since."""
    inside: list[torch.Tensor] = []
    hook = base.register_forward_hook(lambda _module, _args, output: inside.append(output.last_hidden_state))
    try:
        model(input_ids=ids)
        model(input_ids=ids[:, :-1])
        alone = base(input_ids=ids).last_hidden_state
    except FAULTS:
        return False
    finally:
        hook.remove()
    return alike(inside[0].float(), alone.float(), _ROUNDING)


def _answers(output: ModelOutput) -> torch.Tensor:
    """What a model says: logits, those of a start, or last hidden states."""
    for name in ("logits", "start_logits", "last_hidden_state"):
        value = getattr(output, name, None)
        if value is not None:
            states: torch.Tensor = value.float()
            return states
    raise ValueError(f"an output without logits: {type(output).__name__}")
