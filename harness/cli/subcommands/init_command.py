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
@click.option(
    "--trained-on",
    "trained_on",
    multiple=True,
    metavar="FILE",
    help="A file that the models learned from; rows that occur in it are left out. Repeat for more.",
)
@click.option("--held-out", is_flag=True, help="Your word that neither model learned from the rows of --data.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing. What the models learned from then stays unsaid.")
@file_options
@click.option("--force", is_flag=True, help="Replace an existing file.")
def command(
    path: Path,
    data: Path | None,
    text: str,
    label: str,
    base: str,
    finetuned: str,
    trained_on: tuple[str, ...],
    held_out: bool,
    yes: bool,
    force: bool,
    read_as: dict[str, str],
) -> int:
    """Write a commented suite for your own data and models to PATH.

    A gate cannot pass on rows that the models may have been trained on. At a terminal, harness asks; elsewhere pass
    --trained-on or --held-out, or edit the suite.
    """
    from harness.cli.console import make_reporter
    from harness.cli.training_question import training_said
    from harness.commands.init_suite import TrainingWord, initial_suite
    from harness.storage import atomic

    if path.exists() and not force:
        raise click.UsageError(f"{path} already exists; choose another name, or pass --force to replace it.")
    word = TrainingWord(*training_said(trained_on, held_out, ask=not yes))
    made = initial_suite(path, data, read_as, text=text, label=label, base=base, finetuned=finetuned, training=word)
    reporter = make_reporter()
    for note in made.notes:
        reporter.warn(f"{data}: {note}")
    atomic.write_text(path, made.text)
    click.echo(f"wrote {path}\nnext: edit it, then `harness validate {path}` and `harness run {path}`")
    return 0
