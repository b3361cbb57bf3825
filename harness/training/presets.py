"""Architectures by name, so that a suite need not spell out a transformers configuration.

bert-tiny, bert-mini: Turc et al. 2019, "Well-Read Students Learn Better", table 1.
bert-micro: two layers with the width that our pretraining budget pays for (docs/recipe.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.core.errors import SuiteError, unknown

ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "bert-micro": {
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 512,
    },
    "bert-tiny": {
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 512,
    },
    "bert-mini": {
        "hidden_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
    },
}
_SHARED: Mapping[str, Any] = {
    "model_type": "bert",
    "max_position_embeddings": 256,
    "hidden_dropout_prob": 0.1,
    # Dropout inside attention makes a CPU leave its fast attention kernel (a quarter of the speed here).
    "attention_probs_dropout_prob": 0.0,
}
_OWN = ("vocab_size", "pad_token_id")


def architecture(named: str | Mapping[str, Any]) -> dict[str, Any]:
    """The transformers configuration that a suite asks for, without what the tokenizer decides.

    Args:
        named: a preset's name, or a BERT configuration (missing keys are taken from bert-micro).

    Raises:
        SuiteError: for an unknown preset, an unknown or unfit key.
    """
    if isinstance(named, str):
        if named not in ARCHITECTURES:
            raise SuiteError(unknown("architecture", named, ARCHITECTURES), hint="name a preset, or give its sizes.")
        return {**_SHARED, **ARCHITECTURES[named]}
    given = {**_SHARED, **ARCHITECTURES["bert-micro"], **named}
    known = {*_SHARED, *ARCHITECTURES["bert-micro"], "hidden_act", "initializer_range", "layer_norm_eps"}
    for key in named:
        if key in _OWN:
            raise SuiteError(f"architecture: {key!r} follows from the tokenizer.", hint="leave it out.")
        if key not in known:
            raise SuiteError(f"architecture: {unknown('key', key, known)}")
    if given["model_type"] != "bert":
        raise SuiteError(
            f"architecture: expected model_type 'bert' (objective mlm), found {given['model_type']!r}.",
            hint="load other architectures with `load`.",
        )
    sizes = {key: given[key] for key in ARCHITECTURES["bert-micro"]}
    for key, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise SuiteError(f"architecture: expected a whole number above 0 for {key!r}, found {size!r}.")
    if sizes["hidden_size"] % sizes["num_attention_heads"]:
        raise SuiteError(
            f"architecture: hidden_size {sizes['hidden_size']} is no multiple of "
            f"num_attention_heads {sizes['num_attention_heads']}."
        )
    return given
