"""Blesses a stored run: writes it into the registry of tags."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import DataError, Where, unknown
from harness.storage.blessed_runs import BlessedRun, bless, place_of, seal_digest
from harness.storage.run_dir import RunDir
from harness.storage.run_folders import now
from harness.suite.policies_in_force import commanded


def bless_run(
    run: RunDir, tag: str, registry: Path, *, model: str | None, place: str | None, allow_failed: bool
) -> tuple[BlessedRun, BlessedRun | None]:
    """Writes a run into a registry under a tag.

    Args:
        model: the blessed model; the released one when None.
        place: the run's URL; None for a folder.
        allow_failed: take a run whose gates do not all pass.

    Returns:
        The entry, and the one that it takes the place of.

    Raises:
        DataError: for a run that was changed or did not pass, an unknown model, or more than one to choose from.
    """
    results = run.read_results()
    names = [entry.name for entry in results.models]
    if model is None and len(results.release) != 1:
        raise DataError(
            f"the run has {len(results.release)} released models: {', '.join(results.release) or 'none'}.",
            where=Where(run.path),
            hint="choose the one to bless: --model NAME.",
        )
    chosen = results.release[0] if model is None else model
    if chosen not in names:
        raise DataError(unknown("model", chosen, names), where=Where(run.path))
    if results.verdict.overall != "pass" and not allow_failed:
        raise DataError(
            f"the verdict of this run is {results.verdict.overall!r}, expected 'pass': {results.verdict.sentence}",
            where=Where(run.path),
            hint="bless a run that passed, or pass --allow-failed.",
        )
    judged_by = {policy.digest for policy in results.policies}
    unheld = [policy for policy in commanded() if policy.digest not in judged_by]
    if unheld and not allow_failed:
        raise DataError(
            f"the verdict of this run was given without the policy {unheld[0].file}, which this command is held to.",
            where=Where(run.path),
            hint="judge the run by it first: harness gate RUN --write.",
        )
    entry = BlessedRun(
        run=place or place_of(run.path, registry),
        run_id=run.read_info().run_id,
        suite=results.suite,
        suite_digest=results.suite_digest,
        seal=seal_digest(run),
        model=chosen,
        verdict=results.verdict.overall,
        blessed=now(),
    )
    return entry, bless(registry, tag, entry)
