"""The files of a run directory: the only thing that reports, gates and comparisons read.

run.json        command, suite text, versions, hardware, timings (what may differ between runs)
results.json    metrics, comparisons, verdicts (schema/results)
records/<evaluation>/<model>.parquet      what each model did on each item
records/<evaluation>/<model>/seed-<n>.parquet      the same for further training seeds of the model
items/<evaluation>.parquet                the texts of the items, once
training/<model>.jsonl                    loss, learning rate, throughput
audits/<data>-<split>-<purpose>.json      what the data of training and evaluation say of groups
report.html  summary.md  junit.xml  model-card.md
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.core.digests import file_digest
from harness.core.errors import DataError, Where
from harness.core.records import Records
from harness.schema.renames import rename_statistic
from harness.schema.results.base import finite
from harness.schema.results.renamed_results import rename_results
from harness.schema.results.results_file import RESULTS_SCHEMA, Results
from harness.schema.results.version_1 import VERSION_1, from_version_1
from harness.schema.run_info import RunInfo
from harness.schema.validation import found as what
from harness.schema.validation import in_short
from harness.storage import atomic, plain_files
from harness.storage.items_file import StoredItem, read_items
from harness.storage.records_file import read_records


class RunDir:
    """Paths, reading and writing of one run directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _earlier(self) -> bool:
        return self.info_path.is_file() and self.read_info().earlier_version is not None

    @property
    def results_path(self) -> Path:
        return self.path / "results.json"

    @property
    def info_path(self) -> Path:
        return self.path / "run.json"

    def records_path(self, evaluation: str, model: str) -> Path:
        return self.path / "records" / _part(evaluation) / f"{_part(model)}.parquet"

    def replicate_path(self, evaluation: str, model: str, seed: int) -> Path:
        """Where the records of a further training seed of a model stand."""
        return self.path / "records" / _part(evaluation) / _part(model) / f"seed-{seed}.parquet"

    def items_path(self, evaluation: str) -> Path:
        return self.path / "items" / f"{_part(evaluation)}.parquet"

    def training_path(self, model: str) -> Path:
        return self.path / "training" / f"{_part(model)}.jsonl"

    def records(self, evaluation: str, model: str) -> Records:
        return self.read_records(self.records_path(evaluation, model))

    def read_records(self, path: Path) -> Records:
        """Reads one file of records; statistics of a run of 0.1.0 get their current names."""
        records = read_records(path)
        return records.with_statistics(rename_statistic) if self._earlier else records

    def replicates(self, evaluation: str, model: str) -> list[Records]:
        """The records of every training seed of a model, the first seed first, then in order of seeds."""
        folder = self.path / "records" / _part(evaluation) / _part(model)
        further = [self.read_records(path) for path in folder.glob("seed-*.parquet")]
        return [self.records(evaluation, model), *sorted(further, key=lambda records: records.head.seed)]

    def models(self, evaluation: str) -> list[str]:
        """The models with records of an evaluation, sorted."""
        return sorted(path.stem for path in (self.path / "records" / _part(evaluation)).glob("*.parquet"))

    def digest_records(self) -> dict[str, str]:
        """File under records/ → SHA-256 of its bytes, sorted."""
        folder = self.path / "records"
        return {path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(folder.rglob("*.parquet"))}

    def check_records(self) -> None:
        """Holds the records that are there to the digests of run.json; runs of versions without digests pass.

        Raises:
            DataError: at the first file whose bytes changed.
        """
        for name, expected in self.read_info().records.items():
            path = self.path / "records" / name
            if path.is_file() and (found := file_digest(path)) != expected:
                raise DataError(
                    f"records changed since the run ended: SHA-256 {found[:12]}…, run.json says {expected[:12]}….",
                    where=Where(path),
                    hint="restore the file, or rerun the suite to rebuild it.",
                )

    def read_results(self) -> Results:
        """Reads results.json, also of runs that 0.1.0 made.

        Raises:
            DataError: when it is missing, damaged or of another schema version.
        """
        path = self.results_path
        try:
            value = plain_files.read_json(path)
            if not isinstance(value, dict):
                raise ValueError(f"expected an object, found {what(value)}")
            version = value.get("schema_version")
            if version == VERSION_1:
                value = {**_upgraded(value), "schema_version": RESULTS_SCHEMA}
            elif version != RESULTS_SCHEMA:
                raise ValueError(f"schema version {version}, expected {RESULTS_SCHEMA}")
            return Results.model_validate(value)
        except FileNotFoundError as error:
            raise DataError(
                "no results.json in this folder.", where=Where(path), hint="pass the folder of a finished run."
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read results.json: {in_short(error)}", where=Where(path), hint="rerun the suite."
            ) from error

    def write_results(self, results: Results) -> None:
        """Writes results.json atomically; equal results give equal bytes."""
        value = finite(results.model_dump(mode="json", by_alias=True))
        text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
        atomic.write_text(self.results_path, text + "\n")

    def read_info(self) -> RunInfo:
        """Reads run.json.

        Raises:
            DataError: when it is missing or damaged.
        """
        try:
            value = plain_files.read_json(self.info_path)
            return RunInfo.model_validate({"format": 1, **value} if isinstance(value, dict) else value)
        except FileNotFoundError as error:
            raise DataError(
                "this is not a run directory (no run.json).",
                where=Where(self.path),
                hint="pass a folder created by `harness run`, such as reports/sentiment/<run id>.",
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read run.json: {in_short(error)}", where=Where(self.info_path), hint="rerun the suite."
            ) from error

    def write_info(self, info: RunInfo) -> None:
        atomic.write_text(self.info_path, info.model_dump_json(indent=1) + "\n")

    def read_training(self, model: str) -> list[dict[str, Any]]:
        """The training log of a model: one mapping per logged step; empty when there is none.

        Raises:
            DataError: when it is damaged.
        """
        path = self.training_path(model)
        if not path.is_file():
            return []
        try:
            found = [plain_files.parse_json(line) for line in plain_files.read_text(path).splitlines() if line.strip()]
            if not all(isinstance(one, dict) for one in found):
                raise ValueError("expected one JSON object per line")
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read the training log: {in_short(error)}", where=Where(path), hint="rerun the suite."
            ) from error
        return found

    def read_items(self, evaluation: str) -> list[StoredItem]:
        return read_items(self.items_path(evaluation))


def _part(name: str) -> str:
    """A name out of a run, as one part of a path: the run may be a stranger's.

    Raises:
        DataError: when it is more than a name.
    """
    if not name or Path(name).name != name or name == os.pardir or "\0" in name:
        raise DataError(
            f"expected a name, found {name[:60]!r}, which points outside the run directory.", hint="rerun the suite."
        )
    return name


def _upgraded(value: dict[str, Any]) -> dict[str, Any]:
    try:
        return from_version_1(value, translate=rename_results)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError("the file is not as version 1 wrote it") from error
