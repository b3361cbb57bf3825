"""What a timed process and the one that times it say to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.model import ModelFacts
from harness.core.requests import Failure

if TYPE_CHECKING:
    from harness.models.server.open_server import Served


@dataclass(frozen=True, slots=True)
class ToOpen:
    """The model of a worker.

    Attributes:
        parents: the folders of what it stands on, by the key that its checkpoint.json holds.
    """

    source: Path | Served
    parents: Mapping[str, Path]
    device: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a worker says of its model: its facts, or why it cannot be opened."""

    facts: ModelFacts | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit to a model took.

    Attributes:
        latencies: seconds of every input, asked alone.
        seconds, inputs: of asking all inputs together, and how many were asked.
        tokens: that went through the model meanwhile; None where they are not counted.
        peak_memory: bytes; None where the system does not tell.
        failure: the first request that was not answered.
    """

    latencies: Sequence[float]
    seconds: float
    inputs: int
    tokens: int | None
    peak_memory: int | None
    failure: Failure | None = None
