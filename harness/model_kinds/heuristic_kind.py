"""A heuristic without a model, such as the majority label."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.core.model_kind import CheckpointFormat, ModelKind
from harness.schema.suite.types import Count, Strict

HeuristicRule = Literal[
    "majority",
    "prior",
    "random",
    "mean",
    "tfidf",
    "longest",
    "gazetteer",
    "dictionary",
    "nearest",
    "copy",
    "lead",
    "overlap",
]


class HeuristicSpec(Strict):
    """A trivial rival that answers by a rule: what a model must beat to be worth anything."""

    task: str
    rule: HeuristicRule = Field(
        description="Rule to apply: the most frequent answer, a list of known spans, the first sentence, …."
    )
    max_train_rows: Count | None = Field(None, description="Use at most this many training rows (chosen by hash).")
    seed: int | None = None


class HeuristicKind(ModelKind[HeuristicSpec]):
    """`heuristic`: a rule."""

    name = "heuristic"
    packages = ()
    Options = HeuristicSpec
    goal = "follow a rule"
    summary = "A rule without training, such as the majority label."
    train = "harness.training.stages.heuristic_stage:make_baseline"
    audited = False
    formats = (
        CheckpointFormat(
            "baseline",
            opener="harness.models.derived.heuristic_backend:open_baseline",
            files=("baseline.json",),
            family="baseline",
        ),
    )

    def label(self, options: HeuristicSpec) -> str:
        """The rule and its number of rows."""
        rows = f" on {options.max_train_rows} rows" if options.max_train_rows is not None else ""
        return f"heuristic without training: {options.rule}{rows}"

    def refuses_child(self, options: HeuristicSpec, child: ModelKind[Any]) -> str | None:
        """It has no weights."""
        return "a heuristic without weights"
