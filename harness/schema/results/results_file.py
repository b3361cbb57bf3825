"""results.json as a whole, which `RunDir` reads and writes, and its JSON Schema, which is shipped beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.schema.results.base import Result
from harness.schema.results.choice import ChoiceResult
from harness.schema.results.inputs import AuditResult, DataResult, EvaluationResult, ModelResult
from harness.schema.results.metrics import ComparisonResult, FlipsResult, MetricResult, TableResult
from harness.schema.results.selftest_result import SelftestResult
from harness.schema.results.series import SeriesResult
from harness.schema.results.verdicts import GateResult, VerdictResult

RESULTS_SCHEMA = 2
HIDDEN_TEXT = "(text not stored)"
"""What stands in the place of an item's text in a run whose suite keeps texts out of it."""


class LooksResult(Result):
    """What a run asked that stopped when its gates were decided.

    Attributes:
        looks: how often the gates were judged.
        asked, available: evaluation → its items that were asked, and all of them; those that were asked in batches.
        saved: answers of all models that were not needed.
        undecided: evaluations whose items are all asked, and whose blocking gates are not all decided.
    """

    looks: int
    asked: dict[str, int]
    available: dict[str, int]
    saved: int
    undecided: list[str] = Field(default_factory=list)
    sentence: str


class PolicyResult(Result):
    """A policy that held the suite.

    Attributes:
        digest: SHA-256 of its file.
        given: who named it: the suite, or the command (`--policy`, HARNESS_POLICY).
    """

    name: str
    digest: str
    file: str
    given: Literal["suite", "command"]

    @property
    def sentence(self) -> str:
        """Its name with its digest, in one clause."""
        by = "included by the suite" if self.given == "suite" else "given to the command"
        return f"{self.name} ({self.file}, SHA-256 {self.digest[:12]}…, {by})"


class Results(Result):
    schema_version: int = RESULTS_SCHEMA
    suite: str
    suite_digest: str
    title: str
    seed: int
    baseline: str
    candidates: list[str]
    release: list[str]
    limit: int | None = Field(None, description="--limit: at most this many items per evaluation")
    texts: Literal["none", "flips", "all"] = Field(
        "all", description="whose texts the run's files hold: of no item, of those fixed or broken, or of all"
    )
    policies: list[PolicyResult] = Field(default_factory=list, description="what held the suite, whatever it says")
    changed: dict[str, Any] = Field(
        default_factory=dict, description="--set: key of the suite → the value that the command line gave it"
    )
    models: list[ModelResult]
    data: list[DataResult]
    evaluations: list[EvaluationResult]
    metrics: list[MetricResult]
    comparisons: list[ComparisonResult]
    flips: list[FlipsResult]
    tables: list[TableResult]
    gates: list[GateResult]
    choice: ChoiceResult | None = Field(None, description="the released model, where it was chosen among several")
    series: list[SeriesResult] = Field(default_factory=list, description="trainings from checkpoint to checkpoint")
    audits: list[AuditResult] = Field(default_factory=list, description="the training data of the models")
    verdict: VerdictResult
    selftest: SelftestResult | None = Field(None, description="result of `harness selftest`, if it was run")
    looks: LooksResult | None = Field(None, description="how many items `--until-decided` asked, if it was given")
    notes: list[str] = Field(default_factory=list)


DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHIPPED = Path(__file__).with_name("results.schema.json")


def results_schema() -> dict[str, Any]:
    """The schema of what `RunDir.write` writes: every key is there, and no other."""
    schema = Results.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    schema["properties"]["schema_version"] = {"const": RESULTS_SCHEMA, "description": "of this layout"}
    return {"$schema": DIALECT, **schema, "title": "harness results"}
