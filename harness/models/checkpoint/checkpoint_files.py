"""The files of checkpoints that are no transformers model: written by training, read by models.

    linear.safetensors      coef [K, H], intercept [K], mean [H], scale [H]
    linear.json             {"format", "pooling", "layer", "labels"}
    classical.safetensors   idf [V], coef [K, V], intercept [K]
    vocabulary.json         ngram → column
    classical.json          {"format", "lowercase", "ngrams", "token_pattern", "sublinear", "labels"}

K labels in their order, H hidden size, V n-grams. A two-label model that is given with one row
of weights (as scikit-learn keeps it) is written with two: zeros for the first label.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from harness.core.errors import CheckpointError, Where
from harness.core.records import FloatArray
from harness.models.checkpoint.missing_weights import is_lfs_pointer, lfs_pointer
from harness.storage import atomic, plain_files

CHECKPOINT_FILE = "checkpoint.json"
CHECKPOINT_FORMAT = 1
SERVER_FILE = "server.json"
BASELINE_TABLE = "baseline.json"
PROMPT_TABLE = "prompt.json"
SELF_DEBIAS_TABLE = "self_debias.json"
PROJECTION_WEIGHTS = "projection.safetensors"
PROJECTION_SETTINGS = "projection.json"
HEAD_FORMAT = 1


def read_json(path: Path) -> dict[str, object]:
    """A JSON object from a checkpoint's file.

    Raises:
        CheckpointError: when the file is missing or holds anything else.
    """
    try:
        value = plain_files.read_json(path)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"the checkpoint has no {path.name}.", where=Where(path), hint="check that the folder was copied whole."
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) and is_lfs_pointer(plain_files.read_bytes(path)):
            raise lfs_pointer(path) from error
        raise CheckpointError(
            f"expected a JSON object, but the file cannot be read: {error}.",
            where=Where(path),
            hint="copy or train the checkpoint again.",
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"expected a JSON object, found {type(value).__name__}.", where=Where(path))
    return value


def _rows(coef: FloatArray, intercept: FloatArray, labels: int) -> tuple[FloatArray, FloatArray]:
    if coef.ndim == 2 and coef.shape[0] == 1 and labels == 2:
        coef = np.concatenate([np.zeros_like(coef), coef])
        intercept = np.concatenate([np.zeros(1), np.ravel(intercept)])
    if coef.ndim != 2 or coef.shape[0] != labels or intercept.shape != (labels,):
        raise ValueError(f"{labels} labels, but coef {coef.shape} and intercept {intercept.shape}")
    return coef, intercept


def write_tensors(path: Path, tensors: Mapping[str, FloatArray]) -> None:
    """Writes float64 tensors as safetensors."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(tensor, dtype=np.float64) for name, tensor in tensors.items()}
    atomic.write_bytes(path, save(arrays))


def architectures(config: Mapping[str, object]) -> tuple[str, ...]:
    """The classes that a config.json names, such as BertForSequenceClassification."""
    named = config.get("architectures")
    return tuple(map(str, named)) if isinstance(named, list) else ()


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Writes a JSON object in the form that `read_json` reads."""
    atomic.write_text(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def read_tensors(path: Path, names: tuple[str, ...]) -> dict[str, FloatArray]:
    """The named tensors of a safetensors file, as float64.

    Raises:
        CheckpointError: when the file, or one of them, is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not path.is_file():
        raise CheckpointError(
            f"the checkpoint has no {path.name}.", where=Where(path), hint="check that the folder was copied whole."
        )
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"the weights cannot be read: {error}.", where=Where(path), hint="copy or train the checkpoint again."
        ) from error
    missing = [name for name in names if name not in tensors]
    if missing:
        raise CheckpointError(
            f"expected the tensors {', '.join(names)}; {', '.join(missing)} missing.", where=Where(path)
        )
    return {name: np.asarray(tensors[name], dtype=np.float64) for name in names}


def _check_format(path: Path, settings: Mapping[str, object]) -> None:
    if settings.get("format") != HEAD_FORMAT:
        raise CheckpointError(
            f"expected format {HEAD_FORMAT}, found {settings.get('format')!r}.",
            where=Where(path),
            hint="use the version of harness that wrote it, or train it again.",
        )


def _labels(path: Path, settings: Mapping[str, object]) -> tuple[str, ...]:
    labels = settings.get("labels")
    if not isinstance(labels, list) or len(labels) < 2 or len(set(map(str, labels))) != len(labels):
        raise CheckpointError(f"expected two or more different labels, found {labels!r}.", where=Where(path))
    return tuple(str(label) for label in labels)


def _check_shapes(path: Path, tensors: Mapping[str, FloatArray], shapes: Mapping[str, tuple[int, ...]]) -> None:
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise CheckpointError(
                f"expected {name} of shape {shape}, found {tensors[name].shape}.",
                where=Where(path),
                hint="weights, labels and vocabulary are of different models; copy or train the checkpoint again.",
            )
