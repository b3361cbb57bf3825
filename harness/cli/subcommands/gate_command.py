"""`harness gate RUN`."""

from __future__ import annotations

import click

from harness.cli.ci_system import ci_option, tell
from harness.cli.options import output_options, policy_option
from harness.cli.run_argument import run_folder, say_earlier_version


@click.command("gate")
@click.argument("run")
@click.option("--suite", "suite_name", help="Apply this suite's gates instead of the run's own.")
@click.option(
    "--write/--no-write",
    default=False,
    show_default=True,
    help="Write the verdicts and reports to RUN, and seal it again.",
)
@click.option(
    "--from-records", is_flag=True, help="Trust no figure in results.json; score everything again from the records."
)
@click.option("--allow-unsealed", is_flag=True, help="Judge a run of 0.1.0 too, which has no seal.")
@ci_option
@policy_option
@output_options
def command(
    run: str,
    suite_name: str | None,
    write: bool,
    from_records: bool,
    allow_unsealed: bool,
    ci: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Re-evaluate the gates of RUN. No model is run. The exit code is the verdict.

    A run that was changed since it was sealed is refused: results.json, run.json, and all records count.
    """
    from harness.cli.console import make_reporter
    from harness.cli.outcome import show_outcome
    from harness.commands.stored_runs.rejudge import Trust, judge_again, judged_info, store_verdicts
    from harness.storage.remote_run import is_url
    from harness.storage.run_folders import find

    if write and is_url(run):
        raise click.UsageError("--write stores verdicts in RUN, which is a URL here. Download the run first.")
    stored = find(run_folder(run))
    say_earlier_version(stored)
    results = judge_again(
        stored, suite_name, make_reporter(quiet=quiet), Trust(figures=not from_records, unsealed=allow_unsealed)
    )
    if write:
        from harness.report.formats.write_reports import write_reports

        store_verdicts(stored, results, suite_name)
        write_reports(stored)
    code = show_outcome(stored, results, as_json=as_json)
    tell(stored, results, judged_info(stored, suite_name), ci, as_json=as_json, written=write)
    return code
