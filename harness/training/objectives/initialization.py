"""Where pretraining starts: weights that already know words and neighbors.

From random weights a masked model of this size spends minutes on the plateau of word
frequencies. Four plain settings of the initial weights spare it that; every one stays trainable,
and the result is an ordinary BERT:

1. word embeddings are the corpus' PPMI-SVD vectors (embeddings.py), and the decoder's bias is
   the logarithm of the word frequencies;
2. positions are sinusoids (Vaswani et al. 2017) in coordinates that words leave free;
3. queries and keys read those coordinates, so that heads first look at the left neighbor, the
   right neighbor, the near words and the whole text;
4. values and outputs of a head are a rotation and its transpose, so that attention first
   averages word vectors; the decoder's transform is a small identity, where GELU is almost linear.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.models.network_settings import submodule

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

# Coordinates kept for positions: pairs of a cosine and a sine.
POSITION_SIZE = 16
_WAVELENGTHS = (4.0, 64.0)
# (offset, sharpness) of the heads of the first layer, and of the later ones; cycled.
_FIRST_HEADS = ((-1, 3.0), (1, 3.0), (0, 1.0), (0, 0.0))
_LATER_HEADS = ((-2, 2.0), (2, 2.0), (0, 1.0), (0, 0.0))
_SHARPNESS = 3.0
_EMBEDDING_SCALE = 0.1
_UNSEEN_SCALE = 0.3
_TRANSFORM_SCALE = 0.1
_RANDOM_SHARE = 0.1


def word_size(hidden: int, heads: int) -> int:
    """Coordinates left for words beside those of positions; all of them when heads are too small."""
    return hidden - POSITION_SIZE if hidden // heads >= POSITION_SIZE and hidden > 2 * POSITION_SIZE else hidden


def informed_start(
    model: PreTrainedModel, vectors: npt.NDArray[np.float32], frequencies: npt.NDArray[np.float64], *, seed: int
) -> None:
    """Sets a fresh `BertForMaskedLM`'s weights as the module says, in place.

    Args:
        model: the model; its embedding and decoder are tied.
        vectors: float32[V, word_size(…)] of standard deviation 1; zeros for unseen tokens.
        frequencies: float64[V], how often each token occurs.
        seed: of the rotations and of the vectors of unseen tokens.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    config = model.config
    with torch.no_grad():
        _words(model, vectors, generator)
        fresh_head(model, frequencies)
        for layer in model.bert.encoder.layer:
            rotation = _rotation(config.hidden_size, generator)
            layer.attention.self.value.weight.copy_(rotation)
            layer.attention.output.dense.weight.copy_(rotation.T)
        if vectors.shape[1] < config.hidden_size:
            frequency = _positions(model, vectors.shape[1])
            for number, layer in enumerate(model.bert.encoder.layer):
                heads = _LATER_HEADS if number else _FIRST_HEADS
                _local_heads(layer.attention.self, heads, vectors.shape[1], frequency)


def fresh_head(model: PreTrainedModel, frequencies: npt.NDArray[np.float64]) -> None:
    """Starts the head of a masked language model whose checkpoint had none, in place.

    The decoder's bias is the logarithm of the word frequencies, and the transform a small identity, so
    that the head begins as the product of hidden states and word embeddings. Heads of other
    shapes than BERT's stay as transformers made them.
    """
    import torch

    if submodule(model, "cls.predictions") is None:
        return
    predictions = model.cls.predictions
    with torch.no_grad():
        shares = torch.from_numpy((frequencies + 1) / (frequencies + 1).sum())
        predictions.bias[: len(shares)].copy_(shares.log())
        dense = predictions.transform.dense
        dense.weight.copy_(torch.eye(dense.weight.shape[0]) * _TRANSFORM_SCALE)


def _words(model: PreTrainedModel, vectors: npt.NDArray[np.float32], generator: torch.Generator) -> None:
    import torch

    weight = model.bert.embeddings.word_embeddings.weight
    values = torch.from_numpy(vectors).clone()
    unseen = values.abs().sum(dim=1) == 0
    values[unseen] = torch.randn((int(unseen.sum()), values.shape[1]), generator=generator) * _UNSEEN_SCALE
    weight.zero_()
    weight[:, : values.shape[1]] = values * _EMBEDDING_SCALE
    weight[model.config.pad_token_id] = 0.0


def _rotation(size: int, generator: torch.Generator) -> torch.Tensor:
    import torch

    rotation: torch.Tensor = torch.linalg.qr(torch.randn((size, size), generator=generator))[0]
    return rotation


def _positions(model: PreTrainedModel, first: int) -> torch.Tensor:
    """Writes the sinusoids into coordinates `first` and up; returns their angular frequencies."""
    import torch

    weight = model.bert.embeddings.position_embeddings.weight
    pairs = POSITION_SIZE // 2
    low, high = (math.log10(wavelength) for wavelength in _WAVELENGTHS)
    frequency = 2 * math.pi / torch.logspace(low, high, pairs)
    angles = torch.arange(weight.shape[0])[:, None] * frequency
    weight.zero_()
    weight[:, first : first + pairs] = torch.cos(angles) * _EMBEDDING_SCALE
    weight[:, first + pairs :] = torch.sin(angles) * _EMBEDDING_SCALE
    return frequency


def _local_heads(attention: Any, heads: tuple[tuple[int, float], ...], first: int, frequency: torch.Tensor) -> None:
    """Sets queries and keys so that a head's score is Σ cos ω (i + offset − j), highest at j = i + offset."""
    import torch

    pairs = POSITION_SIZE // 2
    rows = torch.arange(pairs)
    size = attention.attention_head_size
    for number in range(attention.num_attention_heads):
        offset, sharpness = heads[number % len(heads)]
        scale = math.sqrt(sharpness * _SHARPNESS)
        query = attention.query.weight[number * size : (number + 1) * size]
        key = attention.key.weight[number * size : (number + 1) * size]
        query[:POSITION_SIZE] *= _RANDOM_SHARE
        key[:POSITION_SIZE] *= _RANDOM_SHARE
        turn = frequency * offset
        key[rows, first + rows] = scale
        key[pairs + rows, first + pairs + rows] = scale
        query[rows, first + rows] = scale * torch.cos(turn)
        query[rows, first + pairs + rows] = -scale * torch.sin(turn)
        query[pairs + rows, first + rows] = scale * torch.sin(turn)
        query[pairs + rows, first + pairs + rows] = scale * torch.cos(turn)
