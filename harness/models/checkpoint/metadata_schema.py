"""What may stand in the files of a checkpoint that harness writes: a closed schema for each, checked when read.

A checkpoint may come from a stranger, so nothing in these files chooses code, an address, an environment variable or a
path. What harness acts on are `kind`, `labels`, `parent` and `quantize`; the rest of checkpoint.json is notes for
people. Keys that no version of this format writes are errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict, TypeVar

from pydantic import AfterValidator, Field, JsonValue

from harness.core.digests import is_key
from harness.core.errors import CheckpointError, Key, Problems, Where
from harness.schema.suite.types import Strict
from harness.schema.validation import validate

T = TypeVar("T")


def _key(value: str) -> str:
    if not is_key(value):
        raise ValueError(f"expected a cache key (64 lowercase hexadecimal digits), found {value[:60]!r}")
    return value


StoreKey = Annotated[str, AfterValidator(_key)]
Labels = tuple[str, ...]
Notes = dict[str, JsonValue]


class Parent(Strict):
    """The checkpoint that another one stands on or was made from: keys of the store, never paths."""

    key: StoreKey
    digest: StoreKey | None = None


class Cost(Strict):
    """What making the checkpoint took."""

    tokens: float | None = None
    flops: float | None = None
    steps: int | None = None
    parameters: int | None = None
    trainable: int | None = None
    bytes: int | None = None


class TrainedPage(Strict):
    """`checkpoint.json` of whatever a stage made."""

    format: Literal[1]
    kind: str
    labels: tuple[str, ...] | None = None
    parent: Parent | None = None
    seed: int | None = None
    data: dict[str, str] | None = None
    cost: Cost | None = None
    stage: Notes | None = None
    recipe: Notes | None = None
    held_out: Notes | None = None


class QuantizedPage(Strict):
    """`checkpoint.json` of a loaded checkpoint that is held in few bits."""

    format: Literal[1]
    kind: Literal["quantized"]
    parent: Parent
    quantize: Literal["4bit", "8bit"]


OLD_KINDS: Mapping[str, str] = {"quantised": "quantized"}
"""What 0.1.0 wrote as `kind` → what it is called now. The other kinds keep their words, which digests hold."""
OLD_KEYS: Mapping[str, str] = {"quantise": "quantize"}
"""The same for the keys of these kinds."""


class ParentKeys(TypedDict):
    """`parent` of checkpoint.json: see `Parent`."""

    key: str
    digest: str | None


class Lineage(TypedDict, total=False):
    """The keys of checkpoint.json that decide anything, as they are read; empty for a folder of someone else."""

    format: int
    kind: str
    labels: list[str] | None
    parent: ParentKeys | None
    quantize: Literal["4bit", "8bit"]


class LinearPage(Strict):
    """`linear.json`."""

    format: Literal[1]
    pooling: Literal["mean"]
    layer: Literal[-1]
    labels: Labels


class ClassicalPage(Strict):
    """`classical.json`."""

    format: Literal[1]
    lowercase: bool
    ngrams: tuple[int, int]
    token_pattern: str
    sublinear: bool
    labels: Labels


class BaselinePage(Strict):
    """`baseline.json`."""

    format: Literal[1]
    rule: str
    task: str | None = None
    labels: tuple[str, ...]
    weights: dict[str, float]
    spans: dict[str, str]
    answers: dict[str, str]
    edges: tuple[str, str]


class PromptPage(Strict):
    """`prompt.json`."""

    format: Literal[1]
    task: str
    shots: tuple[tuple[str, str], ...]
    separator: str
    chat: bool


class SelfDebiasPage(Strict):
    """`self_debias.json`."""

    format: Literal[1]
    prefixes: tuple[str, ...]
    decay: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ProjectionPage(Strict):
    """`projection.json`."""

    format: Literal[1]
    method: str
    remove: str


Vocabulary = dict[str, Annotated[int, Field(ge=0)]]
"""`vocabulary.json`."""


def checked(schema: type[T] | Any, path: Path, value: Mapping[str, object]) -> T:
    """The content of a checkpoint's file, checked against its schema.

    Raises:
        CheckpointError: that says where, what was expected and what was found; all faults in one.
    """
    problems = Problems(lambda *keys, key=False: _place(path, keys[:-1] if key else keys))
    validated: T | None = validate(schema, value, problems)
    try:
        problems.raise_any(CheckpointError)
    except CheckpointError as error:
        raise CheckpointError(
            error.message,
            where=error.where,
            notes=error.notes,
            hint="use the version of harness that wrote the folder, or copy the folder again.",
        ) from None
    assert validated is not None
    return validated


def _place(path: Path, keys: tuple[Key, ...]) -> Where:
    """The file and, below its top, the way to the fault: JSON that harness wrote has no lines worth naming."""
    return Where(f"{path}: {'.'.join(map(str, keys))}" if keys else path)
