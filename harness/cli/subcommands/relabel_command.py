"""`harness relabel RUN FIXES`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.options import out_option, output_options, policy_option
from harness.cli.run_argument import run_folder
from harness.cli.terminal import say


@click.command("relabel")
@click.argument("run")
@click.argument("fixes", type=click.Path(dir_okay=False, path_type=Path))
@out_option
@policy_option
@output_options
def command(run: str, fixes: Path, out: Path, as_json: bool, quiet: bool) -> int:
    """Make a new run from RUN with corrected labels, and judge it again. No model is run, and RUN is not touched.

    FIXES is the CSV of `harness items RUN --csv`, with the right label in the column new_label; rows without one are
    left as they are. The exit code is the new verdict.
    """
    from harness.cli.console import make_reporter
    from harness.cli.outcome import show_outcome
    from harness.commands.stored_runs.relabel import relabel
    from harness.report.formats.write_reports import write_reports
    from harness.report.wording.safe_text import clean_line
    from harness.storage.run_folders import find

    made = relabel(find(run_folder(run)), fixes, out, ["harness", *sys.argv[1:]], make_reporter(quiet=quiet))
    write_reports(made.run)
    for line in made.changes:
        say(clean_line(line), err=as_json)
    return show_outcome(made.run, made.results, as_json=as_json)
