"""A model aligned by preferences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Literal

from pydantic import Field

from harness.core.model_kind import Extra, ModelKind, StageCost
from harness.model_kinds.flop_shapes import _WIDTH
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
from harness.schema.suite.mitigation import TextMitigation, mitigation_words
from harness.schema.suite.types import Count, Strict


class AlignSpec(Strict):
    """Direct preference optimization (Rafailov et al. 2023) of a language model, from preference pairs.

    The reference model is the one that alignment starts from.
    """

    from_: str = Field(alias="from", description="Model to start from; it is also the reference model.")
    task: str = Field(description="Task of the suite whose preference pairs are the training data.")
    objective: Literal["dpo"] = "dpo"
    method: Literal["full"] | AdapterMethod = "full"
    beta: float = Field(
        0.1, gt=0, description="Strength of the penalty for moving away from the reference model (DPO beta)."
    )
    max_train_rows: Count | None = Field(None, description="Train on at most this many pairs (chosen by hash).")
    epochs: int | None = Field(None, ge=1)
    learning_rate: float | None = Field(None, gt=0)
    batch_size: int | None = Field(None, ge=1)
    max_length: int | None = Field(None, ge=8)
    mitigate: TextMitigation | None = Field(None, description="Bias mitigation applied to the training pairs.")
    seed: int | None = None


_ALIGNMENT = replace(WRITING, epochs=2, learning_rate=1e-4, batch_size=8)


def alignment_settings(spec: AlignSpec, examples: int, width: int | None = None) -> FinetuneSettings:
    """The same for an alignment."""
    adapter = lora_of(spec.method) is not None
    defaults = replace(_ALIGNMENT, learning_rate=_ALIGNMENT.learning_rate * (5 if adapter else 1))
    chosen = override(defaults, spec)
    if width is None or width <= _WIDTH or spec.learning_rate is not None:
        return chosen
    # A tenth of what the same model is fine-tuned with (Rafailov et al. 2023: 1e-6 against 1e-5).
    return replace(chosen, learning_rate=narrowed(replace(chosen, learning_rate=1.0), spec, width).learning_rate / 10)


class AlignKind(ModelKind[AlignSpec]):
    """`align`: preference pairs."""

    name = "align"
    Options = AlignSpec
    goal = "prefer better answers"
    summary = "A language model aligned on preference pairs (DPO)."
    train = "harness.training.stages.align_stage:align"
    goes_on_from_weights = True
    audited = False

    def label(self, options: AlignSpec) -> str:
        """Start, method and number of pairs."""
        pairs = f" on {options.max_train_rows} pairs" if options.max_train_rows is not None else ""
        method = "" if options.method == "full" else f" ({method_name(options.method)})"
        care = mitigation_words(options.mitigate)
        return f"{options.from_} aligned by direct preference optimization{method}{pairs}{care}"

    def extra(self, options: AlignSpec) -> Extra | None:
        """QLoRA needs bitsandbytes."""
        return qlora_extra(options.method)

    def defaults(self, options: AlignSpec, examples: int, type_: str) -> Mapping[str, Any]:
        """Every choice of the alignment."""
        return asdict(alignment_settings(options, examples))

    def estimate(self, options: AlignSpec, rows: int, configuration: Mapping[str, Any] | None) -> StageCost:
        """Two answers per pair, and the reference reads both once."""
        chosen = alignment_settings(options, min(rows, options.max_train_rows or rows))
        size = chosen.batch_size
        return tuning_cost(options, rows, configuration, epochs=chosen.epochs, batch_size=size, texts_per_row=2)
