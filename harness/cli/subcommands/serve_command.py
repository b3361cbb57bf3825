"""`harness serve RUN`."""

from __future__ import annotations

import click

from harness.cli.run_argument import run_folder, say_earlier_version
from harness.cli.terminal import say


@click.command("serve")
@click.argument("run")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8123, show_default=True, help="Port; 0 picks a free one."
)
@click.option("--open", "open_browser", is_flag=True, help="Open the report in the browser.")
def command(run: str, port: int, open_browser: bool) -> int:
    """Serve the report of RUN locally and load every item's text on demand.

    Use it for runs whose texts do not all fit in report.html. The server accepts connections from this
    machine only, at the address that it prints; without the random word in it, nothing is served. Press
    Ctrl-C to stop.
    """
    from harness.core.errors import DataError
    from harness.report.live_server import server
    from harness.storage.run_folders import find

    stored = find(run_folder(run))
    say_earlier_version(stored)
    try:
        bound = server(stored, port)
    except OSError as error:
        raise DataError(f"cannot use port {port}: {error.strerror}.", hint="choose another --port, or 0.") from error
    address = bound.address
    say(address)
    say("Press Ctrl-C to stop.", err=True)
    if open_browser:
        click.launch(address)
    try:
        bound.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        bound.server_close()
    return 0
