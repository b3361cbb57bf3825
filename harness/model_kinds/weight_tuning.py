"""What fine-tuning and alignment share: adapters, the settings of an optimization, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pydantic import Field

from harness.core.distribution import install_hint
from harness.core.model_kind import Extra, StageCost
from harness.model_kinds.architecture_presets import architecture
from harness.model_kinds.flop_shapes import _WIDTH, TEXT_LENGTH, shape_of, training_flops
from harness.schema.suite.types import Strict


class LoraSpec(Strict):
    rank: int = Field(8, ge=1)
    alpha: float | None = Field(None, description="LoRA scaling factor. Defaults to twice the rank.")
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: list[str] | None = Field(None, description="Module names. Defaults to the attention projections.")


class LoraMethod(Strict):
    lora: LoraSpec


class QloraMethod(Strict):
    """LoRA on a base held in 4 bits (extra `qlora`: bitsandbytes)."""

    qlora: LoraSpec


AdapterMethod = LoraMethod | QloraMethod


def lora_of(method: object) -> LoraSpec | None:
    """The adapter's settings of a method; None for methods without an adapter."""
    if isinstance(method, LoraMethod):
        return method.lora
    return method.qlora if isinstance(method, QloraMethod) else None


class TunesWeights(Protocol):
    """What every entry says that trains the weights of another model."""

    @property
    def method(self) -> str | AdapterMethod: ...
    @property
    def learning_rate(self) -> float | None: ...
    @property
    def max_train_rows(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """Every choice of a fine-tuning, with nothing left open.

    Attributes:
        head_lr_multiplier: the pooler's and classifier's learning rate as a multiple.
        embedding_lr_multiplier: the word embeddings' learning rate as a multiple.
        word_dropout: share of tokens that the mask token hides while training.
        mlm_loss_weight: weight of the masked-token loss.
        dropout: while training; None for the model's own.
    """

    epochs: int = 4
    learning_rate: float = 1e-3
    batch_size: int = 64
    max_length: int = 128
    head_lr_multiplier: float = 3.0
    embedding_lr_multiplier: float = 0.5
    word_dropout: float = 0.1
    label_smoothing: float = 0.1
    mlm_loss_weight: float = 0.0
    dropout: float | None = None

    @property
    def chooses_epoch(self) -> bool:
        """Whether validation data decide which epoch's weights are kept; with a single one, they are not asked."""
        return self.epochs > 1


# Models that write: their own head goes on being trained, and no word is hidden from them.
WRITING = FinetuneSettings(
    epochs=3,
    learning_rate=1e-3,
    batch_size=16,
    max_length=256,
    head_lr_multiplier=1.0,
    embedding_lr_multiplier=1.0,
    word_dropout=0.0,
    label_smoothing=0.0,
)
_WIDE_FULL, _WIDE_ADAPTER = 0.04, 0.3
"""Rate times width of models wider than `_WIDTH`: 1e-4 at 384, as such encoders are usually tuned."""


def narrowed(chosen: FinetuneSettings, spec: TunesWeights, width: int | None) -> FinetuneSettings:
    """The settings for a model of this width: what the suite does not say is gentler with wide ones,
    which know more than a few minutes of pretraining and lose it sooner."""
    if width is None or width <= _WIDTH or spec.learning_rate is not None:
        return chosen
    rate = (_WIDE_ADAPTER if lora_of(spec.method) is not None else _WIDE_FULL) / width
    return replace(chosen, learning_rate=min(chosen.learning_rate, rate))


def override(defaults: FinetuneSettings, spec: TunesWeights) -> FinetuneSettings:
    """The defaults with what the suite says in their place."""
    named = {name: getattr(spec, name, None) for name in FinetuneSettings.__slots__}
    return replace(defaults, **{name: value for name, value in named.items() if value is not None})


def method_name(method: object) -> str:
    """A method, for people."""
    if isinstance(method, str):
        return method
    return "QLoRA" if isinstance(method, QloraMethod) else "LoRA"


def qlora_extra(method: object) -> Extra | None:
    """What QLoRA needs beyond what harness installs."""
    if not isinstance(method, QloraMethod):
        return None
    return Extra("bitsandbytes", "the method qlora", install_hint("bitsandbytes", "use `method: {lora: {…}}`"))


def tuning_cost(
    options: TunesWeights,
    rows: int,
    configuration: Mapping[str, Any] | None,
    *,
    epochs: int,
    batch_size: int,
    texts_per_row: int = 1,
) -> StageCost:
    """What training on so many rows takes; bert-micro where no configuration is known."""
    texts = min(rows, options.max_train_rows or rows) * TEXT_LENGTH
    shape = shape_of(configuration if configuration is not None else architecture("bert-micro"))
    if shape is None:
        return StageCost(texts)
    forward = shape.stack(shape.layers + shape.decoder_layers, texts, TEXT_LENGTH)
    if options.method == "linear":
        return StageCost(texts, forward)
    trained = 0.05 if lora_of(options.method) is not None else 1.0
    return StageCost(
        texts * texts_per_row * epochs,
        training_flops(forward * texts_per_row * epochs, trained=trained),
        steps=epochs * texts / TEXT_LENGTH / batch_size,
    )
