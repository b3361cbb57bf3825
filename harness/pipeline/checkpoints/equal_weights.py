"""Models of one suite that turn out to have equal weights."""

from __future__ import annotations

from collections.abc import Mapping

from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder


def equal_weights(builder: CheckpointBuilder, checkpoints: Mapping[str, Checkpoint]) -> list[str]:
    """A sentence for every model whose weights are those of an earlier one.

    Comparing a model with itself is a sound test of the test (A/A), and mostly a copied path. Servers are told apart
    by their identity instead, and kinds that are other models on the same weights (few-shot, quantized) are none.
    """
    from harness.models.checkpoint.checkpoint_digest import weights_digest

    first: dict[str, str] = {}
    notes = []
    for name, checkpoint in checkpoints.items():
        weights = None if checkpoint.weightless else weights_digest(checkpoint.path, builder.resolve)
        if weights is None:
            continue
        other = first.setdefault(weights, name)
        if other != name:
            notes.append(
                f"{other} and {name} have equal weights: what differs between them is not what was learned. "
                f"This is fine for an A/A test; otherwise check the paths."
            )
    return notes
