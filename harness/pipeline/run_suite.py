"""Executes a suite: data, checkpoints, records, scores, verdicts, reports.

Every expensive thing is found by its content key or made once; a killed run goes on from what is
in the store and ends with the same results.json.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.calibration.driver import over_worlds
from harness.core.digests import digest
from harness.core.errors import HarnessError
from harness.core.reporter import Reporter
from harness.model_kinds.describe import parent_of
from harness.pipeline import provenance
from harness.pipeline.checkpoints.checkpoint_builder import Checkpoint, Workshop
from harness.pipeline.prepared_suite import Prepared, prepare
from harness.pipeline.records.base_selection import competes, ways_of
from harness.pipeline.records.record_cache import Answers
from harness.pipeline.results.assembly import assemble
from harness.pipeline.results.inference_cost import request_costs
from harness.pipeline.results.scoring import store_memo
from harness.pipeline.suite_lock import check_lock, count_attempt, lock_path
from harness.schema.results.results_file import Results
from harness.storage import atomic, run_folders
from harness.storage.run_dir import RunDir, RunInfo, StepTiming
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


class Clock:
    """Measures steps, for run.json."""

    def __init__(self, info: RunInfo) -> None:
        self.info = info

    @contextmanager
    def step(self, name: str, kind: str) -> Iterator[dict[str, bool]]:
        """Times a block; set `["cached"] = True` in it when nothing had to be done."""
        facts = {"cached": False}
        started = time.monotonic()
        yield facts
        self.info.steps.append(
            StepTiming(name=name, kind=kind, seconds=round(time.monotonic() - started, 3), cached=facts["cached"])
        )


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
            if suite.worlds is None:
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


def train_models(suite: Suite, store: Store, reporter: Reporter) -> dict[str, Checkpoint]:
    """Makes or finds the checkpoints of a suite, and nothing else; further seeds are `model seed n`."""
    workshop = Workshop(prepare(suite, store, reporter), store, reporter)
    workshop.require_extras()
    made = {model: workshop.checkpoint(model) for model in workshop.order()}
    for model in suite.contenders:
        for seed in workshop.further_seeds(model):
            made[f"{model} seed {seed}"] = workshop.replicate(model, seed)
    return made


def make_checkpoints(workshop: Workshop, clock: Clock, run: RunDir | None) -> dict[str, Checkpoint]:
    """Makes or finds every model of the suite, parents first; copies training logs to the run."""
    made: dict[str, Checkpoint] = {}
    workshop.require_extras()
    for model in workshop.order():
        with clock.step(model, "stage") as facts:
            made[model] = workshop.checkpoint(model)
            facts["cached"] = made[model].cached
        log = made[model].path / "training.jsonl"
        if run is not None and log.is_file() and made[model].made_by != "load":
            atomic.write_bytes(run.training_path(model), log.read_bytes())
    return made


def make_replicates(workshop: Workshop, clock: Clock, run: RunDir) -> dict[str, list[Checkpoint]]:
    """Makes or finds the further training seeds of the models that are asked."""
    made: dict[str, list[Checkpoint]] = {}
    for model in workshop.prepared.suite.contenders:
        for seed in workshop.further_seeds(model):
            with clock.step(f"{model} seed {seed}", "stage") as facts:
                checkpoint = workshop.replicate(model, seed)
                facts["cached"] = checkpoint.cached
            made.setdefault(model, []).append(checkpoint)
            log = checkpoint.path / "training.jsonl"
            if log.is_file():
                atomic.write_bytes(run.training_path(f"{model}.seed-{seed}"), log.read_bytes())
    return made


def collect(
    prepared: Prepared,
    checkpoints: Mapping[str, Checkpoint],
    answers: Answers,
    clock: Clock,
    run: RunDir,
    further: Mapping[str, Sequence[Checkpoint]],
) -> Answers:
    """Brings the records of every model on every evaluation into the run directory.

    Args:
        further: model → its checkpoints with further training seeds.
    """
    overlapping = answers.overlap()
    for name, bound in prepared.asked.items():
        items_file = answers.items_file(bound)
        target = run.items_path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(target, items_file.read_bytes())
        stale = run.path / "records" / name
        shutil.rmtree(stale, ignore_errors=True)
    ways = ways_of(prepared)
    for model in answers.by_base({model: checkpoints[model] for model in prepared.suite.contenders}):
        checkpoint = checkpoints[model]
        with clock.step(model, "evaluate") as facts:
            facts["cached"] = True
            for name, bound in prepared.asked.items():
                if model in ways and competes(bound):
                    facts["cached"] &= answers.records(bound, checkpoint, "validation")[1]
                records, cached = answers.records(bound, checkpoint)
                facts["cached"] &= cached
                if records is not None:
                    marked = records.with_overlap(overlapping.get(name, frozenset()))
                    marked.write(run.records_path(name, model))
        answers.release(checkpoint)
        for replicate in further.get(model, ()):
            with clock.step(f"{model} seed {replicate.seed}", "evaluate") as facts:
                facts["cached"] = True
                for name, bound in prepared.asked.items():
                    records, cached = answers.records(bound, replicate)
                    facts["cached"] &= cached
                    if records is not None:
                        marked = records.with_overlap(overlapping.get(name, frozenset()))
                        marked.write(run.replicate_path(name, model, replicate.seed))
            answers.release(replicate)
    for (name, model), seconds in answers.seconds.items():
        clock.info.asking.setdefault(name, {})[model] = seconds
    clock.info.requests = request_costs(
        clock.info.asking,
        {name: answers.item_set(bound).n for name, bound in prepared.asked.items()},
        {name: spent for name in prepared.suite.models if (spent := clock.info.training_seconds(name)) is not None},
        {name: parent_of(spec) for name, spec in prepared.suite.models.items()},
        threads=int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1),
        work=answers.work,
    )
    clock.info.peak_memory = answers.highest_memory
    return answers


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
    info.peak_memory = max(info.peak_memory or 0, provenance.peak_memory() or 0) or None
    try:
        run.write_info(info)
    except HarnessError:
        if state == "finished":
            raise


def _address(checkpoint: Checkpoint) -> str:
    return str(checkpoint.path) if checkpoint.made_by == "load" else checkpoint.key
