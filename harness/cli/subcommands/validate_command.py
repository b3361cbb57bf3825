"""`harness validate SUITE`."""

from __future__ import annotations

import click

from harness.cli.terminal import say


@click.command("validate")
@click.argument("suites", nargs=-1, required=True, metavar="SUITE...")
def command(suites: tuple[str, ...]) -> int:
    """Check suite files: keys, names, metrics, and gates. Reads no data, loads no metric code, and trains nothing."""
    from harness.calibration.load_calibration import load_any_suite
    from harness.cli.options import say_metric_code, say_unknown_training
    from harness.suite.checks.metric_code_checks import metric_code

    for name in suites:
        suite = load_any_suite(name)
        code = metric_code(suite)
        say(
            f"{name}: valid suite: {len(suite.models) - len(suite.implied)} models, {len(suite.tasks)} tasks, "
            f"{len(suite.probes)} probes, {len(suite.gates.rules)} gates"
        )
        say_metric_code(code)
        say_unknown_training(suite)
    return 0
