"""Unfinished training: which Trainer checkpoint to go on from, and which ones not to trust."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from harness.core.digests import digest, file_digest
from harness.core.reporter import Reporter
from harness.storage import atomic

RESUME_FOLDER = ".resume"
_MARKER = "complete.json"
_PREFIX = "checkpoint-"


def seal(checkpoint: Path, plan: str, threads: int) -> None:
    """Marks a Trainer checkpoint as whole: the digest of every file, written last.

    Args:
        checkpoint: the folder.
        plan: digest of what is trained and how; another plan never goes on from it.
        threads: of the process that trained; sums are rounded as threads divide them.
    """
    atomic.sync_tree(checkpoint)
    marker = {"plan": plan, "threads": threads, "files": _digests(checkpoint)}
    atomic.write_text(checkpoint / _MARKER, json.dumps(marker, sort_keys=True))


def latest(folder: Path, plan: str, reporter: Reporter) -> Path | None:
    """The newest whole checkpoint below `folder`; damaged or foreign ones are removed with a warning."""
    if not folder.is_dir():
        return None
    for checkpoint in sorted(folder.glob(f"{_PREFIX}*"), key=step_of, reverse=True):
        fault = _fault(checkpoint, plan)
        if fault is None:
            return checkpoint
        shutil.rmtree(checkpoint, ignore_errors=True)
        reporter.warn(f"discarding {checkpoint.name} of the unfinished training: {fault}.")
    return None


def threads_of(checkpoint: Path) -> int:
    """How many threads trained a sealed checkpoint."""
    return int(json.loads((checkpoint / _MARKER).read_text("utf-8"))["threads"])


def step_of(checkpoint: Path) -> int:
    """The optimizer step after which a checkpoint was written; -1 for a folder of another name."""
    number = checkpoint.name.removeprefix(_PREFIX)
    return int(number) if number.isdecimal() else -1


def plan_digest(content: dict[str, object]) -> str:
    """Digest of a training plan."""
    return digest(content)


def _digests(checkpoint: Path) -> dict[str, str]:
    return {
        str(path.relative_to(checkpoint)): file_digest(path)
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file() and path.name != _MARKER
    }


def _fault(checkpoint: Path, plan: str) -> str | None:
    try:
        marker = json.loads((checkpoint / _MARKER).read_text("utf-8"))
        files, made_for = dict(marker["files"]), marker["plan"]
        int(marker["threads"])
    except FileNotFoundError:
        return "it is incomplete"
    except (OSError, ValueError, KeyError, TypeError):
        return "its marker is unreadable"
    if made_for != plan:
        return "it belongs to a different training"
    if _digests(checkpoint) != files:
        return "its files have changed"
    return None
