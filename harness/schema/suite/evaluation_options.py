"""What every evaluation takes, and who is compared with whom."""

from __future__ import annotations

from pydantic import Field

from harness.schema.suite.types import Count, Strict


class EvaluationOptions(Strict):
    """What every task and probe takes; each adds its own keys."""

    metrics: list[str] | None = Field(None, description="Metric names; the evaluation's own choice when left out.")
    split: str = Field("test", description="Which split of the data is asked about.")
    limit: Count | None = Field(None, description="At most this many items, chosen by hash of the cluster.")
