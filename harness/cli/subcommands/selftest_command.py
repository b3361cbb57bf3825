"""`harness selftest [RUN]`."""

from __future__ import annotations

import click

from harness.cli.options import OUT, device_option, output_options
from harness.cli.run_argument import run_folder
from harness.cli.terminal import say, say_json


@click.command("selftest")
@click.argument("run", default=OUT)
@click.option("--swaps", type=click.IntRange(min=100), default=1000, show_default=True, help="Random swaps per metric.")
@click.option("--ask/--no-ask", default=True, show_default=True, help="Also evaluate the baseline a second time.")
@device_option
@output_options
def command(run: str, swaps: int, ask: bool, device: str, as_json: bool, quiet: bool) -> int:
    """Check the statistical tests on RUN's own records (default: the newest run), and measure the noise floor.

    The two models' records are swapped at random, one cluster at a time. No difference is real then, so a
    test at 5% should report one in only 5% of the swaps. The baseline is evaluated twice, in a different
    order and batch size; any difference is the noise floor. Both results are stored in results.json and
    shown in the reports. The exit code is 12 if a test raises too many false alarms.
    """
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.cli.run_argument import earlier_json, say_earlier_version
    from harness.commands.stored_runs.selftest import selftest_run
    from harness.core.errors import EXIT_INCOMPLETE, EXIT_OK
    from harness.report.formats.write_reports import write_reports
    from harness.report.wording.safe_text import clean_line
    from harness.storage.run_folders import find_newest

    stored = find_newest(run_folder(run))
    say_earlier_version(stored)
    reporter = make_reporter(quiet=quiet)
    made = selftest_run(stored, open_store(reporter), reporter, swaps=swaps, ask_again=ask, device=device)
    write_reports(stored)
    code = EXIT_OK if made.passed else EXIT_INCOMPLETE
    if as_json:
        say_json(
            {"run_dir": str(stored.path), "exit_code": code, **made.model_dump(mode="json"), **earlier_json(stored)}
        )
        return code
    for alarm in made.false_alarms:
        name = clean_line(f"{alarm.evaluation}.{alarm.metric}: {alarm.baseline} vs. {alarm.candidate}")
        if alarm.rate is None or alarm.low is None or alarm.high is None:
            say(f"  {name}: not tested: {clean_line(alarm.reason or 'unknown')}")
            continue
        mark = "ok" if alarm.nominal else "above the nominal rate"
        interval = f"{alarm.low:.1%} … {alarm.high:.1%}"
        say(f"  {name}: {alarm.rate:.1%} false alarms (99% interval {interval}, {alarm.test}): {mark}")
    for entry in made.noise:
        name = clean_line(f"{entry.evaluation}.{entry.metric} of {entry.model}, evaluated twice")
        if entry.reason is not None:
            say(f"  {name}: {clean_line(entry.reason)}")
        elif entry.identical:
            say(f"  {name}: identical")
        else:
            change = "unknown" if entry.delta is None else f"{entry.delta:+.2g}"
            say(f"  {name}: changes by {change}; {entry.changed} items and {entry.answers} answers changed")
    say(clean_line(made.sentence))
    say(f"run: {stored.path}")
    return code
