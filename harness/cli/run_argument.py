"""The stored run that a command is given: by its folder, its address, its tag, or its suite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.options import OUT
from harness.cli.terminal import say

if TYPE_CHECKING:
    from harness.storage.run_dir import RunDir


def run_folder(path: str) -> Path:
    """A run given as a folder, as a URL, by the tag it was blessed with, or as a suite with runs below ./reports."""
    from harness.storage.blessed_runs import REGISTRY, read_registry, stored_run
    from harness.storage.remote_run import is_url, run_at

    if is_url(path):
        return run_at(path)
    folder = Path(path)
    if not folder.exists() and path in read_registry(Path(REGISTRY)).runs:
        return stored_run(path, Path()).run.path
    below = Path(OUT) / path
    return folder if folder.exists() or not below.is_dir() else below


def say_earlier_version(*runs: RunDir) -> None:
    """Says on stderr of every run which version made it, where that had other names."""
    from harness.report.wording.safe_text import clean_line
    from harness.schema.run_info import earlier_sentence

    for run in runs:
        sentence = earlier_sentence(run.read_info())
        if sentence is not None:
            say(clean_line(f"{run.path}: {sentence}", 400), err=True)


def earlier_json(*runs: RunDir) -> dict[str, Any]:
    """The same for the JSON object of a command: empty for runs of this version."""
    from harness.schema.run_info import earlier_mark

    marks = {str(run.path): mark for run in runs if (mark := earlier_mark(run.read_info())) is not None}
    return {"unsealed": marks} if marks else {}


def newest_run(suite: str) -> RunDir | None:
    """The newest finished run of a suite below ./reports, or None."""
    from harness.core.errors import DataError
    from harness.storage.run_folders import find

    try:
        return find(Path(OUT) / suite)
    except DataError:
        return None
