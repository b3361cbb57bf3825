"""`harness report RUN`."""

from __future__ import annotations

import click

from harness.cli.options import earlier_json, emit_json, run_folder, say_earlier_version


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

    found = find(run_folder(run))
    say_earlier_version(found)
    note = outside_note(found.read_results().evaluations)
    if note is not None:
        make_reporter(quiet=True).warn(note)
    written = write_reports(found)
    if as_json:
        emit_json({"run_dir": str(found.path), "reports": [str(path) for path in written], **earlier_json(found)})
    else:
        for path in written:
            click.echo(str(path))
    if open_browser:
        click.launch(str(found.path / "report.html"))
    return 0
