"""`harness train SUITE [MODEL…]`."""

from __future__ import annotations

from dataclasses import replace

import click

from harness.cli.options import output_options, suite_changes
from harness.cli.suite_argument import SuiteChanges
from harness.cli.terminal import say, say_json


@click.command("train")
@click.argument("suite")
@click.argument("names", nargs=-1, metavar="[MODEL]...")
@suite_changes
@output_options
def command(
    suite: str,
    names: tuple[str, ...],
    changes: SuiteChanges,
    as_json: bool,
    quiet: bool,
) -> int:
    """Build the checkpoints of SUITE (all, or only the named models and their parents)."""
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.cli.suite_argument import changed_suite
    from harness.commands.run import train_models
    from harness.pipeline.private_messages import private_messages

    chosen, _ = changed_suite(suite, replace(changes, only=(*changes.only, *names)))
    reporter = make_reporter(quiet=quiet)
    with private_messages(chosen, reporter) as told:
        made = train_models(chosen, open_store(told), told)
    if as_json:
        say_json(
            {
                name: {"path": str(checkpoint.path), "key": checkpoint.key, "cached": checkpoint.cached}
                for name, checkpoint in made.items()
            }
        )
        return 0
    for name, checkpoint in made.items():
        origin = "from the cache" if checkpoint.cached else f"built in {checkpoint.seconds:.0f} s"
        say(f"{name}: {checkpoint.path} ({origin})")
    return 0
