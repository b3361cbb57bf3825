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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.core import atomic, plain
from harness.core.errors import CheckpointError, Where
from harness.core.records import FloatArray
from harness.models.pages import ClassicalPage, LinearPage, Vocabulary, checked

CHECKPOINT_FILE = "checkpoint.json"
CHECKPOINT_FORMAT = 1
SERVER_FILE = "server.json"
LINEAR_WEIGHTS = "linear.safetensors"
LINEAR_SETTINGS = "linear.json"
CLASSICAL_WEIGHTS = "classical.safetensors"
CLASSICAL_SETTINGS = "classical.json"
CLASSICAL_VOCABULARY = "vocabulary.json"
BASELINE_TABLE = "baseline.json"
PROMPT_TABLE = "prompt.json"
SELF_DEBIAS_TABLE = "self_debias.json"
PROJECTION_WEIGHTS = "projection.safetensors"
PROJECTION_SETTINGS = "projection.json"
HEAD_FORMAT = 1
POOLING = "mean"
LAYER = -1
TOKEN_PATTERN = r"(?u)\b\w\w+\b"


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """Softmax regression on standardised features: softmax(coef · (x − mean) / scale + intercept).

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


@dataclass(frozen=True, slots=True, eq=False)
class ClassicalWeights:
    """TF-IDF and softmax regression.

    Attributes:
        vocabulary: n-gram (tokens joined by one space) → column.
        idf: float64[V].
        coef: float64[K, V].
        intercept: float64[K].
        labels: K labels, in the order of the rows.
        lowercase: whether texts are lower-cased first.
        ngrams: shortest and longest n-gram.
        token_pattern: regular expression of a token; the one that scikit-learn takes by default.
        sublinear: whether a count c weighs 1 + ln c.
    """

    vocabulary: Mapping[str, int]
    idf: FloatArray
    coef: FloatArray
    intercept: FloatArray
    labels: tuple[str, ...]
    lowercase: bool = True
    ngrams: tuple[int, int] = (1, 2)
    token_pattern: str = TOKEN_PATTERN
    sublinear: bool = True


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


def write_classical(folder: Path, weights: ClassicalWeights) -> None:
    """Writes `classical.safetensors`, `classical.json` and `vocabulary.json` into `folder`.

    Raises:
        ValueError: when shapes, labels and vocabulary do not fit each other.
    """
    coef, intercept = _rows(weights.coef, weights.intercept, len(weights.labels))
    if coef.shape[1] != len(weights.vocabulary) or weights.idf.shape != (coef.shape[1],):
        raise ValueError(f"{len(weights.vocabulary)} n-grams, but coef {coef.shape} and idf {weights.idf.shape}")
    write_tensors(folder / CLASSICAL_WEIGHTS, {"idf": weights.idf, "coef": coef, "intercept": intercept})
    write_json(folder / CLASSICAL_VOCABULARY, {ngram: int(column) for ngram, column in weights.vocabulary.items()})
    settings = {
        "format": HEAD_FORMAT,
        "lowercase": weights.lowercase,
        "ngrams": list(weights.ngrams),
        "token_pattern": weights.token_pattern,
        "sublinear": weights.sublinear,
        "labels": list(weights.labels),
    }
    write_json(folder / CLASSICAL_SETTINGS, settings)


def read_classical(folder: Path) -> ClassicalWeights:
    """Reads what `write_classical` wrote.

    Raises:
        CheckpointError: when a file is missing, damaged or of another format.
    """
    settings = read_json(folder / CLASSICAL_SETTINGS)
    _check_format(folder / CLASSICAL_SETTINGS, settings)
    labels = _labels(folder / CLASSICAL_SETTINGS, settings)
    page: ClassicalPage = checked(ClassicalPage, folder / CLASSICAL_SETTINGS, settings)
    if page.token_pattern != TOKEN_PATTERN:
        # A pattern of a stranger may take years on a short text.
        raise CheckpointError(
            f"expected the token pattern {TOKEN_PATTERN!r}, found {page.token_pattern[:60]!r}.",
            where=Where(folder / CLASSICAL_SETTINGS),
            hint="train the classifier again.",
        )
    vocabulary: Vocabulary = checked(
        Vocabulary, folder / CLASSICAL_VOCABULARY, read_json(folder / CLASSICAL_VOCABULARY)
    )
    tensors = read_tensors(folder / CLASSICAL_WEIGHTS, ("idf", "coef", "intercept"))
    size = len(vocabulary)
    shapes = {"idf": (size,), "coef": (len(labels), size), "intercept": (len(labels),)}
    _check_shapes(folder / CLASSICAL_WEIGHTS, tensors, shapes)
    if sorted(vocabulary.values()) != list(range(size)):
        raise CheckpointError(
            f"expected each column 0 … {size - 1} once.",
            where=Where(folder / CLASSICAL_VOCABULARY),
            hint="train the classifier again.",
        )
    return ClassicalWeights(
        vocabulary=vocabulary,
        labels=labels,
        lowercase=page.lowercase,
        ngrams=page.ngrams,
        token_pattern=page.token_pattern,
        sublinear=page.sublinear,
        **tensors,
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a checkpoint's file.

    Raises:
        CheckpointError: when the file is missing or holds anything else.
    """
    try:
        value = plain.read_json(path)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"the checkpoint has no {path.name}.", where=Where(path), hint="check that the folder was copied whole."
        ) from error
    except (OSError, ValueError) as error:
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


def write_json(path: Path, value: Mapping[str, Any]) -> None:
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
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"the weights cannot be read: {error}.", where=Where(path), hint="copy or train the checkpoint again."
        ) from error
    missing = [name for name in names if name not in found]
    if missing:
        raise CheckpointError(
            f"expected the tensors {', '.join(names)}; {', '.join(missing)} missing.", where=Where(path)
        )
    return {name: np.asarray(found[name], dtype=np.float64) for name in names}


def _check_format(path: Path, settings: Mapping[str, Any]) -> None:
    if settings.get("format") != HEAD_FORMAT:
        raise CheckpointError(
            f"expected format {HEAD_FORMAT}, found {settings.get('format')!r}.",
            where=Where(path),
            hint="use the version of harness that wrote it, or train it again.",
        )


def _labels(path: Path, settings: Mapping[str, Any]) -> tuple[str, ...]:
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
