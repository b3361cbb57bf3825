"""A heuristic without a model, such as the majority label."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.schema.suite.types import Count, Strict


class HeuristicModel(Strict):
    heuristic: HeuristicSpec


HeuristicRule = Literal[
    "majority", "random", "longest", "gazetteer", "dictionary", "nearest", "copy", "lead", "overlap"
]


class HeuristicSpec(Strict):
    """A trivial rival that answers by a rule: what a model must beat to be worth anything."""

    task: str
    rule: HeuristicRule = Field(
        description="Rule to apply: the most frequent answer, a list of known spans, the first sentence, …."
    )
    max_train_rows: Count | None = Field(None, description="Use at most this many training rows (chosen by hash).")
    seed: int | None = None
