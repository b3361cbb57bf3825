"""`harness export RUN MODEL DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.run_argument import run_folder
from harness.cli.terminal import say, say_json


@click.command("export")
@click.argument("run")
@click.argument("model")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def command(run: str, model: str, folder: Path, as_json: bool) -> int:
    """Copy the checkpoint of MODEL in RUN to DIR, so that plain from_pretrained (or peft) can load it.

    Adapters are copied together with their base model, which goes to DIR/base.
    """
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.cli.run_argument import say_earlier_version
    from harness.pipeline.checkpoints.export_checkpoint import export_model
    from harness.storage.run_folders import find

    stored = find(run_folder(run))
    say_earlier_version(stored)
    exported = export_model(stored, model, folder, open_store(make_reporter()))
    if as_json:
        say_json({"folder": str(folder), "kind": exported.kind, "load": exported.load})
    else:
        say(f"{model} ({exported.kind}) is in {folder}\nload it: {exported.load}")
    return 0
