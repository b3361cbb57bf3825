"""Runs that `harness import` makes of the logs in `tests/importers/logs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.cli.app import invoke
from harness.schema.results.results_file import Results
from harness.storage.run_dir import RunDir

LOGS = Path(__file__).parents[2] / "importers" / "logs"


def imported_results(arguments: list[str], folder: Path) -> Results:
    """The results of the run that `harness import` makes."""
    assert invoke(["import", *arguments, "--out", str(folder), "-q"]) == 0
    run = RunDir(max(folder.glob("*/*/results.json")).parent)
    run.check()
    return run.read_results()


def imported_metrics(arguments: list[str], folder: Path) -> dict[tuple[str, str, str], Any]:
    """(model, task, metric) → its entry, of all items."""
    entries = imported_results(arguments, folder).metrics
    return {(entry.model, entry.id.partition(".")[0], entry.metric): entry for entry in entries if not entry.slice}
