"""Fine-tuning: what a suite may say, and what holds when it says nothing (values: docs/recipe.md, docs/training.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Literal

from pydantic import Field

from harness.core.model_kind import CheckpointFormat, Extra, ModelKind, StageCost
from harness.model_kinds.weight_tuning import (
    WRITING,
    AdapterMethod,
    FinetuneSettings,
    lora_of,
    method_name,
    narrowed,
    override,
    qlora_extra,
    tuning_cost,
)
from harness.schema.suite.mitigation import Mitigation, mitigation_words
from harness.schema.suite.types import Count, Strict


class FinetuneSpec(Strict):
    """Fine-tuning for a task of the suite, from a checkpoint or from random weights."""

    from_: str = Field(alias="from", description="Model to start from.")
    task: str = Field(description="Task of the suite that supplies the training data and labels.")
    method: Literal["full", "frozen", "linear"] | AdapterMethod = "full"
    weights: Literal["pretrained", "random"] = "pretrained"
    max_train_rows: Count | None = Field(None, description="Train on at most this many labeled rows (chosen by hash).")
    epochs: int | None = Field(None, ge=1)
    learning_rate: float | None = Field(None, gt=0)
    batch_size: int | None = Field(None, ge=1)
    max_length: int | None = Field(None, ge=8)
    head_lr_multiplier: float | None = Field(
        None, gt=0, description="Learning rate multiplier for the pooler and classifier."
    )
    embedding_lr_multiplier: float | None = Field(
        None, ge=0, description="Learning rate multiplier for the word embeddings."
    )
    word_dropout: float | None = Field(None, ge=0, lt=1, description="Fraction of tokens replaced by the mask token.")
    label_smoothing: float | None = Field(None, ge=0, lt=1)
    mlm_loss_weight: float | None = Field(
        None, ge=0, description="Weight of an additional masked-token loss on the same texts, which reduces forgetting."
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="Dropout during training. Defaults to the model's own.")
    mitigate: Mitigation | None = Field(None, description="Bias mitigation applied to the training rows.")
    seed: int | None = None
    seeds: int = Field(
        1,
        ge=1,
        le=50,
        description="Train checkpoints with seeds `seed`, `seed` + 1, …. With 3 or more, gates judge the recipe.",
    )


# With fewer labels than this a pass is short: smaller batches and more passes pay, and word
# embeddings that move forget what pretraining knew of words that the labels do not show.
_FEW_LABELS = 3000


_MANY = FinetuneSettings()
_FEW = replace(
    _MANY,
    epochs=8,
    learning_rate=5e-4,
    batch_size=16,
    embedding_lr_multiplier=0.0,
    word_dropout=0.0,
    label_smoothing=0.0,
)
_ADAPTER_RATE = 2e-3
_RANDOM_FEW_RATE = 3e-4
# Tags and spans: a head on every token; nothing is hidden from it.
_TOKENS = replace(
    _MANY,
    epochs=5,
    learning_rate=1e-3,
    batch_size=16,
    embedding_lr_multiplier=1.0,
    word_dropout=0.0,
    label_smoothing=0.0,
)
_BY_KIND = {
    "tagged_words": _TOKENS,
    "answer_span": replace(_TOKENS, max_length=256),
    "prompt_target": WRITING,
    "preference_pair": WRITING,
    "plain_text": WRITING,
}


def settings_for(spec: FinetuneSpec, examples: int, kind: str = "labeled_text") -> FinetuneSettings:
    """The spec's values, and for those left out the defaults of its method, examples and their type."""
    defaults = _FEW if examples < _FEW_LABELS else _MANY
    if kind in _BY_KIND:
        defaults = _BY_KIND[kind]
        if lora_of(spec.method) is not None:
            defaults = replace(defaults, learning_rate=2 * defaults.learning_rate)
    elif spec.weights == "random":
        # Chosen on validation like everything else: a control that is tuned badly flatters its rival.
        rate = _RANDOM_FEW_RATE if defaults is _FEW else _MANY.learning_rate
        defaults = replace(defaults, learning_rate=rate, head_lr_multiplier=1.0, embedding_lr_multiplier=1.0)
    elif lora_of(spec.method) is not None:
        defaults = replace(defaults, learning_rate=_ADAPTER_RATE)
    return override(defaults, spec)


_LABELS: Mapping[str, str] = {
    "full": "full fine-tuning",
    "frozen": "a new head on the frozen weights",
    "linear": "linear classifier on frozen features",
    "LoRA": "LoRA fine-tuning",
    "QLoRA": "QLoRA fine-tuning (base in 4 bits)",
}


def narrowed_settings(chosen: FinetuneSettings, spec: FinetuneSpec, width: int | None) -> FinetuneSettings:
    """`narrowed`, which concerns pretrained weights only: random ones have nothing to lose."""
    return chosen if spec.weights == "random" else narrowed(chosen, spec, width)


class FinetuneKind(ModelKind[FinetuneSpec]):
    """`finetune`: the examples of a task."""

    name = "finetune"
    Options = FinetuneSpec
    goal = "learn the task"
    summary = "A model fine-tuned for a task: all weights, LoRA, QLoRA, a new head, or frozen features."
    train = "harness.training.stages.finetune_stage:finetune"
    goes_on_from_weights = True
    formats = (
        CheckpointFormat(
            "linear",
            opener="harness.models.derived.linear_backend:open_linear",
            loads_with="transformers.AutoModel.from_pretrained({base}), then the head in linear.safetensors",
            files=("linear.safetensors", "linear.json"),
            weights=("linear.safetensors",),
            reader="harness.models.checkpoint.formats.linear_head_file:read_linear",
            stands_on_parent=True,
        ),
    )

    def label(self, options: FinetuneSpec) -> str:
        """Method, start and number of labels."""
        rows = f" on {options.max_train_rows} rows" if options.max_train_rows is not None else ""
        start = f" of {options.from_}" if options.weights == "pretrained" else " from random weights (no pretraining)"
        care = mitigation_words(options.mitigate, options.dropout)
        return f"{_LABELS[method_name(options.method)]}{start}{rows}{care}"

    def refuses_child(self, options: FinetuneSpec, child: ModelKind[Any]) -> str | None:
        """A head on frozen features has no weights to go on from."""
        return "a linear classifier on frozen features" if options.method == "linear" else None

    def extra(self, options: FinetuneSpec) -> Extra | None:
        """QLoRA needs bitsandbytes."""
        return qlora_extra(options.method)

    def trainer(self, options: FinetuneSpec) -> str:
        """Frozen features have a trainer of their own."""
        if options.method == "linear":
            return "harness.training.stages.linear_stage:finetune_linear"
        return super().trainer(options)

    def defaults(self, options: FinetuneSpec, examples: int, type_: str) -> Mapping[str, Any]:
        """Every choice of the fine-tuning."""
        return asdict(settings_for(options, examples, type_))

    def estimate(self, options: FinetuneSpec, rows: int, configuration: Mapping[str, Any] | None) -> StageCost:
        """By rows and epochs."""
        chosen = settings_for(options, min(rows, options.max_train_rows or rows))
        return tuning_cost(options, rows, configuration, epochs=chosen.epochs, batch_size=chosen.batch_size)
