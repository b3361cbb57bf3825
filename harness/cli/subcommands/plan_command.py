"""`harness plan SUITE`."""

from __future__ import annotations

import click

from harness.cli.options import suite_changes
from harness.cli.suite_argument import SuiteChanges
from harness.cli.terminal import heading, say, say_json


@click.command("plan")
@click.argument("suite")
@suite_changes
@click.option("--limit", type=click.IntRange(min=1), help="Evaluate at most this many items per evaluation.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def command(
    suite: str,
    changes: SuiteChanges,
    limit: int | None,
    as_json: bool,
) -> int:
    """Show what `harness run SUITE` would do: steps, cache, data and licenses, time, and each gate's power.

    Fetches nothing, trains nothing, and loads no metric code. Anything that depends on data not fetched yet
    is shown as unknown. Gates on metrics whose variance is unknown in advance (bits per byte, for example)
    use the variance from the newest finished run of the suite under ./reports, if there is one.
    """
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.cli.run_argument import newest_run
    from harness.cli.suite_argument import changed_suite, say_metric_code, say_unknown_training
    from harness.commands.planning.plan import plan_suite
    from harness.pipeline.private_messages import private_messages
    from harness.report.wording.safe_text import clean
    from harness.schema.units import show_bytes, show_estimate
    from harness.suite.checks.metric_code_checks import metric_code
    from harness.suite.unjudged_gates import without_changed

    chosen, overrides = changed_suite(suite, changes)
    chosen = without_changed(chosen, overrides, limit)
    code = metric_code(chosen)
    reporter = make_reporter(quiet=True)
    with private_messages(chosen, reporter) as told:
        plan = plan_suite(chosen, open_store(told), told, limit=limit, earlier=newest_run(chosen.name))
    say_unknown_training(chosen)
    if as_json:
        say_json({**plan.to_json(), "metric_code": [module.to_json() for module in code]})
        return 0
    heading("data")
    for data in plan.data:
        state = "cached" if data.cached else f"to fetch, {show_bytes(data.bytes_to_fetch or 0)}"
        rows = f"{data.rows} rows" if data.rows is not None else "row count not known yet"
        say(clean(f"  {data.name}: {state}; {rows}; {data.license or 'license not stated'}; from {data.source}"))
    heading("steps")
    for step in plan.steps:
        state = "cached" if step.cached else "to do" if step.cached is False else "waiting for data"
        time = f", {show_estimate(step.seconds)}" if step.seconds else ""
        say(clean(f"  {step.kind} {step.name}: {state}{time}; {step.detail}"))
    say_metric_code(code)
    heading("gates")
    for gate in plan.gates:
        say(clean(f"  {gate.id}: {gate.sentence}"))
    if not plan.gates:
        say("  no gates: nothing is judged")
    total = plan.seconds
    say(f"estimated time: {show_estimate(total) if total else 'a few seconds, everything is cached'}")
    return 0
