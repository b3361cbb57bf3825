"""The suite of a stored run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.schema.run_info import RunInfo
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.suite.suite import Suite

_SERIES = "series"


def suite_of(run: RunDir, suite_name: str | None) -> Suite:
    """The suite whose gates judge a run: the named one, else the run's own."""
    from harness.suite.load_suite import find_suite
    from harness.suite.yaml.located_document import decode, read_bytes

    if suite_name is not None:
        named = find_suite(suite_name)
        return _parsed(run, decode(read_bytes(named), named), named)
    info = run.read_info()
    if info.judged_by is not None:
        return _migrated(run, info.judged_by.suite_text, Path(info.judged_by.suite_path), info)
    return own_suite(run)


def own_suite(run: RunDir) -> Suite:
    """The suite that a run was made from, with the changes of its command line."""
    from harness.suite.override import override

    info = run.read_info()
    path = Path(info.suite_path) if info.suite_path else run.path / "suite.yaml"
    suite = _migrated(run, info.suite_text, path, info)
    changes = info.overrides
    if changes:
        suite = override(
            suite,
            models=changes.get("models", {}),
            only=changes.get("only"),
            seed=changes.get("seed"),
            trained_on=changes.get("trained_on"),
            baseline_run=changes.get("baseline_run"),
            texts=changes.get("texts"),
        )
    return suite


def _migrated(run: RunDir, text: str, path: Path, info: RunInfo) -> Suite:
    from harness.suite.old_names import migrate_text

    return _parsed(run, text if info.earlier_version is None else migrate_text(text, path).text, path)


def _parsed(run: RunDir, text: str, path: Path) -> Suite:
    """The suite with the checkpoints that the run had: what a training wrote or removed later is none of it."""
    from harness.calibration.load_calibration import parse_any_suite

    if _SERIES not in text:
        return parse_any_suite(text, path)
    series = run.read_results(figures=False).series
    known = {made.name: {step.step: step.folder for step in made.steps} for made in series}
    return parse_any_suite(text, path, known)
