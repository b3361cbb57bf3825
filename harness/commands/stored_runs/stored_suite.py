"""The suite of a stored run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.schema.run_info import RunInfo
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.suite.suite import Suite

_SERIES = "series"


def suite_of(run: RunDir, suite_name: str | None) -> Suite:
    """The suite whose gates judge a run: the named one, else the run's own.

    The policies that held the run hold it again, with those that the command is given; where the run's command line
    changed what they judge, their gates are left out.
    """
    from harness.suite.load_suite import find_suite
    from harness.suite.yaml.located_document import decode, read_bytes

    info = run.read_info()
    if suite_name is not None:
        named = find_suite(suite_name)
        suite = _parsed(run, decode(read_bytes(named), named), named, info)
    elif info.judged_by is not None:
        suite = _migrated(run, info.judged_by.suite_text, Path(info.judged_by.suite_path), info)
    else:
        return _as_asked(run, own_suite(run), info)
    return _as_asked(run, suite, info)


def own_suite(run: RunDir, *, held: bool = True) -> Suite:
    """The suite that a run was made from, with the changes of its command line.

    Args:
        held: the policies that this command is given hold it, too; not needed where nothing is judged.
    """
    from harness.suite.override import override

    info = run.read_info()
    path = Path(info.suite_path) if info.suite_path else run.path / "suite.yaml"
    suite = _migrated(run, info.suite_text, path, info, held=held, values=info.overrides.get("set"))
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


def _as_asked(run: RunDir, suite: Suite, info: RunInfo) -> Suite:
    """The suite without the gates of policies that cannot judge what the run holds.

    Raises:
        SuiteError: when the run's rows are others than those that a policy names.
    """
    from harness.suite.checks.policy_checks import check_fingerprints
    from harness.suite.unjudged_gates import RELABELED, without_changed

    if not suite.policies:
        return suite
    results = run.read_results(figures=False)
    rows = {data.name: data.fingerprint for data in results.data}
    check_fingerprints(suite.policies, rows, partial="only" in info.overrides)
    relabeled = [] if info.relabeled is None else [RELABELED]
    return without_changed(suite, info.overrides, results.limit, relabeled)


def _migrated(run: RunDir, text: str, path: Path, info: RunInfo, **given: Any) -> Suite:
    from harness.suite.old_names import migrate_text

    migrated = text if info.earlier_version is None else migrate_text(text, path).text
    return _parsed(run, migrated, path, info, **given)


def _parsed(
    run: RunDir,
    text: str,
    path: Path,
    info: RunInfo,
    *,
    held: bool = True,
    values: Mapping[str, Any] | None = None,
) -> Suite:
    """The suite with the checkpoints that the run had: what a training wrote or removed later is none of it."""
    from harness.calibration.load_calibration import parse_any_suite
    from harness.suite.policies_in_force import commanded
    from harness.suite.policy import PolicyText

    policies = [PolicyText(policy.file, policy.text.encode("utf-8"), policy.given) for policy in info.policies]
    policies += commanded() if held else []
    known = None
    if _SERIES in text:
        series = run.read_results(figures=False).series
        known = {made.name: {step.step: step.folder for step in made.steps} for made in series}
    return parse_any_suite(text, path, known, policies, values)
