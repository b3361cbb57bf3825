"""A heuristic without a model, such as the majority label."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.schema.suite.types import Count, Strict


class BaselineModel(Strict):
    baseline: BaselineSpec


BaselineRule = Literal["majority", "random", "longest", "gazetteer", "dictionary", "nearest", "copy", "lead", "overlap"]


class BaselineSpec(Strict):
    """A trivial rival that answers by a rule: what a model must beat to be worth anything."""

    task: str
    rule: BaselineRule = Field(description="The most frequent answer, a list of known spans, the first sentence, ….")
    labels: Count | None = Field(None, description="Use only this many training rows (chosen by hash).")
    seed: int | None = None
