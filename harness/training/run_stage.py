"""Carrying out any stage: its kind names the trainer, which is loaded here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core import registry
from harness.core.model_kind import ModelSpec
from harness.core.reporter import Reporter
from harness.training.mitigation.mitigated_rows import mitigation_key
from harness.training.stage_inputs import StageInputs

# Raised when the same settings would train other weights than before.
TRAINING_VERSION = 1


def run_stage(
    spec: ModelSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, Any]:
    """Trains what `spec` asks for and writes the checkpoint and training.jsonl into `work`.

    The trainer of its kind is called with the options, `inputs`, `work`, `reporter` and, by name, `save_every`.

    A `work` folder that a killed attempt left is gone on with: the weights end as if it had not
    been killed. What is needed for that lies in `work/.resume`.

    Args:
        save_every: steps between resumable checkpoints; by cost when None.

    Returns:
        The content of checkpoint.json, `validation` (scores and n of the best of several epochs, or
        None), and `measured`: seconds, tokens_per_second, peak_memory, and the threads and gpus in use.
        Only that differs between runs.

    Raises:
        HarnessError: with a place and a next step, for whatever is wrong with data, parent or options.
    """
    work.mkdir(parents=True, exist_ok=True)
    train = registry.imported(spec.kind.trainer(spec.options))
    made: dict[str, Any] = train(spec.options, inputs, work, reporter, save_every=save_every)
    made["measured"].update(_processors())
    return made


def merge_adapter(adapter: Path, base: Path, work: Path, *, key: str, digest: str) -> dict[str, object]:
    """Writes an adapter and its base as one checkpoint; see `merge`."""
    from harness.training.stages import merge_adapter

    return merge_adapter.merge_adapter(adapter, base, work, key=key, digest=digest)


def _processors() -> dict[str, int]:
    import torch

    return {"threads": torch.get_num_threads(), "gpus": torch.cuda.device_count()}


def resolved(spec: ModelSpec, examples: int, type_: str = "labeled_text") -> dict[str, object]:
    """What a stage does where its suite says nothing, and the version of the code that does it.

    Part of a checkpoint's key: a changed default trains anew. Loads nothing. What follows from the
    model to start from is not said; that model has a key of its own.

    Args:
        spec: the model.
        examples: number of training examples.
        type_: their type.
    """
    chosen = {"version": TRAINING_VERSION, **spec.kind.defaults(spec.options, examples, type_)}
    if spec.kind.mitigates(spec.options):
        chosen["mitigation"] = mitigation_key()
    return chosen
