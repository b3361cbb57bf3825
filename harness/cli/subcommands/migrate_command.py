"""`harness migrate SUITE`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import lock_option
from harness.cli.terminal import say


@click.command("migrate")
@click.argument("suite", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Rewrite the file, and renew its lock file; attempts are kept.")
@lock_option
def command(suite: Path, write: bool, lock: Path | None) -> int:
    """Print SUITE, a suite file of version 0.1.0, as a diff to the names of this version.

    Comments, order, anchors and quoting stay. A suite with nothing to rename says so. What is still wrong
    after renaming is an error (exit code 2).
    """
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.commands.migrate import migrate_suite

    reporter = make_reporter(quiet=True)
    migrated = migrate_suite(suite, lock or suite.with_suffix(".lock"))
    renewed = migrated.write(open_store(reporter), reporter) if write and migrated.diff else None
    for line in migrated.diff:
        say(line)
    if not migrated.diff:
        say(f"{suite}: nothing to rename.")
    elif write:
        say(f"written: {suite}")
    if renewed is not None:
        say(f"written: {migrated.lock_path}; attempts so far: {len(renewed.attempts)}")
    migrated.raise_remaining()
    return 0
