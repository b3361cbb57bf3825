"""Executes a suite: data, checkpoints, records, scores, verdicts, reports.

Every expensive thing is found by its content key or made once; a killed run goes on from what is
in the store and ends with the same results.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.calibration.driver import over_worlds
from harness.core.digests import digest
from harness.core.errors import HarnessError
from harness.core.reporter import Reporter
from harness.models.peak_memory import peak_memory
from harness.pipeline import provenance
from harness.pipeline.carry_out import Clock, collect, make_checkpoints, make_replicates
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.checkpoints.checkpoint_builder import Workshop
from harness.pipeline.prepared_suite import prepare
from harness.pipeline.records.record_cache import Answers
from harness.pipeline.results.assembly import assemble
from harness.pipeline.results.scoring import store_memo
from harness.pipeline.suite_lock import check_lock, count_attempt, lock_path
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo
from harness.storage import run_folders
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite


@dataclass(frozen=True)
class Settings:
    """How to run, as far as it changes no result.

    Attributes:
        out: folder for run directories (`reports`).
        limit: at most this many items an evaluation; it does change results, and is recorded.
        device: `auto`, `cpu`, `cuda`, ….
        resume: go on with an unfinished run directory of the same suite.
        command: what was typed, for run.json.
        locked: hold the run to its lock file.
        lock: the lock file; attempts are counted in it whenever it is there.
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


@dataclass(frozen=True)
class Finished:
    """A finished run."""

    run: RunDir
    info: RunInfo
    results: Results
    reports: Sequence[Path]


def run_suite(suite: Suite, store: Store, reporter: Reporter, settings: Settings) -> Finished:
    """Runs a whole suite.

    Raises:
        LockError: when the run is held to a lock file, and something differs; nothing was computed then.
        SuiteError: when a metric is code of a file, and that is not allowed or not what was pinned; nothing ran then.
        HarnessError: for anything that a person can repair; what was finished stays in the store.
    """
    from harness.metrics.hf_evaluate import outside_code
    from harness.suite.checks.metric_code_checks import allowed_code

    files = allowed_code(suite, allowed=settings.metric_code)
    if settings.locked:
        _hold(suite, store, reporter, settings)
    identity = digest({"suite": suite.digest, "overrides": dict(settings.overrides), "limit": settings.limit})
    with (
        outside_code(files) as code,
        run_folders.claim(settings.out, suite.name, identity, resume=settings.resume) as (run, attempts),
    ):
        info = _opening(run, suite, settings, attempts)
        run.write_info(info)
        try:
            if suite.planted_bias is None:
                results = _work(run, info, suite, store, reporter, settings, code)
            else:
                results = over_worlds(run, info, suite, store, reporter, settings, code)
                results.write(run.results_path)
        except KeyboardInterrupt:
            _close(run, info, "interrupted")
            raise
        except BaseException:
            _close(run, info, "failed")
            raise
        _count(run, info, results, settings, store, reporter)
        info.warnings = sorted(set(getattr(reporter, "warnings", [])))
        info.records = run.digest_records()
        _close(run, info, "finished")
        with reporter.task("report") as _:
            from harness.report.formats.index_page import write_index
            from harness.report.formats.write_reports import write_reports

            reports = write_reports(run)
            write_index(settings.out)
        return Finished(run, info, results, reports)


def _count(run: RunDir, info: RunInfo, results: Results, settings: Settings, store: Store, reporter: Reporter) -> None:
    if settings.lock is None or not settings.lock.exists():
        return
    try:
        info.lock = count_attempt(settings.lock, run, info, results, locked=settings.locked, store=store)
    except HarnessError as error:
        if settings.locked:
            raise
        reporter.warn(f"the attempt could not be counted: {error.message} ({settings.lock})")


def _hold(suite: Suite, store: Store, reporter: Reporter, settings: Settings) -> None:
    from harness.suite.load_suite import parse_suite

    path = settings.lock or lock_path(suite)
    written = parse_suite(suite.text, suite.path)
    check_lock(path, written, suite, settings.overrides, settings.limit, store, reporter)


def _work(
    run: RunDir,
    info: RunInfo,
    suite: Suite,
    store: Store,
    reporter: Reporter,
    settings: Settings,
    code: Mapping[str, Any],
) -> Results:
    clock = Clock(info)
    with clock.step("data", "data"):
        prepared = prepare(suite, store, reporter, limit=settings.limit, code=code)
    workshop = Workshop(prepared, store, reporter)
    checkpoints = make_checkpoints(workshop, clock, run)
    info.checkpoints = {name: _address(made) for name, made in checkpoints.items()}
    info.training = {name: dict(made.meta["measured"]) for name, made in checkpoints.items() if "measured" in made.meta}
    further = make_replicates(workshop, clock, run)
    for made in (one for several in further.values() for one in several):
        name = f"{made.model} seed {made.seed}"
        info.checkpoints[name] = made.key
        if "measured" in made.meta:
            info.training[name] = dict(made.meta["measured"])
    answers = Answers(prepared, workshop, store, reporter, device=settings.device)
    asked = collect(prepared, checkpoints, answers, clock, run, further)
    with clock.step("statistics", "compare"):
        results = assemble(
            run,
            prepared,
            checkpoints,
            asked,
            reporter=reporter,
            memo=store_memo(store),
            limit=settings.limit,
            store=store,
            today=settings.today or datetime.now(UTC).date(),
        )
    results.write(run.results_path)
    return results


def _opening(run: RunDir, suite: Suite, settings: Settings, attempts: int) -> RunInfo:
    started = run_folders.now()
    if attempts > 1:
        started = run.read_info().started
    return RunInfo(
        run_id=run.path.name,
        suite=suite.name,
        suite_path=str(suite.path) if suite.path is not None else None,
        suite_text=suite.text,
        command=list(settings.command),
        started=started,
        attempts=attempts,
        versions=provenance.versions(),
        hardware=provenance.hardware(),
        git=provenance.git_state(suite.folder),
        seed=suite.seed,
        overrides=dict(settings.overrides),
        ci_attempt=provenance.ci_attempt(),
    )


def _close(run: RunDir, info: RunInfo, state: str) -> None:
    info.state = state
    info.finished = run_folders.now()
    info.peak_memory = max(info.peak_memory or 0, peak_memory())
    try:
        run.write_info(info)
    except HarnessError:
        if state == "finished":
            raise


def _address(checkpoint: Checkpoint) -> str:
    return str(checkpoint.path) if checkpoint.in_place else checkpoint.key
