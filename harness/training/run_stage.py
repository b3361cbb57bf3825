"""Carrying out any stage, and estimating its cost without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.core.reporter import Reporter
from harness.model_kinds.align_kind import AlignSpec, alignment_settings
from harness.model_kinds.architecture_presets import architecture
from harness.model_kinds.classical_kind import ClassicalSpec
from harness.model_kinds.few_shot_kind import PromptSpec
from harness.model_kinds.finetune_kind import FinetuneSpec, lora_of, settings_for
from harness.model_kinds.flop_shapes import Shape, shape_of, training_flops
from harness.model_kinds.heuristic_kind import HeuristicSpec
from harness.model_kinds.model_spec import Stage
from harness.model_kinds.pretrain_kind import PretrainSpec, pretraining_settings
from harness.model_kinds.projection_kind import ProjectSpec
from harness.model_kinds.self_debias_kind import SelfDebiasSpec
from harness.training.mitigation.mitigated_rows import mitigation_key
from harness.training.stage_inputs import StageInputs

# Raised when the same settings would train other weights than before.
TRAINING_VERSION = 1
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
        `measured`: seconds, tokens_per_second, peak_memory, and the threads and gpus in use. Only that
        differs between runs.

    Raises:
        HarnessError: with a place and a next step, for whatever is wrong with data, parent or options.
    """
    work.mkdir(parents=True, exist_ok=True)
    made = _carried_out(spec, inputs, work, reporter, save_every)
    made["measured"].update(_processors())
    return made


def merge_adapter(adapter: Path, base: Path, work: Path, *, key: str, digest: str) -> dict[str, Any]:
    """Writes an adapter and its base as one checkpoint; see `merge`."""
    from harness.training.stages import merge_adapter

    return merge_adapter.merge_adapter(adapter, base, work, key=key, digest=digest)


def _processors() -> dict[str, int]:
    import torch

    return {"threads": torch.get_num_threads(), "gpus": torch.cuda.device_count()}


def _carried_out(
    spec: Stage, inputs: StageInputs, work: Path, reporter: Reporter, save_every: int | None
) -> dict[str, Any]:
    if isinstance(spec, HeuristicSpec):
        from harness.training.stages.heuristic_stage import make_baseline

        return make_baseline(spec, inputs, work)
    if isinstance(spec, PromptSpec):
        from harness.training.stages.few_shot_stage import make_prompt

        return make_prompt(spec, inputs, work)
    if isinstance(spec, SelfDebiasSpec):
        from harness.training.stages.self_debias_stage import self_debias

        return self_debias(spec, inputs, work)
    if isinstance(spec, ProjectSpec):
        from harness.training.stages.projection_stage import project

        return project(spec, inputs, work, reporter)
    if isinstance(spec, ClassicalSpec):
        from harness.training.stages.classical_stage import train_classical

        return train_classical(spec, inputs, work, reporter)
    if isinstance(spec, PretrainSpec):
        from harness.training.stages.pretrain_stage import pretrain

        return pretrain(spec, inputs, work, reporter, save_every=save_every)
    if isinstance(spec, AlignSpec):
        from harness.training.stages.align_stage import align

        return align(spec, inputs, work, reporter, save_every=save_every)
    if spec.method == "linear":
        from harness.training.stages.linear_stage import finetune_linear

        return finetune_linear(spec, inputs, work, reporter)
    from harness.training.stages.finetune_stage import finetune

    return finetune(spec, inputs, work, reporter, save_every=save_every)


def resolved(spec: Stage, examples: int, kind: str = "labeled_text") -> dict[str, Any]:
    """What a stage does where its suite says nothing, and the version of the code that does it.

    Part of a checkpoint's key: a changed default trains anew. Loads nothing. What follows from the
    model to start from is not said; that model has a key of its own.

    Args:
        examples: number of training examples.
        kind: their type.
    """
    chosen: dict[str, Any] = {"version": TRAINING_VERSION}
    if isinstance(spec, FinetuneSpec):
        chosen.update(asdict(settings_for(spec, examples, kind)))
    if isinstance(spec, AlignSpec):
        chosen.update(asdict(alignment_settings(spec, examples)))
    if isinstance(spec, PretrainSpec):
        sizes = architecture(spec.architecture, spec.objective) if spec.from_ is None else None
        chosen["sizes"] = sizes
        chosen.update(asdict(pretraining_settings(spec, _width(sizes))))
    if isinstance(spec, ProjectSpec):
        chosen["mitigation"] = mitigation_key()
    if isinstance(spec, PretrainSpec | FinetuneSpec | AlignSpec | ClassicalSpec) and spec.mitigate is not None:
        chosen["mitigation"] = mitigation_key()
    return chosen


def estimate_cost(
    spec: Stage, rows: int, *, configuration: Mapping[str, Any] | None = None, mean_length: float = _GUESSED_LENGTH
) -> dict[str, float]:
    """Tokens and operations that a stage will take, for `plan`; loads nothing.

    A stage with a budget in minutes says `seconds` instead.

    Args:
        rows: labeled training rows (fine-tuning); not used for pretraining.
        configuration: config.json of the checkpoint to start from; bert-micro when None.
        mean_length: tokens of a text.
    """
    if isinstance(spec, PretrainSpec):
        return _pretraining_cost(spec, configuration)
    if isinstance(spec, HeuristicSpec | PromptSpec | ProjectSpec | SelfDebiasSpec):
        return {"tokens": 0.0, "flops": 0.0}
    if spec.max_train_rows is not None:
        rows = min(rows, spec.max_train_rows)
    seen = rows * mean_length
    if isinstance(spec, ClassicalSpec):
        return {"tokens": seen, "flops": 0.0}
    shape = shape_of(dict(configuration) if configuration is not None else architecture("bert-micro"))
    if shape is None:
        return {"tokens": seen, "flops": 0.0}
    forward = shape.stack(shape.layers + shape.decoder_layers, seen, mean_length)
    if spec.method == "linear":
        return {"tokens": seen, "flops": forward}
    if isinstance(spec, AlignSpec):
        # Two answers a pair, and the reference reads both once.
        epochs, seen, forward = alignment_settings(spec, rows).epochs, 2 * seen, 2 * forward
    else:
        epochs = settings_for(spec, rows).epochs
    trained = 0.05 if lora_of(spec.method) is not None else 1.0
    return {"tokens": seen * epochs, "flops": training_flops(forward * epochs, trained=trained)}


def _pretraining_cost(spec: PretrainSpec, configuration: Mapping[str, Any] | None) -> dict[str, float]:
    sizes = dict(configuration or architecture(None, spec.objective))
    if spec.from_ is None:
        sizes = architecture(spec.architecture, spec.objective)
    if spec.budget.minutes is not None:
        return {"tokens": 0.0, "flops": 0.0, "seconds": spec.budget.minutes * 60}
    chosen = pretraining_settings(spec, _width(sizes))
    tokens = float(spec.budget.tokens or (spec.budget.steps or 0) * chosen.batch_size * chosen.sequence_length)
    shape = shape_of(sizes)
    if shape is None:
        return {"tokens": tokens, "flops": 0.0}
    vocabulary = shape.vocabulary or spec.tokenizer.vocabulary
    forward = shape.stack(shape.layers, tokens, chosen.sequence_length)
    if spec.objective == "span_corruption":
        target = tokens * chosen.mlm_probability * (1 + 1 / chosen.span_length)
        length = chosen.sequence_length * target / tokens
        forward += shape.stack(shape.decoder_layers, target, length) + shape.head(target, vocabulary)
        forward += shape.cross(tokens, target, chosen.sequence_length)
    else:
        forward += shape.head(tokens if spec.objective == "causal" else tokens * chosen.mlm_probability, vocabulary)
    return {"tokens": tokens, "flops": training_flops(forward)}


def _width(sizes: Mapping[str, Any] | None) -> int | None:
    shape: Shape | None = shape_of(sizes) if sizes is not None else None
    return shape.hidden if shape is not None else None
