"""The lock file of a suite."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

LOCK_FORMAT = 1


class Attempt(BaseModel):
    """A run with answers of its own: `answers` is a digest of all records."""

    model_config = ConfigDict(extra="forbid")

    run: str
    seed: int
    suite: str
    answers: str
    verdict: str


class Lock(BaseModel):
    """A lock file.

    Attributes:
        suite_digest, gates_digest: of the suite file as it is written, without changes from the command line.
        sections, gates: digests of its parts, so that a difference can be named.
        data: name → fingerprint of its rows.
        baseline: model → content key of its checkpoint (with all it was trained on) or of its files.
        policies: name → digest of the file.
        attempts: runs with answers of their own, oldest first.
    """

    model_config = ConfigDict(extra="forbid")

    format: int = LOCK_FORMAT
    suite: str
    suite_digest: str
    gates_digest: str
    sections: dict[str, str] = Field(default_factory=dict)
    gates: dict[str, str] = Field(default_factory=dict)
    data: dict[str, str] = Field(default_factory=dict)
    baseline: dict[str, str] = Field(default_factory=dict)
    policies: dict[str, str] = Field(default_factory=dict)
    attempts: list[Attempt] = Field(default_factory=list)
