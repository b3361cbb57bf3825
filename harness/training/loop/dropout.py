"""Dropout of a model, set in every place that its architecture has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.errors import SuiteError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_RATES = ("dropout", "attn_dropout", "attention_dropout", "activation_dropout")
"""Where modules keep a rate as a number and give it to the attention themselves."""


def set_dropout(model: PreTrainedModel, rate: float) -> None:
    """Sets dropout throughout: embeddings, hidden states, attention, and a new head's.

    The configuration goes on naming the architecture's own rate, for those who train it further.

    Raises:
        SuiteError: for a rate above zero where the architecture has no dropout at all.
    """
    import torch

    places = 0
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = rate
            places += 1
        for name in _RATES:
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, rate)
                places += 1
    if rate and not places:
        raise SuiteError(
            f"a {model.config.model_type} model has no dropout to set to {rate}.", hint="remove `dropout`."
        )
