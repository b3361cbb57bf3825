"""What the steps of a run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.reporter import Reporter
from harness.pipeline.prepared_suite import PreparedSuite
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite


@dataclass(frozen=True)
class Settings:
    """How to run, as far as it changes no result.

    Attributes:
        out: folder for run directories (`reports`).
        limit: at most this many items per evaluation; it does change results, and is recorded.
        device: `auto`, `cpu`, `cuda`, ….
        resume: resume an unfinished run directory of the same suite.
        command: what was typed, for run.json.
        locked: hold the run to its lock file.
        lock: the lock file; attempts are counted in it whenever it is there.
        until_decided: ask in batches, and stop when every blocking gate is decided; it does change results.
        generated_code: run programs that models wrote, in locked-down processes (`--allow-generated-code`); it does
            change results, and is recorded in `overrides`.
        metric_code: load the pinned modules that the suite's metrics name (`--allow-metric-code`).
    """

    out: Path
    limit: int | None = None
    device: str = "auto"
    resume: bool = True
    command: Sequence[str] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    today: date | None = None
    locked: bool = False
    lock: Path | None = None
    metric_code: bool = False
    generated_code: bool = False
    until_decided: bool = False


@dataclass(frozen=True)
class RunContext:
    """A claimed run directory, and all that is needed to fill it.

    Attributes:
        info: the content of run.json, written when the run ends.
        prepared: the suite with open data, where checking the lock opened it already.
        code: loaded modules of metrics, by name.
        attempt: which attempt under the lock file the answers are; None without one.
    """

    run: RunDir
    info: RunInfo
    suite: Suite
    store: Store
    reporter: Reporter
    settings: Settings
    prepared: PreparedSuite | None = None
    code: Mapping[str, Any] = field(default_factory=dict)
    attempt: int | None = None

    @property
    def today(self) -> date:
        """The day on which gates are judged."""
        return self.settings.today or datetime.now(UTC).date()


CarryOut = Callable[[RunContext], Results]
"""The steps of a run, from a suite to its results."""
