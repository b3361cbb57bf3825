"""`harness import lm-eval`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import OUT, output_options
from harness.cli.terminal import say


@click.group("import")
def command() -> None:
    """Make a run of what another tool logged."""


@command.command("lm-eval")
@click.argument("logs", nargs=-1, required=True, metavar="[NAME=]LOG...")
@click.option("--suite", default="lm-eval", show_default=True, help="Suite name; names the run's folder.")
@click.option(
    "--out", default=OUT, show_default=True, type=click.Path(path_type=Path), help="Folder for run directories."
)
@click.option("--filter", "chosen", metavar="NAME", help="Filter of the generation tasks. Defaults to the first.")
@output_options
def lm_eval(logs: tuple[str, ...], suite: str, out: Path, chosen: str | None, as_json: bool, quiet: bool) -> int:
    """Import the samples that lm-evaluation-harness logged (--log_samples) for two or more models as a run.

    LOG is an lm-eval --output_path, or one samples file. The first model is the baseline. The result
    is an ordinary run: `harness report`, `compare`, and `gate RUN --suite GATES` work on it.
    """
    from harness.cli.console import make_reporter
    from harness.cli.options import emit_json
    from harness.commands.import_lm_eval import import_lm_eval, named

    run = import_lm_eval(named(logs), suite=suite, out=out, reporter=make_reporter(quiet=quiet), chosen_filter=chosen)
    if as_json:
        emit_json({"run_dir": str(run.path), "report": str(run.path / "report.html")})
    else:
        say(f"report: {run.path / 'report.html'}")
    return 0
