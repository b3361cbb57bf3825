"""What is read of transformers' networks beyond what every one has: settings and modules that some lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import nn
    from transformers import GenerationConfig, PreTrainedConfig

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Settings of a configuration that only some architectures have, by transformers' names.

    Attributes:
        pad_token_id, decoder_start_token_id: tokens; None where none is named.
        type_vocab_size: kinds of token types; None for a network without a setting for them.
        is_decoder, add_cross_attention: of encoders that were made decoders.
        tie_word_embeddings: whether the head shares the weights of the word embeddings.
        sliding_window, use_sliding_window, layer_types: how far layers look back, and of which types they are.
        attention_type: `block_sparse` for sparse attention (BigBird).
        max_decoder_position_embeddings: positions of a decoder that are counted apart from its encoder's.
        original_max_position_embeddings, rope_parameters: of rotary positions.
        quantization_config: how the weights are held in fewer bits; None for whole ones.
        sentence_transformers, sbert_ce_default_activation_function: what sentence-transformers keeps there, now and
            in older versions.
    """

    pad_token_id: int | None = None
    decoder_start_token_id: int | None = None
    type_vocab_size: int | None = None
    is_decoder: bool = False
    add_cross_attention: bool = False
    tie_word_embeddings: bool = False
    sliding_window: int | None = None
    use_sliding_window: bool = True
    layer_types: Sequence[str] | None = None
    attention_type: str | None = None
    max_decoder_position_embeddings: int | None = None
    original_max_position_embeddings: int | None = None
    rope_parameters: object = None
    quantization_config: object = None
    sentence_transformers: object = None
    sbert_ce_default_activation_function: object = None

    @classmethod
    def of(cls, config: PreTrainedConfig) -> NetworkSettings:
        """Those of a configuration; the defaults stand for what it has not."""
        read: dict[str, Any] = {setting.name: getattr(config, setting.name, _ABSENT) for setting in fields(cls)}
        return cls(**{name: value for name, value in read.items() if value is not _ABSENT})

    @classmethod
    def of_module(cls, module: nn.Module) -> NetworkSettings:
        """Those of a module's configuration; the defaults for a module without one."""
        return cls.of(module.config) if isinstance(module, _Configured) else cls()


def generation_config(model: nn.Module | None) -> GenerationConfig | None:
    """How a model's checkpoint says that it writes; None for a model that does not write."""
    return model.generation_config if isinstance(model, _Generating) else None


@runtime_checkable
class _Configured(Protocol):
    config: PreTrainedConfig


@runtime_checkable
class _Generating(Protocol):
    generation_config: GenerationConfig | None


def submodule(module: nn.Module, path: str) -> nn.Module | None:
    """The module at a path below another (`pooler`, `cls.predictions`); None where there is none."""
    try:
        return module.get_submodule(path)
    except AttributeError:
        return None
