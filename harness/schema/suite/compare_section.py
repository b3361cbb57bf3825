"""The `compare` section of a suite."""

from __future__ import annotations

from pydantic import Field

from harness.schema.suite.types import Strict


class CompareSpec(Strict):
    """Who is compared with whom.

    Attributes:
        baseline: the base model.
        base_variants: models that are other ways for the base to answer a task (a linear classifier on its
            frozen features, prompting). Gains are measured against the best of base and these,
            chosen on validation data.
        candidates: shown against the baseline; all other models when left out.
        release: the candidates that gates judge; the first candidate when left out.
        pairs: further comparisons, [baseline, candidate].
    """

    baseline: str
    base_variants: list[str] = Field(default_factory=list)
    candidates: list[str] | None = None
    release: list[str] | None = None
    pairs: list[tuple[str, str]] = Field(default_factory=list)
