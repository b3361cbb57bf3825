"""The files of a linear head on frozen features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import CheckpointError, Where
from harness.core.records import FloatArray
from harness.models.checkpoint.checkpoint_files import (
    HEAD_FORMAT,
    _check_format,
    _check_shapes,
    _labels,
    _rows,
    read_json,
    read_tensors,
    write_json,
    write_tensors,
)
from harness.models.checkpoint.metadata_schema import LinearPage, checked

LINEAR_WEIGHTS = "linear.safetensors"

LINEAR_SETTINGS = "linear.json"

POOLING = "mean"

LAYER = -1


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """Softmax regression on standardized features: softmax(coef · (x − mean) / scale + intercept).

    Attributes:
        coef: float64[K, H].
        intercept: float64[K].
        mean: float64[H], of the training features.
        scale: float64[H], their standard deviation; no zeros.
        labels: K labels, in the order of the rows.
    """

    coef: FloatArray
    intercept: FloatArray
    mean: FloatArray
    scale: FloatArray
    labels: tuple[str, ...]


def write_linear(folder: Path, head: LinearHead) -> None:
    """Writes `linear.safetensors` and `linear.json` into `folder`.

    Raises:
        ValueError: when shapes and labels do not fit each other.
    """
    coef, intercept = _rows(head.coef, head.intercept, len(head.labels))
    hidden = coef.shape[1]
    if head.mean.shape != (hidden,) or head.scale.shape != (hidden,):
        raise ValueError(f"mean and scale need shape ({hidden},), found {head.mean.shape} and {head.scale.shape}")
    write_tensors(
        folder / LINEAR_WEIGHTS, {"coef": coef, "intercept": intercept, "mean": head.mean, "scale": head.scale}
    )
    settings = {"format": HEAD_FORMAT, "pooling": POOLING, "layer": LAYER, "labels": list(head.labels)}
    write_json(folder / LINEAR_SETTINGS, settings)


def read_linear(folder: Path) -> LinearHead:
    """Reads what `write_linear` wrote.

    Raises:
        CheckpointError: when a file is missing, damaged or of another format.
    """
    settings = read_json(folder / LINEAR_SETTINGS)
    _check_format(folder / LINEAR_SETTINGS, settings)
    if settings.get("pooling") != POOLING or settings.get("layer") != LAYER:
        raise CheckpointError(
            f"expected pooling {POOLING!r} of layer {LAYER}, found pooling {settings.get('pooling')!r} "
            f"of layer {settings.get('layer')!r}.",
            where=Where(folder / LINEAR_SETTINGS),
            hint="train the linear head again with this version.",
        )
    labels = _labels(folder / LINEAR_SETTINGS, settings)
    checked(LinearPage, folder / LINEAR_SETTINGS, settings)
    tensors = read_tensors(folder / LINEAR_WEIGHTS, ("coef", "intercept", "mean", "scale"))
    hidden = tensors["coef"].shape[-1]
    shapes = {"coef": (len(labels), hidden), "intercept": (len(labels),), "mean": (hidden,), "scale": (hidden,)}
    _check_shapes(folder / LINEAR_WEIGHTS, tensors, shapes)
    return LinearHead(**tensors, labels=labels)
