"""`harness lock SUITE`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import follow_links_option, lock_option, policy_option
from harness.cli.terminal import say


@click.command("lock")
@click.argument("suite")
@lock_option
@click.option("--quiet", "-q", is_flag=True, help="Print only warnings.")
@follow_links_option
@policy_option
def command(suite: str, lock: Path | None, quiet: bool) -> int:
    """Pin SUITE in a lock file: digests of the suite, its gates, its data, and its baseline.

    The file is <suite>.lock next to the suite; commit it. `harness run SUITE --locked` then refuses to run
    anything else, and counts attempts. Missing data is fetched; no model is trained or run.
    """
    from harness.calibration.load_calibration import load_any_suite
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.cli.suite_argument import lock_file, say_metric_code
    from harness.core.digests import short
    from harness.pipeline.private_messages import private_messages
    from harness.pipeline.suite_lock import write_lock
    from harness.report.wording.safe_text import clean_line
    from harness.suite.checks.metric_code_checks import metric_code

    chosen = load_any_suite(suite)
    code = metric_code(chosen)
    path = lock or lock_file(suite, chosen)
    reporter = make_reporter(quiet=quiet)
    with private_messages(chosen, reporter) as told:
        made, changes = write_lock(chosen, path, open_store(told), told)
    if quiet:
        return 0
    for change in changes:
        say(f"changed: {clean_line(change)}")
    baseline = ", ".join(f"{name} {short(key)}" for name, key in made.baseline.items())
    say(f"suite {made.suite} {short(made.suite_digest)}, {len(made.gates)} gate rules, baseline {baseline}")
    say_metric_code(code)
    say(f"data: {', '.join(f'{name} {short(key)}' for name, key in made.data.items())}")
    if changes:
        say("the attempt count starts again at zero.")
    elif made.attempts:
        say(f"nothing changed; attempts so far: {len(made.attempts)}.")
    say(f"lock: {path}")
    return 0
