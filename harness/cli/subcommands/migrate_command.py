"""`harness migrate FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import lock_option
from harness.cli.terminal import say

if TYPE_CHECKING:
    from harness.commands.foreign_gates.migrated_gates import MigratedGates


@click.command("migrate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Rewrite the suite, and renew its lock file; attempts are kept.")
@click.option(
    "--from",
    "tool",
    type=click.Choice(["harness", "nemo", "promptfoo", "deepeval"]),
    help="Tool that the file belongs to. Detected from its content by default.",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="THEIRS=OURS",
    help="A metric of NeMo Evaluator and the metric of your suite that it stands for, such as mean_reward=accuracy.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the policy to this file, not to stdout."
)
@lock_option
def command(
    file: Path, write: bool, tool: str | None, metrics: tuple[str, ...], out: Path | None, lock: Path | None
) -> int:
    """Print FILE, a suite of version 0.1.0, under this version's names, as a diff; or another tool's gates as a policy.

    Of a suite, comments, order, anchors and quoting stay; what is still wrong after renaming is an error (exit code 2).

    NeMo Evaluator's gate policy, promptfoo's configuration, and DeepEval's test files and runs become a policy
    (`harness gate RUN --policy FILE`) as far as they mean the same; what does not is named, and why. Nothing of them
    is run.
    """
    from harness.commands.foreign_gates.recognized import migrated_gates

    gates = migrated_gates(file, tool, _pairs(metrics))  # type: ignore[arg-type]
    if gates is not None:
        if write or lock is not None:
            raise click.UsageError(f"--write and --lock are for suites; {file} is a file of {gates.tool}. Use --out.")
        return _told(gates, out)
    if out is not None or metrics:
        raise click.UsageError(f"--out and --metric are for other tools' gates; {file} is a suite. Use --write.")
    return _suite(file, write, lock)


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        theirs, equals, ours = text.partition("=")
        if not equals or not theirs or not ours:
            raise click.BadParameter(f"expected THEIRS=OURS, got {text!r}.", param_hint="--metric")
        pairs[theirs] = ours
    return pairs


def _told(gates: MigratedGates, out: Path | None) -> int:
    """The policy on stdout or in a file; what was carried over and what was not on stderr."""
    from harness.report.wording.safe_text import clean_line

    text = gates.text
    policy = gates.policy
    if out is None:
        say(text.rstrip("\n"))
    else:
        gates.write(out)
        say(f"written: {out}: {len(policy.gates.rules)} gates of {gates.tool}. Judge a run by it: harness gate RUN "
            f"--policy {out}")  # fmt: skip
    for entry in gates.left:
        say(clean_line(f"no gate of its own: {entry.sentence}", 600), err=True)
    for note in gates.notes:
        say(clean_line(f"note: {note}", 600), err=True)
    return 0


def _suite(suite: Path, write: bool, lock: Path | None) -> int:
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
