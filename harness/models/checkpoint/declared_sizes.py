"""What a configuration declares, held against the weights beside it before anything is built of that size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.formats.safetensors_header import tensors_of, weight_files
from harness.models.checkpoint.missing_weights import INDEX, SINGLE

_LAYERS = (
    "num_hidden_layers",
    "n_layer",
    "n_layers",
    "num_layers",
    "encoder_layers",
    "decoder_layers",
    "num_decoder_layers",
)
_UNSUSPECTED = 1000
"""Layers and labels that are never counted: layers may share weights, and a head may be missing."""


def check_sizes(folder: Path, path: Path, config: Mapping[str, object]) -> None:
    """Refuses more layers or labels than the weights have tensors or rows.

    transformers would build a list of a billion names, or modules without end, before it looks at the weights.

    Raises:
        CheckpointError: with both numbers, and as `tensors_of` does.
    """
    labels = {"num_labels": config.get("num_labels")}
    labels |= {key: len(names) for key in ("id2label", "label2id") if isinstance(names := config.get(key), Mapping)}
    layers = {key: config.get(key) for key in _LAYERS}
    large = {key: size for key, size in (labels | layers).items() if isinstance(size, int) and size > _UNSUSPECTED}
    if not large or not ((folder / SINGLE).is_file() or (folder / INDEX).is_file()):
        return
    tensors = tensors_of(weight_files(folder))
    rows = max((tensor.shape[0] for tensor in tensors if tensor.shape), default=0)
    for key, size in large.items():
        most, of = (rows, "rows of its largest tensor") if key in labels else (len(tensors), "tensors")
        if size > most:
            raise CheckpointError(
                f"`{key}` implies {size}, but the weights have {most} {of}.",
                where=Where(path),
                hint="correct the configuration, or copy the checkpoint again.",
            )
