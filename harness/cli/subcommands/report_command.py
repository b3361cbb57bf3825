"""`harness report RUN`."""

from __future__ import annotations

import click

from harness.cli.run_argument import earlier_json, run_folder, say_earlier_version
from harness.cli.terminal import say, say_json


@click.command("report")
@click.argument("run")
@click.option("--open", "open_browser", is_flag=True, help="Open the report in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def command(run: str, open_browser: bool, as_json: bool) -> int:
    """Render the reports of RUN (a run directory, or a suite name for its newest run) again."""
    from harness.cli.console import make_reporter
    from harness.metrics.hf_evaluate import outside_note
    from harness.report.formats.write_reports import write_reports
    from harness.storage.run_folders import find

    stored = find(run_folder(run))
    say_earlier_version(stored)
    note = outside_note(stored.read_results().evaluations)
    if note is not None:
        make_reporter(quiet=True).warn(note)
    written = write_reports(stored)
    if as_json:
        say_json({"run_dir": str(stored.path), "reports": [str(path) for path in written], **earlier_json(stored)})
    else:
        for path in written:
            say(str(path))
    if open_browser:
        click.launch(str(stored.path / "report.html"))
    return 0
