"""The lock file of a suite: what a release is judged by, pinned; and how often it was tried.

A lock pins the suite, its gates, the data behind it and the baseline. Candidates are not pinned: they are
what is judged. `harness run --locked` refuses to compute anything when something else than a candidate
differs. Runs with answers of their own are counted, so that trying until the verdict is green shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.core.digests import digest, short
from harness.core.errors import LockError, Where
from harness.core.reporter import Reporter
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.prepared_suite import PreparedSuite, prepare
from harness.pipeline.results.scoring import content_digest
from harness.schema.lock_file import LOCK_FORMAT, Attempt, Lock
from harness.schema.results.results_file import Results
from harness.schema.run_info import LockState, RunInfo
from harness.schema.validation import in_short
from harness.storage import atomic, plain_files
from harness.storage.records_file import read_records
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite


def lock_path(suite: Suite, shipped: bool = False) -> Path:
    """`<suite>.lock` next to the suite file; for a bundled suite, in the current folder."""
    return Path(f"{suite.path.stem}.lock") if shipped else suite.path.with_suffix(".lock")


def make_lock(suite: Suite, prepared: PreparedSuite, store: Store, reporter: Reporter) -> Lock:
    """The lock of a suite as it stands now, without attempts; computes keys, trains nothing."""
    builder = CheckpointBuilder(prepared, store, reporter)
    return Lock(
        suite=suite.name,
        **_suite_digests(suite.document.value),
        data={name: dataset.fingerprint for name, dataset in sorted(prepared.datasets.items())},
        policies={policy.name: policy.source.digest for policy in suite.policies},
        baseline={name: builder.key(name) for name in [suite.compare.baseline, *suite.compare.base_variants]},
    )


def write_lock(suite: Suite, path: Path, store: Store, reporter: Reporter) -> tuple[Lock, list[str]]:
    """Writes the lock of a suite; attempts are kept while nothing that is locked has changed.

    Returns:
        The lock, and what differs from the one that was there (empty for a new or an equal one).

    Raises:
        LockError: when there is a lock file that cannot be read.
    """
    lock = make_lock(suite, prepare(suite, store, reporter), store, reporter)
    changes: list[str] = []
    if path.exists():
        before = read_lock(path)
        changes = [*_suite_differences(before, suite), *_made_differences(before, lock)]
        if not changes:
            lock.attempts = before.attempts
    _write(path, lock)
    return lock, changes


def renew_lock(before: Mapping[str, Any], suite: Suite, path: Path, store: Store, reporter: Reporter) -> Lock:
    """Writes the lock of a suite whose names were rewritten; attempts are kept, for it is the same suite.

    Args:
        before: the suite's data as it was before; the lock must be of it.

    Raises:
        LockError: when the lock cannot be read, or was not of the suite as it stood; it stays as it is then.
    """
    known = read_lock(path)
    differences = [*_value_differences(known, str(before.get("name")), before)]
    lock = make_lock(suite, prepare(suite, store, reporter), store, reporter)
    differences += _parts(known.data, lock.data, "data ")
    if differences:
        raise LockError(
            "the lock file did not match the suite as it was, so it was not renewed.",
            where=Where(path),
            notes=[f"  {difference}" for difference in differences],
            hint="`harness lock SUITE` writes it anew and counts attempts from zero.",
        )
    lock.attempts = known.attempts
    _write(path, lock)
    return lock


def read_lock(path: Path) -> Lock:
    """Reads a lock file.

    Raises:
        LockError: when it is missing, damaged or of another format.
    """
    try:
        lock = Lock.model_validate_json(plain_files.read_bytes(path))
    except FileNotFoundError as error:
        raise LockError(
            "no lock file found, which --locked requires.",
            where=Where(path),
            hint="run `harness lock SUITE` to write it, then commit it with the suite.",
        ) from error
    except (OSError, ValidationError) as error:
        raise LockError(
            f"cannot read the lock file: {in_short(error)}",
            where=Where(path),
            hint="restore it, or write a new one with `harness lock SUITE`.",
        ) from error
    if lock.format != LOCK_FORMAT:
        raise LockError(
            f"the lock file has format {lock.format}, expected {LOCK_FORMAT}.",
            where=Where(path),
            hint="rewrite it with this version: harness lock SUITE.",
        )
    return lock


def check_lock(
    path: Path,
    suite: Suite,
    overrides: Mapping[str, Any],
    limit: int | None,
    store: Store,
    reporter: Reporter,
) -> PreparedSuite:
    """Holds a run to its lock before anything is trained or asked.

    Args:
        suite: with changes from the command line; its document is the file as it was read.

    Returns:
        The suite with open data.

    Raises:
        LockError: with everything that differs.
    """
    lock = read_lock(path)
    differences = [*_suite_differences(lock, suite), *_override_differences(suite, overrides, limit)]
    if differences:
        raise _mismatch(path, differences)
    prepared = prepare(suite, store, reporter)
    differences = [*_made_differences(lock, make_lock(suite, prepared, store, reporter))]
    if differences:
        raise _mismatch(path, differences)
    return prepared


def count_attempt(path: Path, run: RunDir, info: RunInfo, results: Results, *, locked: bool, store: Store) -> LockState:
    """Counts a finished run in the lock file, if it had answers of its own.

    A run wholly from the cache is no attempt; one that goes on from a killed run is, when its answers are
    not those of an earlier attempt.

    Raises:
        LockError: when the lock file cannot be read any more.
        IncompleteError: when it cannot be written.
    """
    with store.lock("lockfile", digest(str(path.absolute()))):
        lock = read_lock(path)
        answers = _answers(run)
        computed = any(step.kind == "evaluate" and not step.cached for step in info.steps)
        known = any(attempt.answers == answers for attempt in lock.attempts)
        counted = computed or (info.attempts > 1 and not known)
        if counted:
            lock.attempts.append(
                Attempt(
                    run=info.run_id,
                    seed=results.seed,
                    suite=results.suite_digest,
                    answers=answers,
                    verdict=results.verdict.overall,
                )
            )
            _write(path, lock)
    seeds = [attempt.seed for attempt in lock.attempts]
    return LockState(file=path.name, locked=locked, attempts=len(seeds), counted=counted, seeds=seeds)


def attempt_number(path: Path | None, run: RunDir) -> int | None:
    """Which attempt under a lock file the answers of a run are: the next one, or the earlier one that gave the same.

    None without a lock file.
    """
    if path is None or not path.exists():
        return None
    known = [attempt.answers for attempt in read_lock(path).attempts]
    answers = _answers(run)
    return known.index(answers) + 1 if answers in known else len(known) + 1


def _answers(run: RunDir) -> str:
    files = sorted((run.path / "records").rglob("*.parquet"))
    return digest({file.relative_to(run.path).as_posix(): content_digest(read_records(file)) for file in files})


def _write(path: Path, lock: Lock) -> None:
    atomic.write_text(path, lock.model_dump_json(indent=1) + "\n")


def _suite_digests(value: Mapping[str, Any]) -> dict[str, Any]:
    from harness.suite.suite import suite_digest

    section: Any = value.get("gates") or []
    rules = section if isinstance(section, list) else section.get("rules", [])
    gates = {f"gate {rule['id']}": digest(rule) for rule in rules}
    if isinstance(section, dict):
        gates |= {f"gates.{key}": digest(section[key]) for key in ("defaults", "waivers") if section.get(key)}
    return {
        "suite_digest": suite_digest(value),
        "gates_digest": digest(value.get("gates")),
        "sections": {key: digest(part) for key, part in value.items() if key != "gates"},
        "gates": gates,
    }


def _suite_differences(lock: Lock, suite: Suite) -> Iterator[str]:
    return _value_differences(lock, suite.name, suite.document.value)


def _value_differences(lock: Lock, name: str, value: Mapping[str, Any]) -> Iterator[str]:
    now = _suite_digests(value)
    if lock.suite != name:
        yield f"suite: locked {lock.suite!r}, found {name!r}"
    # A digest that was changed by hand in the lock is a difference too: of the parts, and of the whole.
    sections = [*_parts(lock.sections, now["sections"], "suite file, section ")]
    yield from sections
    if lock.suite_digest != now["suite_digest"] and not sections:
        yield f"suite file: locked {short(lock.suite_digest)}, found {short(now['suite_digest'])}"
    if lock.gates_digest != now["gates_digest"]:
        parts = [*_parts(lock.gates, now["gates"], "suite file, ")]
        yield from parts or ["suite file, gates: order or format changed"]


def _override_differences(suite: Suite, overrides: Mapping[str, Any], limit: int | None) -> Iterator[str]:
    if "seed" in overrides:
        yield f"--seed {overrides['seed']}: a locked run uses the suite's own seed"
    if "only" in overrides:
        yield f"--only {','.join(overrides['only'])}: a locked run covers the whole suite"
    for key, value in overrides.get("set", {}).items():
        yield f"--set {key}={value}: a locked run is the suite as it is written"
    if limit is not None:
        yield f"--limit {limit}: a locked run evaluates all items"
    if "baseline_run" in overrides:
        yield f"--baseline-run {overrides['baseline_run']['run']}: the baseline is locked"
    if "generated_code" in overrides:
        yield "--allow-generated-code: a locked run runs no programs that models wrote"
    fixed = {suite.compare.baseline, *suite.compare.base_variants}
    for name in sorted(fixed & set(overrides.get("models", {}))):
        yield f"--model {name}=…: the baseline is locked"


def _made_differences(lock: Lock, now: Lock) -> Iterator[str]:
    yield from _parts(lock.data, now.data, "data ")
    yield from _parts(lock.policies, now.policies, "policy ")
    yield from _parts(lock.baseline, now.baseline, "baseline ")


def _parts(before: Mapping[str, str], now: Mapping[str, str], what: str) -> Iterator[str]:
    for name in [*before, *(name for name in now if name not in before)]:
        if name not in now:
            yield f"{what}{name}: locked, now missing"
        elif name not in before:
            yield f"{what}{name}: new, not locked"
        elif before[name] != now[name]:
            yield f"{what}{name}: locked {short(before[name])}, found {short(now[name])}"


def _mismatch(path: Path, differences: list[str]) -> LockError:
    noun = "1 difference" if len(differences) == 1 else f"{len(differences)} differences"
    return LockError(
        f"{noun} from the lock file; nothing was computed.",
        where=Where(path),
        notes=[f"  {difference}" for difference in differences],
        hint="undo the change; or, if it is intended, have it reviewed, run `harness lock SUITE`, and commit both.",
    )
