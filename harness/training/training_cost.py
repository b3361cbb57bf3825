"""What training costs: operations counted from the configuration, and what was measured."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from harness.model_kinds.flop_shapes import Shape, shape_of, training_flops
from harness.models.peak_memory import peak_memory

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Operations(Protocol):
    """Batches that know what a forward pass through all of them costs."""

    def __len__(self) -> int: ...

    def tokens(self, place: int) -> int: ...

    def operations(self, shape: Shape) -> float:
        """Multiplications and additions of the forward passes over all batches, heads included."""
        ...


def plan_flops(model: PreTrainedModel, plan: Operations, *, trained: float = 1.0) -> float:
    """Operations of a whole training.

    For a family whose configuration is not understood, 2 N a token (Kaplan et al. 2020).
    """
    shape = shape_of(model.config.to_dict())
    if shape is None:
        tokens = sum(plan.tokens(place) for place in range(len(plan)))
        return float(round(training_flops(2.0 * parameter_counts(model)["parameters"] * tokens, trained=trained)))
    return float(round(training_flops(plan.operations(shape), trained=trained)))


def measured(started: float, tokens: float) -> dict[str, float]:
    """What a stage took that began at `started` (`time.monotonic()`) and read so many tokens."""
    seconds = time.monotonic() - started
    return {
        "seconds": round(seconds, 3),
        "tokens_per_second": round(tokens / max(seconds, 1e-9), 1),
        "peak_memory": peak_memory(),
    }


def parameter_counts(model: PreTrainedModel) -> dict[str, int]:
    """`parameters` and `trainable` of a torch module; shared weights count once, those in 4 bits each for itself."""
    from harness.models.local.quantization import true_shape

    return {
        "parameters": sum(true_shape(parameter).numel() for parameter in model.parameters()),
        "trainable": sum(true_shape(parameter).numel() for parameter in model.parameters() if parameter.requires_grad),
    }
