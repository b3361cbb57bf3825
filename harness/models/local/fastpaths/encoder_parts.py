"""Where encoders keep the modules that `one_place` calls: embeddings, layers, and what is inside attention.

Only model types whose layers are known to be alike: every token reads every other one, by plain scaled dot products,
and what stands at a place before the first layer depends on the token and the place alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.models.network_settings import NetworkSettings

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel
    from transformers.modeling_layers import GradientCheckpointingLayer

_BERT_LIKE = frozenset({"bert", "roberta", "camembert", "xlm-roberta", "electra"})
_DISTILBERT = "distilbert"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer, and its attention.

    Attributes:
        whole: the layer; called with hidden states and a mask.
        attention: the module inside whose answer is (mixed values, weights).
        query, key, value: its matrices.
        after: a matrix that stands inside `attention` behind the mixing; None where it stands outside.
        heads: number of heads.
        size: of a head.
        scaling: of the dot products.
    """

    whole: nn.Module
    attention: nn.Module
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    after: nn.Linear | None
    heads: int
    size: int
    scaling: float


@dataclass(frozen=True, slots=True)
class Parts:
    """The modules of an encoder.

    Attributes:
        embeddings: token ids → what the first layer reads.
        layers: from the first to the last.
    """

    embeddings: nn.Module
    layers: tuple[Layer, ...]


def parts_of(base: PreTrainedModel) -> Parts | None:
    """The parts of an encoder; None for a model type that is not known, or a decoder."""
    settings, kind = NetworkSettings.of(base.config), base.config.model_type
    if settings.is_decoder or settings.add_cross_attention:
        return None
    if kind in _BERT_LIKE:
        parts = tuple(_bert_layer(layer) for layer in base.encoder.layer)
    elif kind == _DISTILBERT:
        parts = tuple(_distilbert_layer(layer) for layer in base.transformer.layer)
    else:
        return None
    return Parts(base.embeddings, parts) if parts else None


def _bert_layer(layer: GradientCheckpointingLayer) -> Layer:
    inner = layer.attention.self
    return Layer(
        whole=layer,
        attention=inner,
        query=inner.query,
        key=inner.key,
        value=inner.value,
        after=None,
        heads=int(inner.num_attention_heads),
        size=int(inner.attention_head_size),
        scaling=float(inner.scaling),
    )


def _distilbert_layer(layer: GradientCheckpointingLayer) -> Layer:
    inner = layer.attention
    return Layer(
        whole=layer,
        attention=inner,
        query=inner.q_lin,
        key=inner.k_lin,
        value=inner.v_lin,
        after=inner.out_lin,
        heads=int(inner.n_heads),
        size=int(inner.attention_head_size),
        scaling=float(inner.scaling),
    )
