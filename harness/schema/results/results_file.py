"""results.json as a whole: written and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from harness.core import plain
from harness.core.errors import DataError, Where
from harness.schema.results.base import Result, finite
from harness.schema.results.inputs import AuditResult, DataResult, EvaluationResult, ModelResult
from harness.schema.results.metrics import ComparisonResult, FlipsResult, MetricResult, TableResult
from harness.schema.results.selftest_result import SelftestResult
from harness.schema.results.verdicts import GateResult, VerdictResult
from harness.schema.results.version_1 import VERSION_1, from_version_1
from harness.schema.validation import found, in_short
from harness.storage import atomic

RESULTS_SCHEMA = 2


class Results(Result):
    schema_version: int = RESULTS_SCHEMA
    suite: str
    suite_digest: str
    title: str
    seed: int
    baseline: str
    candidates: list[str]
    release: list[str]
    limit: int | None = Field(None, description="--limit: at most this many items an evaluation")
    models: list[ModelResult]
    data: list[DataResult]
    evaluations: list[EvaluationResult]
    metrics: list[MetricResult]
    comparisons: list[ComparisonResult]
    flips: list[FlipsResult]
    tables: list[TableResult]
    gates: list[GateResult]
    audits: list[AuditResult] = Field(default_factory=list, description="the data that models learned from")
    verdict: VerdictResult
    selftest: SelftestResult | None = Field(None, description="`harness selftest`, when it was run")
    notes: list[str] = Field(default_factory=list)

    def write(self, path: Path) -> None:
        """Writes results.json atomically; equal results give equal bytes."""
        text = json.dumps(
            finite(self.model_dump(mode="json", by_alias=True)), indent=1, sort_keys=True, allow_nan=False
        )
        atomic.write_text(path, text + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Reads results.json, also of runs that 0.1.0 made.

        Raises:
            DataError: when it is missing, damaged or of another schema version.
        """
        try:
            value = plain.read_json(path)
            if not isinstance(value, dict):
                raise ValueError(f"expected an object, found {found(value)}")
            version = value.get("schema_version")
            if version == VERSION_1:
                value = {**_upgraded(value), "schema_version": RESULTS_SCHEMA}
            elif version != RESULTS_SCHEMA:
                raise ValueError(f"schema version {version}, expected {RESULTS_SCHEMA}")
            return cls.model_validate(value)
        except FileNotFoundError as error:
            raise DataError(
                "there is no results.json here.", where=Where(path), hint="give the folder of a finished run."
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read results.json: {in_short(error)}", where=Where(path), hint="run the suite again."
            ) from error


def _upgraded(value: dict[str, Any]) -> dict[str, Any]:
    try:
        return from_version_1(value)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError("the file is not as version 1 wrote it") from error
