"""What every evaluation takes, and who is compared with whom."""

from __future__ import annotations

from pydantic import Field

from harness.schema.suite.types import Count, Strict


class EvaluationOptions(Strict):
    """What every task and probe takes; each adds its own keys."""

    metrics: list[str] | None = Field(None, description="Metric names. Defaults to the evaluation's own metrics.")
    split: str = Field("test", description="Split of the data to evaluate on.")
    limit: Count | None = Field(None, description="Evaluate at most this many items, chosen by hash of the cluster.")

    @property
    def task_name(self) -> str | None:
        """The task whose question a probe asks; None for evaluations with a question of their own."""
        return None

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels that the suite gives; empty where the data say them, or there are none."""
        return ()

    @property
    def scorer_name(self) -> str | None:
        """The scorer that the suite asks for; None where it depends on the model."""
        return None

    @property
    def readers(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Where the YAML names a model that reads the written texts, and which."""
        return ()

    @property
    def decoding(self) -> tuple[str, ...]:
        """The fields of a `Generate` request that the options set for choosing tokens."""
        return ()

    @property
    def further_metrics(self) -> tuple[str, ...]:
        """Metrics that the options bring, beside the evaluation's default ones."""
        return ()


class OnTaskOptions(EvaluationOptions):
    """What probes take that ask the question of a task."""

    on: str = Field(description="The classification task whose question is asked.")

    @property
    def task_name(self) -> str:
        return self.on
