"""The files of a classical classifier."""

from __future__ import annotations

from collections.abc import Mapping
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
from harness.models.checkpoint.metadata_schema import ClassicalPage, Vocabulary, checked

CLASSICAL_WEIGHTS = "classical.safetensors"

CLASSICAL_SETTINGS = "classical.json"

CLASSICAL_VOCABULARY = "vocabulary.json"

TOKEN_PATTERN = r"(?u)\b\w\w+\b"


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
