"""`harness train` without click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.reporter import Reporter
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.checkpoints.checkpoint_builder import Workshop
from harness.pipeline.prepared_suite import prepare
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite


def train_models(suite: Suite, store: Store, reporter: Reporter) -> dict[str, Checkpoint]:
    """Makes or finds the checkpoints of a suite, and nothing else; further seeds are `model seed n`."""
    workshop = Workshop(prepare(suite, store, reporter), store, reporter)
    workshop.require_extras()
    made = {model: workshop.checkpoint(model) for model in workshop.order()}
    for model in suite.contenders:
        for seed in workshop.further_seeds(model):
            made[f"{model} seed {seed}"] = workshop.replicate(model, seed)
    return made
