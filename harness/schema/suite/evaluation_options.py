"""What every evaluation takes, and who is compared with whom."""

from __future__ import annotations

from pydantic import Field

from harness.schema.suite.types import Count, Strict


class EvaluationOptions(Strict):
    """What every task and probe takes; each adds its own keys."""

    metrics: list[str] | None = Field(None, description="Metric names. Defaults to the evaluation's own metrics.")
    split: str = Field("test", description="Split of the data to evaluate on.")
    limit: Count | None = Field(None, description="Evaluate at most this many items, chosen by hash of the cluster.")
