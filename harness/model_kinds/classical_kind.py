"""Rivals of trained models: without depth, without learning, or without training of their own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.schema.suite.mitigation import Mitigation
from harness.schema.suite.types import Count, Strict


class ClassicalSpec(Strict):
    """TF-IDF and logistic regression: is the transformer worth it at all?"""

    task: str
    ngrams: int = Field(2, ge=1, le=3)
    labels: Count | None = None
    mitigate: Mitigation | None = Field(None, description="What is done against bias in the rows.")
    seed: int | None = None


BaselineRule = Literal["majority", "random", "longest", "gazetteer", "dictionary", "nearest", "copy", "lead", "overlap"]


class BaselineSpec(Strict):
    """A trivial rival that answers by a rule: what a model must beat to be worth anything."""

    task: str
    rule: BaselineRule = Field(description="The most frequent answer, a list of known spans, the first sentence, ….")
    labels: Count | None = Field(None, description="Use only this many training rows (chosen by hash).")
    seed: int | None = None


class PromptSpec(Strict):
    """A base asked behind worked examples of a task's training split; nothing is trained."""

    from_: str = Field(alias="from", description="The model that is asked.")
    task: str = Field(description="The task whose training examples are shown.")
    shots: int = Field(8, ge=0, le=256, description="How many worked examples stand before every question.")
    separator: str = Field("\n\n", min_length=1, description="What stands after each of them.")
    labels: Count | None = Field(None, description="Choose among this many training rows (chosen by hash).")
    seed: int | None = None
