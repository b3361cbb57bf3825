"""`harness index [FOLDER]`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import OUT
from harness.cli.terminal import say, say_json


@click.command("index")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=OUT)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def command(folder: Path, open_browser: bool, as_json: bool) -> int:
    """Write index.html for all runs in FOLDER (default: reports): verdicts, and every gate's value over time."""
    from harness.core.errors import DataError, Where
    from harness.report.formats.index_page import write_index
    from harness.report.formats.run_history import history
    from harness.report.wording.safe_text import clean_line

    if not folder.is_dir():
        raise DataError(
            "no such folder.", where=Where(folder), hint="run a suite first, or pass the folder that you gave to --out."
        )
    path = write_index(folder)
    refused = history(folder).refused
    if as_json:
        say_json({"index": str(path), "refused": refused})
    else:
        say(str(path))
    for name, why in refused.items():
        say(clean_line(f"not shown: {name}: {why}", 600), err=True)
    if open_browser:
        click.launch(str(path))
    return 0
