"""How a checkpoint is specialised: by the examples of a task, or by preferences."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.schema.suite.mitigation import Mitigation, TextMitigation
from harness.schema.suite.types import Count, Strict


class LoraSpec(Strict):
    rank: int = Field(8, ge=1)
    alpha: float | None = Field(None, description="Scale; twice the rank when left out.")
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: list[str] | None = Field(None, description="Module names; attention projections when left out.")


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


class FinetuneSpec(Strict):
    """Fine-tuning for a task of the suite, from a checkpoint or from random weights."""

    from_: str = Field(alias="from", description="The model to start from.")
    task: str = Field(description="The task of the suite whose data and labels are learned.")
    method: Literal["full", "frozen", "linear"] | AdapterMethod = "full"
    weights: Literal["pretrained", "random"] = "pretrained"
    labels: Count | None = Field(None, description="Use only this many labelled training rows (chosen by hash).")
    epochs: int | None = Field(None, ge=1)
    learning_rate: float | None = Field(None, gt=0)
    batch_size: int | None = Field(None, ge=1)
    max_length: int | None = Field(None, ge=8)
    head_rate: float | None = Field(None, gt=0, description="Learning rate of pooler and classifier, as a multiple.")
    embedding_rate: float | None = Field(None, ge=0, description="Learning rate of word embeddings, as a multiple.")
    word_dropout: float | None = Field(None, ge=0, lt=1, description="Share of tokens hidden by the mask token.")
    label_smoothing: float | None = Field(None, ge=0, lt=1)
    memory: float | None = Field(
        None, ge=0, description="Weight of a masked-token loss on the same texts: less is forgotten."
    )
    dropout: float | None = Field(
        None, ge=0, lt=1, description="Dropout while training; the model's own when left out."
    )
    mitigate: Mitigation | None = Field(None, description="What is done against bias in the rows.")
    seed: int | None = None
    seeds: int = Field(
        1,
        ge=1,
        le=50,
        description="Train this many checkpoints, with seeds `seed`, `seed` + 1, …; from 3 on gates judge the recipe.",
    )


class AlignSpec(Strict):
    """Direct preference optimisation (Rafailov et al. 2023) of a language model, from preference pairs.

    The reference model is the one that alignment starts from.
    """

    from_: str = Field(alias="from", description="The model to start from; also the reference.")
    task: str = Field(description="The task of the suite whose preference pairs are learned.")
    objective: Literal["dpo"] = "dpo"
    method: Literal["full"] | AdapterMethod = "full"
    beta: float = Field(0.1, gt=0, description="How strongly the model is held to its reference.")
    labels: Count | None = Field(None, description="Use only this many training pairs (chosen by hash).")
    epochs: int | None = Field(None, ge=1)
    learning_rate: float | None = Field(None, gt=0)
    batch_size: int | None = Field(None, ge=1)
    max_length: int | None = Field(None, ge=8)
    mitigate: TextMitigation | None = Field(None, description="What is done against bias in the pairs.")
    seed: int | None = None
