"""Rivals of trained models: without depth, without learning, or without training of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.core.model_kind import CheckpointFormat, ModelKind, StageCost
from harness.model_kinds.flop_shapes import TEXT_LENGTH
from harness.schema.suite.mitigation import Mitigation, mitigation_words
from harness.schema.suite.types import Count, Strict


class ClassicalSpec(Strict):
    """TF-IDF and logistic regression: is the transformer worth it at all?"""

    task: str
    ngrams: int = Field(2, ge=1, le=3)
    max_train_rows: Count | None = None
    mitigate: Mitigation | None = Field(None, description="Bias mitigation applied to the training rows.")
    seed: int | None = None


class ClassicalKind(ModelKind[ClassicalSpec]):
    """`classical`: a bag of words."""

    name = "classical"
    packages = ("sklearn",)
    Options = ClassicalSpec
    goal = "label texts"
    summary = "TF-IDF and logistic regression."
    train = "harness.training.stages.classical_stage:train_classical"
    formats = (
        CheckpointFormat(
            "classical",
            opener="harness.models.derived.classical_backend:open_classical",
            loads_with="vocabulary.json and classical.safetensors hold the TF-IDF weights and the coefficients",
            files=("classical.safetensors", "classical.json", "vocabulary.json"),
            weights=("classical.safetensors",),
            reader="harness.models.checkpoint.formats.classical_file:read_classical",
            family="bag_of_words",
        ),
    )

    def label(self, options: ClassicalSpec) -> str:
        """The method and its number of labels."""
        rows = f" on {options.max_train_rows} rows" if options.max_train_rows is not None else ""
        return f"TF-IDF and logistic regression{rows}{mitigation_words(options.mitigate)}"

    def refuses_child(self, options: ClassicalSpec, child: ModelKind[Any]) -> str | None:
        """It has no hidden states."""
        return "a bag of words"

    def estimate(self, options: ClassicalSpec, rows: int, configuration: Mapping[str, Any] | None) -> StageCost:
        """Seconds are too few to count operations."""
        return StageCost(tokens=min(rows, options.max_train_rows or rows) * TEXT_LENGTH)
