"""Run directories: making one, going on with an unfinished one, finding a finished one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from harness.core.digests import short
from harness.core.errors import DataError, Where
from harness.storage import atomic, seal
from harness.storage.locks import try_hold
from harness.storage.run_dir import RunDir

LOCK = ".lock"


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def claim(out: Path, suite: str, identity: str, *, resume: bool) -> Iterator[tuple[RunDir, int]]:
    """Yields the run directory to work in, and which attempt this is (from 1).

    An unfinished directory of the same identity (suite content and overrides) is continued when
    `resume` and when no living process holds it; else a new one is made. The lock is released
    when the process ends, however it ends.
    """
    parent = out / suite
    with atomic.explained(parent):
        parent.mkdir(parents=True, exist_ok=True)
        candidates = sorted(parent.glob(f"*-{short(identity)}*"), reverse=True) if resume else []
        for folder in candidates:
            run = RunDir(folder)
            attempts = _unfinished(run)
            if attempts is None:
                continue
            handle = try_hold(folder / LOCK)
            if handle is None:
                continue
            with handle:
                yield run, attempts + 1
            return
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        folder = _new_folder(parent, f"{stamp}-{short(identity)}")
        handle = try_hold(folder / LOCK)
        if handle is None:
            raise DataError("another process holds the new run directory.", where=Where(folder))
        with handle:
            yield RunDir(folder), 1


def find(path: Path) -> RunDir:
    """The run directory at `path`, or the newest finished one below a suite's folder.

    Raises:
        DataError: when there is none.
    """
    if (path / "run.json").is_file():
        return RunDir(path)
    if path.is_dir():
        finished = [
            RunDir(folder)
            for folder in sorted(path.iterdir(), key=lambda folder: folder.name, reverse=True)
            if _finished(folder)
        ]
        if finished:
            return finished[0]
    raise DataError(
        "no finished run here.",
        where=Where(path),
        hint="pass a run directory such as reports/sentiment/<run id>, or a suite's folder of runs.",
    )


def find_newest(path: Path) -> RunDir:
    """As `find`; below a folder of several suites' runs, the newest finished one of all.

    Raises:
        DataError: when there is none.
    """
    if path.is_dir() and not (path / "run.json").is_file():
        runs = [folder for below in path.iterdir() if below.is_dir() for folder in [below, *_folders(below)]]
        finished = [run for run in runs if _finished(run)]
        if finished:
            return RunDir(max(finished, key=lambda folder: folder.name))
    return find(path)


def _finished(folder: Path) -> bool:
    """Whether a run ended here; one that was stopped while it was sealed is settled first."""
    seal.settle(folder)
    return (folder / "results.json").is_file() and (folder / "run.json").is_file()


def _folders(path: Path) -> list[Path]:
    return [folder for folder in path.iterdir() if folder.is_dir()]


def _unfinished(run: RunDir) -> int | None:
    try:
        info = run.read_info()
    except DataError:
        return None
    done = run.sealed or (info.state == "finished" and info.earlier_version is not None)
    return None if done else info.attempts


def _new_folder(parent: Path, name: str) -> Path:
    for number in range(1, 1000):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise DataError("too many runs started in this second; no run id is free.", where=Where(parent))
