"""Rivals of trained models: without depth, without learning, or without training of their own."""

from __future__ import annotations

from pydantic import Field

from harness.schema.suite.mitigation import Mitigation
from harness.schema.suite.types import Count, Strict


class ClassicalSpec(Strict):
    """TF-IDF and logistic regression: is the transformer worth it at all?"""

    task: str
    ngrams: int = Field(2, ge=1, le=3)
    max_train_rows: Count | None = None
    mitigate: Mitigation | None = Field(None, description="Bias mitigation applied to the training rows.")
    seed: int | None = None


class ClassicalModel(Strict):
    classical: ClassicalSpec
