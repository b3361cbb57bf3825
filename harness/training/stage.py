"""Carrying out any stage, and estimating its cost without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.core.reporter import Reporter
from harness.core.specs import ClassicalSpec, FinetuneSpec, LoraMethod, PretrainSpec
from harness.training import cost
from harness.training.inputs import StageInputs
from harness.training.presets import architecture
from harness.training.settings import settings_for

# Raised when the same settings would train other weights than before.
TRAINING_VERSION = 1
Stage = PretrainSpec | FinetuneSpec | ClassicalSpec
# Tokens of a short text where nobody has counted yet.
_GUESSED_LENGTH = 26


def run_stage(
    spec: Stage, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, Any]:
    """Trains what `spec` asks for and writes the checkpoint and training.jsonl into `work`.

    A `work` folder that a killed attempt left is gone on with: the weights end as if it had not
    been killed. What is needed for that lies in `work/.resume`.

    Args:
        save_every: steps between resumable checkpoints; by cost when None.

    Returns:
        The content of checkpoint.json, `validation` (accuracy and n, or None) for classifiers, and
        `measured`: seconds, tokens_per_second, peak_memory. Only `measured` differs between runs.

    Raises:
        HarnessError: with a place and a next step, for whatever is wrong with data, parent or options.
    """
    work.mkdir(parents=True, exist_ok=True)
    if isinstance(spec, ClassicalSpec):
        from harness.training.classical import train_classical

        return train_classical(spec, inputs, work, reporter)
    if isinstance(spec, PretrainSpec):
        from harness.training.pretrain import pretrain

        return pretrain(spec, inputs, work, reporter, save_every=save_every)
    if isinstance(spec.method, LoraMethod):
        from harness.training.lora import finetune_lora

        return finetune_lora(spec, inputs, work, reporter, save_every=save_every)
    if spec.method == "linear":
        from harness.training.linear import finetune_linear

        return finetune_linear(spec, inputs, work, reporter)
    from harness.training.finetune import finetune

    return finetune(spec, inputs, work, reporter, save_every=save_every)


def resolved(spec: Stage, examples: int) -> dict[str, Any]:
    """What a stage does where its suite says nothing, and the version of the code that does it.

    Part of a checkpoint's key: a changed default trains anew. Loads nothing.
    """
    chosen: dict[str, Any] = {"version": TRAINING_VERSION}
    if isinstance(spec, FinetuneSpec):
        chosen.update(asdict(settings_for(spec, examples)))
    if isinstance(spec, PretrainSpec):
        chosen["sizes"] = architecture(spec.architecture)
    return chosen


def estimate_cost(
    spec: Stage, rows: int, *, configuration: Mapping[str, Any] | None = None, mean_length: float = _GUESSED_LENGTH
) -> dict[str, float]:
    """Tokens and operations that a stage will take, for `plan`; loads nothing.

    Args:
        rows: labelled training rows (fine-tuning); not used for pretraining.
        configuration: config.json of the checkpoint to start from; bert-micro when None.
        mean_length: tokens of a text.
    """
    if isinstance(spec, PretrainSpec):
        sizes = architecture(spec.architecture)
        tokens = spec.budget.tokens or (spec.budget.steps or 0) * spec.batch_size * spec.sequence_length
        forward = cost.forward_flops(sizes, tokens, spec.sequence_length)
        forward += cost.head_flops(sizes, spec.tokenizer.vocabulary, tokens * spec.mask_rate)
        return {"tokens": float(tokens), "flops": cost.training_flops(forward)}
    if spec.labels is not None:
        rows = min(rows, spec.labels)
    if isinstance(spec, ClassicalSpec):
        return {"tokens": rows * mean_length, "flops": 0.0}
    sizes = dict(configuration) if configuration is not None else architecture("bert-micro")
    if spec.method == "linear":
        return {"tokens": rows * mean_length, "flops": cost.forward_flops(sizes, rows * mean_length, mean_length)}
    seen = rows * mean_length * settings_for(spec, rows).epochs
    trained = 0.05 if isinstance(spec.method, LoraMethod) else 1.0
    return {
        "tokens": seen,
        "flops": cost.training_flops(cost.forward_flops(sizes, seen, mean_length), trained=trained),
    }
