"""`harness validate SUITE`."""

from __future__ import annotations

import click

from harness.cli.options import follow_links_option, policy_option
from harness.cli.terminal import say


@click.command("validate")
@click.argument("suites", nargs=-1, required=True, metavar="SUITE...")
@follow_links_option
@policy_option
def command(suites: tuple[str, ...]) -> int:
    """Check suites: keys, names, metrics and gates, and the data and models that are on this machine; and policies.

    Opens files, reads labels, makes every item, looks at checkpoint folders, and shows all faults at once. Fetches
    nothing, loads no metric code and no network, and trains nothing.
    """
    from harness.calibration.load_calibration import CalibrationSuite, load_any_suite
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.cli.suite_argument import say_metric_code, say_unknown_training
    from harness.commands.check_suite import check_beside, check_suite
    from harness.core.errors import SuiteError
    from harness.pipeline.private_messages import private_messages
    from harness.report.wording.safe_text import clean_line
    from harness.suite.checks.metric_code_checks import metric_code
    from harness.suite.policy import policy_file

    for name in suites:
        policy = policy_file(name)
        if policy is not None:
            say(clean_line(policy.summary, 600))
            continue
        reporter = make_reporter(quiet=True)
        try:
            suite = load_any_suite(name)
        except SuiteError as error:
            raise check_beside(name, error, open_store(reporter), reporter) from error
        code = metric_code(suite)
        if not isinstance(suite, CalibrationSuite):
            with private_messages(suite, reporter) as told:
                checked = check_suite(suite, open_store(reporter), told)
                checked.raise_faults(suite)
            unread = checked.unread
        else:
            unread = []
        say(
            f"{name}: valid suite: {len(suite.models) - len(suite.implied)} models, {len(suite.tasks)} tasks, "
            f"{len(suite.probes)} probes, {len(suite.gates.rules)} gates"
        )
        if unread:
            say(f"not on this machine, so only named and not checked: {', '.join(unread)}")
        say_metric_code(code)
        say_unknown_training(suite)
    return 0
