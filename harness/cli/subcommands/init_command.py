"""`harness init`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import file_options


@click.command("init")
@click.argument("path", default="suite.yaml", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Your labeled file (csv, jsonl, …), read for its labels.",
)
@click.option("--text", default="text", show_default=True, help="Its text column.")
@click.option("--label", default="label", show_default=True, help="Its label column.")
@click.option("--base", default="path/to/base", show_default=True, help="Your base checkpoint.")
@click.option("--finetuned", default="path/to/finetuned", show_default=True, help="Your fine-tuned checkpoint.")
@file_options
@click.option("--force", is_flag=True, help="Replace an existing file.")
def command(
    path: Path,
    data: Path | None,
    text: str,
    label: str,
    base: str,
    finetuned: str,
    force: bool,
    read_as: dict[str, str],
) -> int:
    """Write a commented suite for your own data and models to PATH."""
    from harness.cli.console import make_reporter
    from harness.commands.init_suite import initial_suite
    from harness.storage import atomic

    if path.exists() and not force:
        raise click.UsageError(f"{path} already exists; choose another name, or pass --force to replace it.")
    made = initial_suite(path, data, read_as, text=text, label=label, base=base, finetuned=finetuned)
    reporter = make_reporter()
    for note in made.notes:
        reporter.warn(f"{data}: {note}")
    atomic.write_text(path, made.text)
    click.echo(f"wrote {path}\nnext: edit it, then `harness validate {path}` and `harness run {path}`")
    return 0
