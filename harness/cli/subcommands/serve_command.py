"""`harness serve RUN`."""

from __future__ import annotations

import click

from harness.cli.options import run_folder


@click.command("serve")
@click.argument("run")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8123, show_default=True, help="Port; 0 takes a free one."
)
@click.option("--open", "open_browser", is_flag=True, help="Open the report in the browser.")
def command(run: str, port: int, open_browser: bool) -> int:
    """Show the report of RUN on this machine, with every item's text read on demand.

    For runs whose report.html has no room for all texts. Only this machine is answered; Ctrl-C ends it.
    """
    from harness.core.errors import DataError
    from harness.report.live_server import HOST, server
    from harness.storage.run_folders import find

    found = find(run_folder(run))
    try:
        bound = server(found, port)
    except OSError as error:
        raise DataError(f"port {port} cannot be used: {error.strerror}.", hint="give another --port, or 0.") from error
    address = f"http://{HOST}:{bound.server_address[1]}/"
    click.echo(address)
    click.echo("Ctrl-C ends it.", err=True)
    if open_browser:
        click.launch(address)
    try:
        bound.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        bound.server_close()
    return 0
