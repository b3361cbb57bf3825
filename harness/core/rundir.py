"""The files of a run directory: the only thing that reports, gates and comparisons read.

run.json        command, suite text, versions, hardware, timings (what may differ between runs)
results.json    metrics, comparisons, verdicts (core/results)
records/<evaluation>/<model>.parquet      what each model did on each item
records/<evaluation>/<model>/seed-<n>.parquet      the same for further training seeds of the model
items/<evaluation>.parquet                the texts of the items, once
training/<model>.jsonl                    loss, learning rate, throughput
audits/<data>-<split>-<purpose>.json      what the data of training and evaluation say of groups
report.html  summary.md  junit.xml  model-card.md
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from harness.core import atomic, plain
from harness.core.errors import DataError, Where
from harness.core.interfaces import Item
from harness.core.keys import file_digest
from harness.core.records import Records
from harness.core.validation import in_short


class StepTiming(BaseModel):
    """One step of the plan: how long it took, or that it came from the cache."""

    name: str
    kind: str
    seconds: float
    cached: bool


class JudgedBy(BaseModel):
    """The suite whose gates judged a run afterwards (`harness gate RUN --suite S --write`)."""

    suite_path: str
    suite_text: str


class LockState(BaseModel):
    """What the lock file beside the suite said when the run ended.

    Attributes:
        file: its name.
        locked: the run was held to it (`--locked`).
        attempts: runs with answers of their own so far, this one included.
        counted: this run is one of them; a run wholly from the cache is not.
        seeds: the seeds of the attempts, in order.
    """

    file: str
    locked: bool
    attempts: int
    counted: bool
    seeds: list[int] = Field(default_factory=list)


class RunInfo(BaseModel):
    """run.json. Times are ISO 8601 in UTC; seconds are wall time; bytes are bytes."""

    model_config = ConfigDict(extra="ignore")

    run_id: str
    suite: str
    suite_path: str | None = None
    suite_text: str
    command: list[str]
    state: str = Field("running", description="running, finished, interrupted, failed")
    started: str
    finished: str | None = None
    attempts: int = 1
    versions: dict[str, str] = Field(default_factory=dict)
    hardware: dict[str, Any] = Field(default_factory=dict)
    git: dict[str, Any] = Field(
        default_factory=dict,
        description='commit, and dirty: true, false, or "unknown" where telling would run what the repository names',
    )
    seed: int = 0
    steps: list[StepTiming] = Field(default_factory=list)
    training: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="model, or `model seed n` for further training seeds → measured cost: seconds, "
        "tokens_per_second, peak_memory",
    )
    asking: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="evaluation → model → seconds of asking all its items, when its records were made",
    )
    requests: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict,
        description="evaluation → model → cost of 1,000 items (seconds, estimated energy, and where they were counted "
        "operations and tokens), the most memory held while asking, and the number of items at "
        "which training it takes no longer than asking what it was trained from",
    )
    checkpoints: dict[str, str] = Field(
        default_factory=dict, description="model → content key of its checkpoint, or the path of a loaded one"
    )
    overrides: dict[str, Any] = Field(default_factory=dict, description="command-line changes to the suite")
    records: dict[str, str] = Field(
        default_factory=dict,
        description="file under records/ → SHA-256 when the run ended; nothing is judged on records that changed since",
    )
    peak_memory: int | None = Field(None, description="bytes, highest resident size of the process")
    warnings: list[str] = Field(default_factory=list)
    judged_by: JudgedBy | None = Field(None, description="the suite whose gates judged it again")
    ci_attempt: int | None = Field(None, description="which attempt of one CI job this is, where the CI system says")
    lock: LockState | None = Field(None, description="the lock file's state; None when there is no lock file")

    @field_validator("overrides")
    @classmethod
    def _known(cls, value: dict[str, Any]) -> dict[str, Any]:
        """The run may be a stranger's, and its suite is read with these changes."""
        TypeAdapter(dict[str, str]).validate_python(value.get("models", {}), strict=True)
        TypeAdapter(list[str]).validate_python(value.get("only", []), strict=True)
        TypeAdapter(int).validate_python(value.get("seed", 0), strict=True)
        return value

    def further_seeds(self, model: str) -> list[str]:
        """The names in `training` of a model's further training seeds."""
        start = f"{model} seed "
        return [name for name in self.training if name.startswith(start) and name[len(start) :].isdecimal()]

    def training_seconds(self, model: str) -> float | None:
        """Seconds of training a model with all its seeds; None where one of them is unknown."""
        found = [self.training.get(name, {}).get("seconds") for name in (model, *self.further_seeds(model))]
        known = [float(one) for one in found if isinstance(one, int | float)]
        return sum(known) if len(known) == len(found) else None


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item as it stands in items/<evaluation>.parquet."""

    id: str
    texts: dict[str, str]
    target: str | None
    clusters: dict[str, str]
    slices: tuple[str, ...]
    tags: tuple[str, ...]


class RunDir:
    """Paths, reading and writing of one run directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

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
        return Records.read(self.records_path(evaluation, model))

    def replicates(self, evaluation: str, model: str) -> list[Records]:
        """The records of every training seed of a model, the first seed first, then in order of seeds."""
        folder = self.path / "records" / _part(evaluation) / _part(model)
        further = [Records.read(path) for path in folder.glob("seed-*.parquet")]
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
                    hint="restore the file, or run the suite again to make it anew.",
                )

    def read_info(self) -> RunInfo:
        """Reads run.json.

        Raises:
            DataError: when it is missing or damaged.
        """
        try:
            return RunInfo.model_validate_json(plain.read_bytes(self.info_path))
        except FileNotFoundError as error:
            raise DataError(
                "this is not a run directory (no run.json).",
                where=Where(self.path),
                hint="give a folder that `harness run` made, such as reports/sentiment/<run id>.",
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read run.json: {in_short(error)}", where=Where(self.info_path), hint="run the suite again."
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
            found = [plain.parse_json(line) for line in plain.read_text(path).splitlines() if line.strip()]
            if not all(isinstance(one, dict) for one in found):
                raise ValueError("expected one JSON object a line")
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read the training log: {in_short(error)}", where=Where(path), hint="run the suite again."
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
        raise DataError(f"expected a name, found {name[:60]!r}, which leads elsewhere.", hint="run the suite again.")
    return name


def write_items(path: Path, items: Iterable[Item]) -> None:
    """Writes the display texts of items, sorted by id."""
    rows = sorted(items, key=lambda item: item.id)
    table = pa.table(
        {
            "item_id": pa.array([item.id for item in rows], pa.string()),
            "texts": pa.array([json.dumps(dict(item.texts), ensure_ascii=False) for item in rows], pa.string()),
            "target": pa.array([item.target for item in rows], pa.string()),
            "clusters": pa.array([json.dumps(dict(item.clusters), sort_keys=True) for item in rows], pa.string()),
            "slices": pa.array([list(item.slices) for item in rows], pa.list_(pa.string())),
            "tags": pa.array([list(item.tags) for item in rows], pa.list_(pa.string())),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    atomic.write_bytes(path, sink.getvalue())


def read_items(path: Path) -> list[StoredItem]:
    """Reads what `write_items` wrote.

    Raises:
        DataError: when the file is missing or damaged.
    """
    try:
        plain.require(path)
        return [
            StoredItem(
                row["item_id"],
                plain.parse_json(row["texts"]),
                row["target"],
                plain.parse_json(row["clusters"]),
                tuple(row["slices"]),
                tuple(row["tags"]),
            )
            for row in pq.read_table(path).to_pylist()
        ]
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise DataError(f"cannot read items: {error}", where=Where(path), hint="run the suite again.") from error
