"""What costs operations in a transformers configuration, whatever its family calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Feed-forward layers of three matrices (a gate beside the way in) by model type.
_GATED = frozenset(
    {"cohere", "gemma", "gemma2", "gemma3", "gemma3_text", "granite", "llama", "mistral", "olmo", "olmo2", "phi3"}
    | {"qwen2", "qwen3", "smollm3", "stablelm"}
)
# Language-model heads with a square matrix before the decoder.
_TRANSFORM = frozenset({"bert", "distilbert", "roberta", "camembert", "xlm-roberta", "electra", "modernbert"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes that decide the cost of a forward pass.

    Attributes:
        hidden: width of the residual stream.
        layers: of the encoder, or of the only stack.
        decoder_layers: of the decoder of a sequence-to-sequence model, else 0.
        inner: width of the feed-forward layers.
        attention: heads times their size.
        keys: key-value heads times their size.
        gated: whether the feed-forward layer has three matrices.
        transform: whether the language-model head has a square matrix before the decoder.
        vocabulary: rows of the output matrix, 0 where not known.
    """

    hidden: int
    layers: int
    decoder_layers: int
    inner: int
    attention: int
    keys: int
    gated: bool
    transform: bool
    vocabulary: int

    def layer_parameters(self) -> int:
        """Weights of the matrices that every token passes in one layer (without cross-attention)."""
        projections = 2 * self.hidden * self.attention + 2 * self.hidden * self.keys
        return projections + (3 if self.gated else 2) * self.hidden * self.inner

    def stack(self, layers: int, tokens: float, length: float) -> float:
        """Operations of a forward pass through `layers`: matrices, and attention's two products.

        2 a weight and token, and 4 · length · attention width a token (Kaplan et al. 2020,
        table 1, with every position seen, as kernels without a causal shortcut compute it).
        """
        return layers * tokens * (2 * self.layer_parameters() + 4 * length * self.attention)

    def cross(self, source: float, target: float, source_length: float) -> float:
        """Operations of the decoder's attention to the source, all layers."""
        queries = target * (4 * self.hidden * self.attention + 4 * source_length * self.attention)
        return self.decoder_layers * (queries + source * 4 * self.hidden * self.keys)

    def head(self, tokens: float, vocabulary: int | None = None) -> float:
        """Operations of the language-model head at `tokens` positions."""
        square = self.hidden * self.hidden if self.transform else 0
        return tokens * 2 * (square + self.hidden * (self.vocabulary if vocabulary is None else vocabulary))


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """The shape that a configuration describes; None when its names are of no family that is known."""

    def first(*names: str) -> int | None:
        return next((int(config[name]) for name in names if config.get(name)), None)

    hidden = first("hidden_size", "n_embd", "dim", "d_model")
    layers = first("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers")
    heads = first("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads")
    if hidden is None or layers is None or heads is None:
        return None
    kind = str(config.get("model_type", "bert"))
    inner = first("intermediate_size", "n_inner", "hidden_dim", "d_ff", "encoder_ffn_dim") or 4 * hidden
    size = first("head_dim", "d_kv") or hidden // heads
    both = bool(config.get("is_encoder_decoder")) or kind in {"t5", "mt5"}
    return Shape(
        hidden=hidden,
        layers=layers,
        decoder_layers=(first("num_decoder_layers", "decoder_layers") or layers) if both else 0,
        inner=inner,
        attention=heads * size,
        keys=(first("num_key_value_heads") or heads) * size,
        gated=kind in _GATED or str(config.get("feed_forward_proj", "")).startswith("gated"),
        transform=kind in _TRANSFORM,
        vocabulary=first("vocab_size") or 0,
    )


def training_flops(forward: float, *, trained: float = 1.0) -> float:
    """Forward and backward: 2 N for activations' gradients and 2 N for those of trained weights.

    Args:
        forward: cost of the forward passes.
        trained: share of the weights that are trained (1 full, nearly 0 LoRA).
    """
    return forward * (2.0 + trained)


TEXT_LENGTH = 26
"""Tokens of a short text where nobody has counted yet."""
_WIDTH = 256
"""Up to this width the rates above hold; beyond it they fall with the width (Yang et al. 2022)."""
