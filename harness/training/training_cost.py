"""What training costs: operations counted from the configuration, and what was measured."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any, Protocol

from harness.model_kinds.flop_shapes import Shape, shape_of
from harness.training.loop.resume import RESUME_FOLDER
from harness.training.loop.training_log import LOG_FILE


class Operations(Protocol):
    """Batches that know what a forward pass through all of them costs."""

    def __len__(self) -> int: ...

    def tokens(self, place: int) -> int: ...

    def operations(self, shape: Shape) -> float:
        """Multiplications and additions of the forward passes over all batches, heads included."""
        ...


def plan_flops(model: Any, plan: Operations, *, trained: float = 1.0) -> float:
    """Operations of a whole training.

    For a family whose configuration is not understood, 2 N a token (Kaplan et al. 2020).
    """
    shape = shape_of(model.config.to_dict())
    if shape is None:
        tokens = sum(plan.tokens(place) for place in range(len(plan)))
        return float(round(training_flops(2.0 * parameter_counts(model)["parameters"] * tokens, trained=trained)))
    return float(round(training_flops(plan.operations(shape), trained=trained)))


def training_flops(forward: float, *, trained: float = 1.0) -> float:
    """Forward and backward: 2 N for activations' gradients and 2 N for those of trained weights.

    Args:
        forward: cost of the forward passes.
        trained: share of the weights that are trained (1 full, nearly 0 LoRA).
    """
    return forward * (2.0 + trained)


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


def folder_bytes(folder: Path) -> int:
    """Bytes of a checkpoint's files; the log and unfinished work (`.resume`) are none of it."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and path.name != LOG_FILE and RESUME_FOLDER not in path.relative_to(folder).parts
    )


def parameter_counts(model: Any) -> dict[str, int]:
    """`parameters` and `trainable` of a torch module; shared weights count once, those in 4 bits each for itself."""
    from harness.models.local.quantization import size_of

    return {
        "parameters": sum(size_of(parameter) for parameter in model.parameters()),
        "trainable": sum(size_of(parameter) for parameter in model.parameters() if parameter.requires_grad),
    }
