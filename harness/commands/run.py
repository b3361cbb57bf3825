"""`harness train` without click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.reporter import Reporter
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.prepared_suite import prepare
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite


def train_models(suite: Suite, store: Store, reporter: Reporter) -> dict[str, Checkpoint]:
    """Makes or finds the checkpoints of a suite, and nothing else; further seeds are `model seed n`."""
    builder = CheckpointBuilder(prepare(suite, store, reporter), store, reporter)
    builder.require_extras()
    made = {model: builder.checkpoint(model) for model in builder.order()}
    for model in suite.contenders:
        for seed in builder.further_seeds(model):
            made[f"{model} seed {seed}"] = builder.replicate(model, seed)
    return made
