"""Executes a suite: data, checkpoints, records, scores, verdicts, reports.

Every expensive thing is found by its content key or made once; a killed run resumes from what is
in the store and ends with the same results.json.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.digests import digest
from harness.core.errors import HarnessError, SuiteError
from harness.core.reporter import Reporter
from harness.models.peak_memory import peak_memory
from harness.pipeline import provenance
from harness.pipeline.carry_out import carry_out as carry_out_plain
from harness.pipeline.prepared_suite import PreparedSuite
from harness.pipeline.private_messages import private_messages
from harness.pipeline.run_context import CarryOut, RunContext
from harness.pipeline.run_context import Settings as Settings
from harness.pipeline.sequential_run import batched_evaluations
from harness.pipeline.suite_lock import check_lock, count_attempt, lock_path
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo
from harness.storage import memory_room, run_folders
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite


_LARGE = 50_000
"""Items beyond which a second of looking for what nobody holds any more is worth its while."""


@dataclass(frozen=True)
class Finished:
    """A finished run."""

    run: RunDir
    info: RunInfo
    results: Results
    reports: Sequence[Path]


def run_suite(
    suite: Suite, store: Store, reporter: Reporter, settings: Settings, carry_out: CarryOut = carry_out_plain
) -> Finished:
    """Runs a whole suite; where its texts are private, no message quotes a row.

    Arguments and errors are those of `_run_suite`.
    """
    with private_messages(suite, reporter) as told:
        return _run_suite(suite, store, told, settings, carry_out)


def _run_suite(suite: Suite, store: Store, reporter: Reporter, settings: Settings, carry_out: CarryOut) -> Finished:
    """Runs a whole suite.

    Args:
        carry_out: the steps between the opened and the closed run directory; those of a plain suite when left out.

    Raises:
        LockError: when the run is held to a lock file, and something differs; nothing was computed then.
        SuiteError: when a metric is code of a file, and that is not allowed or not what was pinned; nothing ran then.
        HarnessError: for anything that a person can repair; what was finished stays in the store.
    """
    from harness.metrics.hf_evaluate import outside_code
    from harness.suite.checks.metric_code_checks import allowed_code
    from harness.suite.unjudged_gates import without_changed
    from harness.suite.unknown_training import warnings_of

    suite = replace(suite, generated_code=settings.generated_code)
    if settings.until_decided:
        batched_evaluations(suite)
    suite = without_changed(suite, settings.overrides, settings.limit)
    files = allowed_code(suite, allowed=settings.metric_code)
    _require_readable(suite)
    prepared: PreparedSuite | None = None
    if settings.locked:
        prepared = check_lock(
            settings.lock or lock_path(suite), suite, settings.overrides, settings.limit, store, reporter
        )
    parts = {"suite": suite.digest, "overrides": dict(settings.overrides), "limit": settings.limit}
    identity = digest({**parts, "until_decided": True} if settings.until_decided else parts)
    with (
        outside_code(files) as code,
        run_folders.claim(settings.out, suite.name, identity, resume=settings.resume) as (run, attempts),
    ):
        info = _opening(run, suite, settings, attempts)
        run.write_info(info)
        for sentence in (*suite.deprecated, *warnings_of(suite)):
            reporter.warn(sentence)
        context = RunContext(run, info, suite, store, reporter, settings, prepared, code)
        try:
            results = carry_out(context)
            _count(context, results)
            info.warnings = sorted(set(reporter.warnings))
            _end(info, "finished")
            run.write(results, info)
        except KeyboardInterrupt:
            _close(run, info, "interrupted")
            raise
        except BaseException:
            _close(run, info, "failed")
            raise
        # The report reads what was written: the data of a large run need not stand beside it.
        del context, prepared
        if max((evaluation.n for evaluation in results.evaluations), default=0) > _LARGE:
            gc.collect()
        memory_room.give_back()
        with reporter.task("report") as _:
            from harness.report.formats.index_page import write_index
            from harness.report.formats.write_reports import write_reports

            reports = write_reports(run)
            write_index(settings.out)
        return Finished(run, info, results, reports)


def _require_readable(suite: Suite) -> None:
    """Refuses metrics that read texts from records which hold none."""
    from harness.metrics.hf_evaluate import is_outside

    if suite.texts == "all":
        return
    for name, spec in suite.evaluations.items():
        outside = [metric for metric in spec.options.metrics or () if is_outside(metric)]
        if outside:
            raise SuiteError(
                f"the metric {outside[0]!r} of {name!r} reads texts, which `texts: {suite.texts}` leaves out.",
                where=suite.where(f"{spec.role}s", name),
                hint="remove the metric, or store the texts (`texts: all`).",
            )


def _count(context: RunContext, results: Results) -> None:
    lock, locked = context.settings.lock, context.settings.locked
    if lock is None or not lock.exists():
        return
    try:
        context.info.lock = count_attempt(lock, context.run, context.info, results, locked=locked, store=context.store)
    except HarnessError as error:
        if locked:
            raise
        context.reporter.warn(f"could not record the attempt: {error.message} ({lock})")


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
        policies=[policy.stored for policy in suite.policies],
        ci_attempt=provenance.ci_attempt(),
    )


def _end(info: RunInfo, state: str) -> None:
    info.state = state
    info.finished = run_folders.now()
    info.peak_memory = max(info.peak_memory or 0, peak_memory())


def _close(run: RunDir, info: RunInfo, state: str) -> None:
    """Notes how a run ended that did not finish; the error that ended it says more than one of the disk would."""
    if run.sealed:
        return
    _end(info, state)
    with suppress(HarnessError):
        run.write_info(info)
