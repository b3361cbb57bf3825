"""How often a suite was tried under one lock, in a sentence."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator


def attempt_sentence(lock: LockState) -> str:
    """How often this was tried under one lock: many tries make a pass by luck likely."""
    times = (
        f"{'Attempt' if lock.counted else 'No new attempt: all answers were cached;'} {lock.attempts} under {lock.file}"
    )
    distinct = sorted(set(lock.seeds))
    seeds = f", with {len(distinct)} seeds" if len(distinct) > 1 else ""
    held = "" if lock.locked else "; the run was not checked against it (no --locked)"
    many = " Each additional attempt is another chance to pass by luck." if lock.attempts > 1 else ""
    return f"{times}{seeds}{held}.{many}"


RUN_FORMAT = 2
"""1: of version 0.1.0, whose run.json does not say; the suite's text and the records have that version's names."""


def earlier_sentence(info: RunInfo) -> str | None:
    """What `earlier_mark` means, in two sentences."""
    mark = earlier_mark(info)
    if mark is None:
        return None
    return f"This run was {mark}: nothing shows whether it was changed since. It is shown under this version's names."


def earlier_mark(info: RunInfo) -> str | None:
    """Which earlier version made the run, where it sealed nothing and its names differ from today's."""
    return None if info.earlier_version is None else f"made by {info.earlier_version}, unsealed"


class StepTiming(BaseModel):
    """One step of the plan: how long it took, or that it came from the cache."""

    name: str
    kind: str
    seconds: float
    cached: bool


class JudgedBy(BaseModel):
    """The suite whose gates judged a run afterward (`harness gate RUN --suite S --write`)."""

    suite_path: str
    suite_text: str


class Relabeled(BaseModel):
    """What `harness relabel` made a run from.

    Attributes:
        run, seal: the run with the earlier labels, and the digest of its seal.
        fixes, digest: the file of corrections, and its SHA-256.
        labels: evaluation → items whose label changed.
    """

    run: str
    seal: str
    fixes: str
    digest: str
    labels: dict[str, int]


class StoredPolicy(BaseModel):
    """A policy that held the run's suite, with its text: it holds the run wherever the file is now."""

    model_config = ConfigDict(extra="forbid")

    name: str
    digest: str
    file: str
    given: Literal["suite", "command"]
    text: str

    @model_validator(mode="after")
    def _is_its_text(self) -> StoredPolicy:
        if hashlib.sha256(self.text.encode("utf-8")).hexdigest() != self.digest:
            raise ValueError(f"the text of the policy {self.name[:60]!r} is not what its digest says")
        return self


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

    format: int = RUN_FORMAT
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
        description='commit, and dirty: true, false, or "unknown" if checking would run programs of the repository',
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
        description="evaluation → model → seconds of inference on all items",
    )
    requests: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict,
        description="evaluation → model → cost per 1,000 items (seconds, estimated energy, and, where counted, "
        "operations and tokens), peak memory during inference, and the break-even number of items, at which the "
        "training time is recovered by inference faster than the parent's",
    )
    checkpoints: dict[str, str] = Field(
        default_factory=dict, description="model → content key of its checkpoint, or the path of a loaded one"
    )
    overrides: dict[str, Any] = Field(default_factory=dict, description="command-line overrides of the suite")
    records: dict[str, str] = Field(
        default_factory=dict,
        description="of 0.1.0: file under records/ → SHA-256 at the end of the run; later runs have seal.json",
    )
    peak_memory: int | None = Field(None, description="bytes; peak resident set size of the process")
    warnings: list[str] = Field(default_factory=list)
    judged_by: JudgedBy | None = Field(None, description="the suite whose gates re-evaluated the run")
    relabeled: Relabeled | None = Field(None, description="the run and the corrections that this run was made from")
    ci_attempt: int | None = Field(None, description="attempt number of the CI job, if the CI system reports it")
    policies: list[StoredPolicy] = Field(default_factory=list, description="the policies that held the suite")
    lock: LockState | None = Field(None, description="state of the lock file; None without one")

    @field_validator("overrides")
    @classmethod
    def _known(cls, value: dict[str, Any]) -> dict[str, Any]:
        """The run may be a stranger's, and its suite is read with these changes."""
        TypeAdapter(dict[str, str]).validate_python(value.get("models", {}), strict=True)
        TypeAdapter(list[str]).validate_python(value.get("only", []), strict=True)
        TypeAdapter(int).validate_python(value.get("seed", 0), strict=True)
        TypeAdapter(dict[str, list[str]]).validate_python(value.get("trained_on", {}), strict=True)
        TypeAdapter(dict[str, str]).validate_python(value.get("baseline_run", {}), strict=True)
        TypeAdapter(dict[str, Any]).validate_python(value.get("set", {}), strict=True)
        TypeAdapter(Literal["none", "flips", "all"]).validate_python(value.get("texts", "all"), strict=True)
        return value

    @property
    def earlier_version(self) -> str | None:
        """The version that made the run, where it had other names than this one; else None."""
        return None if self.format >= RUN_FORMAT else str(self.versions.get("harness", "0.1.0"))

    def further_seeds(self, model: str) -> list[str]:
        """The names in `training` of a model's further training seeds."""
        start = f"{model} seed "
        return [name for name in self.training if name.startswith(start) and name[len(start) :].isdecimal()]

    def training_seconds(self, model: str) -> float | None:
        """Seconds of training a model with all its seeds; None where one of them is unknown."""
        seconds = [self.training.get(name, {}).get("seconds") for name in (model, *self.further_seeds(model))]
        known = [float(value) for value in seconds if isinstance(value, int | float)]
        return sum(known) if len(known) == len(seconds) else None
