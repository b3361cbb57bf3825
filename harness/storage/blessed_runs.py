"""Runs that were blessed under a tag: a small JSON file that can live in git, and finding a run by such a tag.

An entry names the run's place and the digest of its seal, so that a tag stands for these results and records alone.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.core.digests import short
from harness.core.errors import DataError, Where, unknown
from harness.schema.suite.types import NAME_PATTERN
from harness.schema.validation import in_short
from harness.storage import atomic, plain_files, run_folders, seal
from harness.storage.remote_run import is_url, run_at
from harness.storage.run_dir import RunDir

REGISTRY = "blessed-runs.json"
REPORTS = "reports"


class BlessedRun(BaseModel):
    """One tag's run.

    Attributes:
        run: its folder, relative to the registry where it lies below it, or its URL.
        seal: digest of its seal, which covers results.json, run.json and all records.
        model: the model that was blessed.
    """

    model_config = ConfigDict(extra="forbid")

    run: str
    run_id: str
    suite: str
    suite_digest: str
    seal: str
    model: str
    verdict: str
    blessed: str


class Registry(BaseModel):
    """The content of a registry: tag → run."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    runs: dict[str, BlessedRun] = {}


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A stored run that a suite or a command names.

    Attributes:
        seal: digest of its seal.
        tag: the entry of the registry that led to it, or None.
    """

    run: RunDir
    seal: str
    tag: BlessedRun | None = None

    def release(self) -> str | None:
        """The model that the run stands for: the blessed one, else the only one that it was to release."""
        if self.tag is not None:
            return self.tag.model
        release = self.run.read_results().release
        return release[0] if len(release) == 1 else None


def read_registry(path: Path) -> Registry:
    """Reads a registry; an empty one where there is no file.

    Raises:
        DataError: when it is damaged.
    """
    try:
        return Registry.model_validate(plain_files.read_json(path))
    except FileNotFoundError:
        return Registry()
    except (OSError, ValueError, ValidationError) as error:
        raise DataError(
            f"cannot read the registry of blessed runs: {in_short(error)}",
            where=Where(path),
            hint="restore the file, or remove it and bless the runs again: harness bless RUN --as TAG.",
        ) from error


def bless(path: Path, tag: str, entry: BlessedRun) -> BlessedRun | None:
    """Writes an entry into a registry; returns the one that it takes the place of.

    Raises:
        DataError: when the tag is no name, or the registry is damaged.
    """
    if re.fullmatch(NAME_PATTERN, tag) is None:
        raise DataError(f"expected a tag of lowercase letters, digits, `_` and `-`, found {tag[:60]!r}.")
    registry = read_registry(path)
    before = registry.runs.get(tag)
    runs = dict(sorted({**registry.runs, tag: entry}.items()))
    atomic.write_text(path, Registry(runs=runs).model_dump_json(indent=1) + "\n")
    return before


def place_of(run: Path, registry: Path) -> str:
    """How a registry names a run's folder: relative where it lies below the registry's own folder."""
    target, base = run.resolve(), registry.absolute().parent.resolve()
    return target.relative_to(base).as_posix() if target.is_relative_to(base) else str(target)


def seal_digest(run: RunDir) -> str:
    """The digest of a run's seal.

    Raises:
        DataError: when the run was changed, or has no seal.
    """
    run.check()
    try:
        return seal.read(run.path).digest
    except (OSError, ValueError) as error:
        raise DataError(
            "this run has no seal, so nothing pins its records.",
            where=Where(run.path),
            hint="rerun its suite with this version.",
        ) from error


def stored_run(named: str, folder: Path) -> StoredRun:
    """The run that is named: by a tag, a URL, a folder, or a suite's name below ./reports.

    Args:
        folder: where registries and relative paths are looked for, before the current folder.

    Raises:
        DataError: when there is none, when it was changed since it was sealed, or is not the one that was blessed.
    """
    if is_url(named):
        run = RunDir(run_at(named))
        return StoredRun(run, seal_digest(run))
    folders = list(dict.fromkeys([folder.absolute(), Path.cwd()]))
    tags: list[str] = []
    for base in folders:
        registry = read_registry(base / REGISTRY)
        if named in registry.runs:
            return _blessed(named, registry.runs[named], base / REGISTRY)
        tags += registry.runs
    for base in folders:
        for path in (base / os.path.expanduser(named), base / REPORTS / named):  # noqa: PTH111 (joined with a folder)
            if path.is_dir():
                run = run_folders.find(path)
                return StoredRun(run, seal_digest(run))
    known = unknown("tag", named, tags) if tags else f"no run and no tag {named!r}."
    raise DataError(
        known,
        where=Where(folder / REGISTRY) if tags else None,
        hint="pass a run's folder or URL, or bless a run first: harness bless RUN --as TAG.",
    )


def _blessed(tag: str, entry: BlessedRun, registry: Path) -> StoredRun:
    path = run_at(entry.run) if is_url(entry.run) else registry.parent / entry.run
    if not path.is_dir():
        raise DataError(
            f"the run of the tag {tag!r} is not here: {entry.run}.",
            where=Where(registry),
            hint="fetch the run to that place, or bless another one.",
        )
    run = RunDir(path)
    digest = seal_digest(run)
    if digest != entry.seal:
        raise DataError(
            f"the run of the tag {tag!r} is not the one that was blessed: seal {short(digest)}…, "
            f"blessed {short(entry.seal)}….",
            where=Where(run.path),
            hint=f"restore the run, or bless it again: harness bless {entry.run} --as {tag}.",
        )
    return StoredRun(run, digest, entry)
