"""Whether an adapter acts: what a model says to a probe text without it, and with it."""

from __future__ import annotations

import torch

from harness.models.checkpoint.checkpoint_heads import Head
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.local.network import Network
from harness.models.local.padding_checks import alike
from harness.models.local.peft_adapters import AdapterPlan

NO_EFFECT = "the adapter changes no logit of a probe text: it answers as its base does"
_TEXT = "The committee will publish its report on Monday, and 12 people in Paris have asked to read it."
_LONGEST = 24
_ROUNDING = 1e-6
"""Changes below this share of the largest number are rounding, not the adapter's."""


def probe_ids(network: Network, encoder: TextEncoder, plan: AdapterPlan) -> torch.Tensor:
    """int64[1, L]: a short text that holds the tokens on which an adapter acts, if it names any."""
    room = min(network.max_length or _LONGEST, _LONGEST)
    words = encoder.plain([_TEXT])[0]
    tokens = list(plan.tokens)[: max(0, room - 2)]
    half = (room - len(tokens)) // 2
    ids = [*encoder.prefix, *words[:half], *tokens, *words[half:]][:room] or [0]
    return torch.tensor([ids], device=network.device)


@torch.inference_mode()
def probe_states(network: Network, ids: torch.Tensor, *, head: Head | None) -> torch.Tensor:
    """float[L, …] logits of the language model for a probe; last hidden states where there is none, or for a head.

    Args:
        network: what is asked; its adapter is switched on.
        ids: of `probe_ids`.
        head: that the adapter was trained around.
    """
    network.activate()
    whole = network.language_model if head is None else None
    asked = whole or network.base
    sides = {"decoder_input_ids": ids} if network.family == "seq2seq" else {}
    cache = {"use_cache": False} if network.causal else {}
    output = asked(input_ids=ids, **sides, **cache)
    states: torch.Tensor = (output.last_hidden_state if whole is None else output.logits)[0]
    return states[-ids.shape[1] :].float()


def acts_note(before: torch.Tensor, after: torch.Tensor, plan: AdapterPlan) -> list[str]:
    """What is said of an adapter that changes nothing; its own head answers in any case."""
    if (plan.head is not None and plan.labels is not None) or not _same(before, after):
        return []
    return [NO_EFFECT]


def _same(before: torch.Tensor, after: torch.Tensor) -> bool:
    rows = min(before.shape[-1], after.shape[-1])
    return alike(before[..., :rows], after[..., :rows], _ROUNDING)
