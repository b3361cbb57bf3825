"""`harness run SUITE`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from harness.cli.ci_system import ci_option, tell
from harness.cli.options import (
    AllowedCode,
    code_options,
    device_option,
    lock_option,
    out_option,
    output_options,
    suite_changes,
)
from harness.cli.suite_argument import SuiteChanges


@click.command("run")
@click.argument("suite")
@suite_changes
@click.option(
    "--baseline-run",
    metavar="RUN",
    help="Compare with a model of this stored run (tag, folder, or URL) instead of the suite's baseline.",
)
@click.option("--baseline-model", metavar="NAME", help="The model of --baseline-run. Defaults to the released one.")
@click.option(
    "--limit", type=click.IntRange(min=1), help="Evaluate at most this many items per evaluation (for a quick check)."
)
@out_option
@device_option
@click.option("--resume/--fresh", default=True, show_default=True, help="Reuse cached work, or recompute everything.")
@click.option("--locked", is_flag=True, help="Run only what the lock file pins (exit code 13 if anything differs).")
@lock_option
@click.option(
    "--no-texts", is_flag=True, help="Keep every item's text out of the run's files and of all that is printed."
)
@code_options
@click.option(
    "--until-decided",
    is_flag=True,
    help="Evaluate in batches and stop when every blocking gate with `sequential: true` is decided.",
)
@ci_option
@output_options
def command(
    suite: str,
    changes: SuiteChanges,
    baseline_run: str | None,
    baseline_model: str | None,
    limit: int | None,
    out: Path,
    device: str,
    resume: bool,
    locked: bool,
    lock: Path | None,
    no_texts: bool,
    allowed: AllowedCode,
    until_decided: bool,
    ci: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run SUITE (a file, or the name of a bundled suite) and write its reports.

    The exit code is the verdict: 0 if every blocking gate passed, 10 if one failed, 11 if one is
    inconclusive, 12 if one could not be judged, 13 if --locked finds a difference.

    In SUITE, `compare: {choose: …}` releases the best of several models at a corrected level (docs/gates.md), and
    the probe `inference_cost` puts latency, throughput, memory, and size under gates (docs/cost.md).
    """
    from harness.calibration.load_calibration import CalibrationSuite
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.cli.outcome import show_outcome
    from harness.cli.suite_argument import changed_suite, lock_file, stored_baseline
    from harness.pipeline.run_suite import Settings, run_suite

    stored = stored_baseline(baseline_run, baseline_model)
    chosen, overrides = changed_suite(suite, replace(changes, baseline_run=stored, no_texts=no_texts))
    if allowed.generated:
        overrides["generated_code"] = True
    reporter = make_reporter(quiet=quiet)
    settings = Settings(
        out=out,
        limit=limit,
        device=device,
        resume=resume,
        command=["harness", *sys.argv[1:]],
        overrides=overrides,
        locked=locked,
        lock=lock or lock_file(suite, chosen),
        metric_code=allowed.metric,
        generated_code=allowed.generated,
        until_decided=until_decided,
    )
    store = open_store(reporter, fresh=not resume)
    if isinstance(chosen, CalibrationSuite):
        from harness.calibration.driver import over_worlds as carry_out
    else:
        from harness.pipeline.carry_out import carry_out
    finished = run_suite(chosen, store, reporter, settings, carry_out)
    code = show_outcome(finished.run, finished.results, as_json=as_json, info=finished.info)
    tell(finished.run, finished.results, finished.info, ci, as_json=as_json)
    return code
