"""`harness init`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from harness.cli.options import file_options, follow_links_option
from harness.cli.terminal import say


@click.command("init")
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DATA...")
@click.option("--base", help="Your base checkpoint: a folder, hub-id@revision, or catalog:NAME.")
@click.option("--finetuned", help="Your fine-tuned checkpoint, or its adapter.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default="suite.yaml", show_default=True, help="The suite."
)
@click.option("--text", help="Column with the texts. Found by its name or content by default.")
@click.option("--label", help="Column with the labels. Found by its name or content by default.")
@click.option(
    "--labels",
    metavar="HEAD=LABEL,...",
    help="What the rows of the head mean: `LABEL_0=negative,LABEL_1=positive`, or the labels in its order.",
)
@click.option(
    "--trained-on",
    "trained_on",
    multiple=True,
    metavar="FILE",
    help="A file that the models learned from; rows that occur in it are left out. Repeat for more.",
)
@click.option("--held-out", is_flag=True, help="Declare that neither model learned from the rows of DATA.")
@click.option(
    "--yes", "-y", is_flag=True, help="Do not ask questions. What the models learned from then stays undeclared."
)
@file_options
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--data", "old_data", hidden=True, help="The data comes first now.")
@follow_links_option
def command(
    data: tuple[Path, ...],
    base: str | None,
    finetuned: str | None,
    out: Path,
    text: str | None,
    label: str | None,
    labels: str | None,
    trained_on: tuple[str, ...],
    held_out: bool,
    yes: bool,
    force: bool,
    read_as: dict[str, str],
    old_data: str | None,
) -> int:
    """Write a suite for your own DATA (csv, jsonl, conll, ...) and models, ready to run.

    Reads the files and looks at the models: the task follows from columns and heads. At a terminal, harness asks at
    most two questions: what the rows of a head mean if their names do not say it, and what the models learned from.
    A gate cannot pass on rows that the models may have been trained on.
    """
    from harness.cli.as_typed import as_typed, spoken_as_typed
    from harness.cli.console import make_reporter
    from harness.cli.training_question import training_said
    from harness.commands.new_suites.described_data import DescribedData, describe_data, suite_name
    from harness.commands.new_suites.init_suite import initial_suite
    from harness.commands.new_suites.suite_draft import GivenModels, TrainingWord
    from harness.commands.write_schemas import write_suite_schema
    from harness.storage import atomic
    from harness.suite.suite_text import SCHEMA_FILE

    _refuse_old_call(data, old_data)
    if out.exists() and not force:
        raise click.UsageError(f"{out} already exists; choose another name with --out, or pass --force to replace it.")
    described: list[DescribedData] = []
    for file in data:
        taken = [other.name for other in described]
        with spoken_as_typed():
            described.append(describe_data(file, read_as, text=text, label=label, taken=taken))
    asks = not yes and sys.stdin.isatty()
    word = TrainingWord(*training_said(trained_on, held_out, ask=asks and finetuned is not None))
    made = initial_suite(
        out,
        described,
        GivenModels(base, finetuned),
        name=None if out.stem == "suite" else suite_name(out.stem),
        word=word,
        labels=labels,
        ask=_ask_labels if asks else None,
    )
    reporter = make_reporter()
    for facts in made.facts:
        say(facts)
    for entry in described:
        for note in entry.notes:
            reporter.warn(as_typed(f"{entry.path}: {note}"))
    for note in made.notes:
        reporter.warn(note)
    atomic.write_text(out, made.text)
    schema = out.parent / SCHEMA_FILE
    write_suite_schema(schema)
    say(f"wrote {out} and {schema}\nnext: `harness plan {out}`, then `harness run {out}`")
    return 0


def _refuse_old_call(data: Sequence[Path], old_data: str | None) -> None:
    """`harness init suite.yaml --data rows.csv`, as it was before the data came first."""
    suite = next((file for file in data if file.suffix.lower() in (".yaml", ".yml")), None)
    if suite is None and old_data is None:
        return
    rows = old_data or next((str(file) for file in data if file != suite), "DATA")
    out = f" --out {suite}" if suite is not None else ""
    raise click.UsageError(
        f"the data comes first now, and the suite to write is an option: `harness init {rows}{out}`."
    )


def _ask_labels(head: Sequence[str], labels: Mapping[str, int]) -> str | None:
    """Asks at the terminal which label each row of the head means."""
    for place, name in enumerate(head):
        say(f"  row {place} of the head: {name}", err=True)
    say(f"  labels of the data: {', '.join(f'{label} ({rows} rows)' for label, rows in labels.items())}", err=True)
    answer: str = click.prompt(
        "Which label does each row mean? Give them in the order of the rows, separated by commas",
        default="",
        show_default=False,
        err=True,
    )
    return answer.strip() or None
