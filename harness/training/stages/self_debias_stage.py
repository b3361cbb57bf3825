"""Self-debiasing as a stage: it writes settings; the model that they are for is referenced by its key."""

from __future__ import annotations

import time
from pathlib import Path

from harness.core.reporter import Reporter
from harness.model_kinds.self_debias_kind import SelfDebiasSpec
from harness.models.peak_memory import peak_memory
from harness.training.checkpoint_metadata import write_metadata
from harness.training.stage_inputs import StageInputs


def self_debias(
    spec: SelfDebiasSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, object]:
    """Writes the descriptions and the decay.

    Returns:
        The checkpoint's metadata and what was measured.

    Raises:
        CheckpointError: when the parent is missing, or has no token probabilities of its own.
    """
    from harness.models.checkpoint.inspection import check_states
    from harness.models.derived.self_debias_backend import SelfDebias, write_self_debias

    started = time.monotonic()
    check_states(inputs.require_parent(), "self-debiased")
    write_self_debias(work, SelfDebias(tuple(spec.prefixes), spec.decay))
    metadata = write_metadata(
        work,
        kind="self_debiased",
        stage=spec.model_dump(mode="json", by_alias=True),
        inputs=inputs,
        cost={"tokens": 0, "flops": 0.0, "steps": 0, "parameters": 0, "trainable": 0},
        recipe={"prefixes": list(spec.prefixes), "decay": spec.decay},
    )
    seconds = round(time.monotonic() - started, 3)
    return {**metadata, "validation": None, "measured": {"seconds": seconds, "peak_memory": peak_memory()}}
