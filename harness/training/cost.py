"""What training costs: operations counted from the configuration, and what was measured."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.training.log import LOG_FILE
from harness.training.resume import RESUME_FOLDER


def encoder_parameters(config: Mapping[str, Any]) -> int:
    """Weights of the encoder's matrices that every token passes: layers · (4 h² + 2 h f)."""
    hidden = int(config["hidden_size"])
    return int(config["num_hidden_layers"]) * (4 * hidden * hidden + 2 * hidden * int(config["intermediate_size"]))


def forward_flops(config: Mapping[str, Any], tokens: float, length: float) -> float:
    """Multiplications and additions of one forward pass of a BERT-like encoder.

    2 N a token for the matrices, and 4 · length · hidden a layer for attention's two products
    (Kaplan et al. 2020, table 1, with both directions seen).
    """
    attention = 4 * length * int(config["hidden_size"]) * int(config["num_hidden_layers"])
    return tokens * (2 * encoder_parameters(config) + attention)


def head_flops(config: Mapping[str, Any], vocabulary: int, tokens: float) -> float:
    """Forward cost of the language-model head at `tokens` positions: transform and decoder."""
    hidden = int(config["hidden_size"])
    return tokens * 2 * (hidden * hidden + hidden * vocabulary)


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
    """`parameters` and `trainable` of a torch module; shared weights count once."""
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "trainable": sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
    }
