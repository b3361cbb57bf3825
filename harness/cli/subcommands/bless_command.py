"""`harness bless RUN --as TAG`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import output_options
from harness.cli.run_argument import run_folder
from harness.cli.terminal import say, say_json


@click.command("bless")
@click.argument("run")
@click.option("--as", "tag", required=True, metavar="TAG", help="The word that stands for the run, such as production.")
@click.option("--model", metavar="NAME", help="The model that is blessed. Defaults to the released one.")
@click.option(
    "--registry",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file of tags, to keep next to your suite in version control. Defaults to ./blessed-runs.json.",
)
@click.option("--allow-failed", is_flag=True, help="Bless a run whose verdict is not `pass`, too.")
@output_options
def command(
    run: str, tag: str, model: str | None, registry: Path | None, allow_failed: bool, as_json: bool, quiet: bool
) -> int:
    """Bless RUN under a tag, by which suites and commands then find it.

    The tag stands for these results and records alone: a run that changed since is refused. Compare with it by
    `compare: {baseline: {run: TAG}}` in a suite, or by `harness run SUITE --baseline-run TAG`.
    """
    from harness.commands.stored_runs.bless_run import bless_run
    from harness.report.wording.safe_text import clean_line
    from harness.storage.blessed_runs import REGISTRY
    from harness.storage.remote_run import is_url
    from harness.storage.run_folders import find

    stored = find(run_folder(run))
    place = run if is_url(run) else None
    file = registry or Path(REGISTRY)
    entry, before = bless_run(stored, tag, file, model=model, place=place, allow_failed=allow_failed)
    if as_json:
        say_json({"tag": tag, "registry": str(file), **entry.model_dump()})
        return 0
    if not quiet:
        if before is not None and before.seal != entry.seal:
            say(clean_line(f"{tag} stood for {before.run} ({before.model}) before."))
        say(clean_line(f"{tag}: {entry.model} of {entry.run}, verdict {entry.verdict}, in {file}."))
    return 0
