"""Where a stage works and whom it tells."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.reporter import Reporter


@dataclass(frozen=True, slots=True)
class StageRun:
    """One attempt at a stage.

    Attributes:
        work: the stage's folder; unfinished work lies in its `.resume`.
        reporter: told of progress.
        save_every: steps between resumable checkpoints; by cost when None.
        started: `time.monotonic()` when the stage began.
    """

    work: Path
    reporter: Reporter
    save_every: int | None = None
    started: float = field(default_factory=time.monotonic)
