"""Architectures by name, so that a suite need not spell out a transformers configuration.

Names are family-size. Sizes are those of Turc et al. 2019, "Well-Read Students Learn Better",
table 1 (tiny 2 × 128, mini 4 × 256, small 4 × 512, medium 8 × 512, base 12 × 768), for every family alike.

bert-micro: two layers with the width that our pretraining budget pays for (docs/recipe.md).
gpt-*: GPT-2's shape (learned positions, GELU, tied output). llama-*: rotary positions, RMSNorm, gated
    feed-forward of 8/3 the width, tied output. t5-*: T5 1.1's gated encoder and decoder of so many layers each.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import SuiteError, unknown
from harness.storage import plain_files

_SIZES: Mapping[str, tuple[int, int, int]] = {
    "tiny": (2, 128, 2),
    "mini": (4, 256, 4),
    "small": (4, 512, 8),
    "medium": (8, 512, 8),
    "base": (12, 768, 12),
}
"""Layers, width, heads."""


def _bert(layers: int, hidden: int, heads: int) -> dict[str, Any]:
    return {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * hidden,
    }


def _gpt(layers: int, hidden: int, heads: int) -> dict[str, Any]:
    return {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "n_inner": 4 * hidden}


def _llama(layers: int, hidden: int, heads: int) -> dict[str, Any]:
    gated = -(-8 * hidden // 3 // 32) * 32
    return {**_bert(layers, hidden, heads), "num_key_value_heads": heads, "intermediate_size": gated}


def _t5(layers: int, hidden: int, heads: int) -> dict[str, Any]:
    return {
        "d_model": hidden,
        "num_layers": layers,
        "num_decoder_layers": layers,
        "num_heads": heads,
        "d_kv": hidden // heads,
        "d_ff": -(-8 * hidden // 3 // 32) * 32,
    }


_SHARED: Mapping[str, Mapping[str, Any]] = {
    # Dropout inside attention makes a CPU leave its fast attention kernel (a quarter of the speed here).
    "bert": {"max_position_embeddings": 256, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.0},
    "gpt2": {
        "max_position_embeddings": 512,
        "resid_pdrop": 0.1,
        "embd_pdrop": 0.1,
        "attn_pdrop": 0.0,
        "summary_first_dropout": 0.0,
    },
    "llama": {"max_position_embeddings": 512, "attention_dropout": 0.0, "tie_word_embeddings": True},
    "t5": {"dropout_rate": 0.1, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": True},
}
_FREE: Mapping[str, frozenset[str]] = {
    "bert": frozenset({"hidden_act", "initializer_range", "layer_norm_eps"}),
    "gpt2": frozenset({"activation_function", "initializer_range", "layer_norm_epsilon"}),
    "llama": frozenset(
        {"hidden_act", "initializer_range", "rms_norm_eps", "rope_theta", "rope_parameters", "head_dim"}
    ),
    "t5": frozenset(
        {
            "relative_attention_num_buckets",
            "relative_attention_max_distance",
            "initializer_factor",
            "layer_norm_epsilon",
        }
    ),
}
_FAMILIES: Mapping[str, tuple[str, Any]] = {
    "bert": ("bert", _bert),
    "gpt": ("gpt2", _gpt),
    "llama": ("llama", _llama),
    "t5": ("t5", _t5),
}

ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "bert-micro": {"model_type": "bert", **_bert(2, 128, 4)},
    **{
        f"{family}-{size}": {"model_type": model_type, **shape(*_SIZES[size])}
        for family, (model_type, shape) in _FAMILIES.items()
        for size in _SIZES
    },
}

DEFAULT: Mapping[str, str] = {
    "mlm": "bert-micro",
    "mlm_nsp": "bert-micro",
    "causal": "gpt-tiny",
    "span_corruption": "t5-tiny",
}
"""Objective → the preset that is taken when none is named."""

_OWN = frozenset({"vocab_size", "pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"})
_COUNTS = frozenset(
    {
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "intermediate_size",
        "n_inner",
        "max_position_embeddings",
        "d_model",
        "num_layers",
        "num_decoder_layers",
        "num_heads",
        "d_kv",
        "d_ff",
    }
)


def architecture(named: str | Mapping[str, Any] | None, objective: str = "mlm") -> dict[str, Any]:
    """The transformers configuration that a suite asks for, without what the tokenizer decides.

    Args:
        named: a preset's name, a configuration, or None for the objective's smallest preset. In a
            configuration of a known family, missing keys are taken from that preset; of any
            other `model_type`, it is handed to transformers as it is.
        objective: what it will be trained by.

    Raises:
        SuiteError: for an unknown preset, an unknown or unfit key, or a shape that the objective
            cannot train.
    """
    given = DEFAULT[objective] if named is None else named
    if isinstance(given, str):
        if given not in ARCHITECTURES:
            raise SuiteError(unknown("architecture", given, ARCHITECTURES), hint="name a preset, or specify the sizes.")
        preset = ARCHITECTURES[given]
        check_objective(str(preset["model_type"]), objective)
        return {**_SHARED[preset["model_type"]], **preset}
    model_type = str(given.get("model_type", ARCHITECTURES[DEFAULT[objective]]["model_type"]))
    check_objective(model_type, objective)
    for key in given:
        if key in _OWN:
            raise SuiteError(f"architecture: {key!r} follows from the tokenizer.", hint="remove it.")
    if model_type not in _SHARED:
        return dict(given)
    smallest = next(
        preset
        for preset in (ARCHITECTURES[DEFAULT[objective]], *ARCHITECTURES.values())
        if preset["model_type"] == model_type
    )
    known = {"model_type", *_SHARED[model_type], *smallest, *_FREE[model_type]}
    for key in given:
        if key not in known:
            raise SuiteError(f"architecture: {unknown('key', key, known)}")
    sizes = {**_SHARED[model_type], **smallest, **given}
    if model_type == "llama" and "num_attention_heads" in given and "num_key_value_heads" not in given:
        sizes["num_key_value_heads"] = sizes["num_attention_heads"]
    _check_sizes(sizes)
    return sizes


def configuration_in(folder: Path) -> Mapping[str, Any] | None:
    """The transformers configuration of a folder; None where it holds none that can be read."""
    try:
        content = plain_files.read_json(folder / "config.json")
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def check_objective(model_type: str, objective: str) -> None:
    """Checks that a model of this type can be trained by an objective.

    Raises:
        SuiteError: when it cannot.
    """
    from harness.model_kinds.model_families import MASKED_TYPES

    masked = model_type in MASKED_TYPES
    fits = {
        "mlm": masked,
        "mlm_nsp": model_type == "bert",
        "causal": not masked and model_type != "t5",
        "span_corruption": model_type == "t5",
    }[objective]
    if fits:
        return
    wanted = {
        "mlm": "a model that reads both sides (bert-…)",
        "mlm_nsp": "BERT, which has the pair head (bert-…)",
        "causal": "a model that reads from the left (gpt-…, llama-…)",
        "span_corruption": "a sequence-to-sequence model (t5-…)",
    }[objective]
    other = next(
        (name for name, preset in DEFAULT.items() if ARCHITECTURES[preset]["model_type"] == model_type),
        "mlm" if masked else "causal",
    )
    raise SuiteError(
        f"the objective {objective!r} trains {wanted}; this model is of type {model_type!r}.",
        hint=f"use `objective: {other}` for it, or another architecture.",
    )


def _check_sizes(sizes: Mapping[str, Any]) -> None:
    for key in sorted(_COUNTS & set(sizes)):
        size = sizes[key]
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise SuiteError(f"architecture: expected a whole number above 0 for {key!r}, found {size!r}.")
    for whole, part in (("hidden_size", "num_attention_heads"), ("num_attention_heads", "num_key_value_heads")):
        if whole in sizes and part in sizes and sizes[whole] % sizes[part]:
            raise SuiteError(f"architecture: {whole} {sizes[whole]} is not a multiple of {part} {sizes[part]}.")
