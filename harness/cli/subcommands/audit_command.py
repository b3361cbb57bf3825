"""`harness audit BASE FINETUNED`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.ci_system import ci_option, tell
from harness.cli.options import (
    device_option,
    file_options,
    follow_links_option,
    out_option,
    output_options,
    policy_option,
)
from harness.cli.terminal import say


@click.command("audit")
@click.argument("base")
@click.argument("finetuned")
@click.option("--task-data", type=click.Path(dir_okay=False, path_type=Path), help="Labeled data file; adds a task.")
@click.option("--text", default="text", show_default=True, help="Text column of --task-data.")
@click.option("--label", default="label", show_default=True, help="Label column of --task-data.")
@click.option(
    "--labels",
    metavar="HEAD=LABEL,...",
    help="What the rows of the head mean: `LABEL_0=negative,LABEL_1=positive`, or the labels in its order.",
)
@file_options
@click.option(
    "--prose",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Text file for language modeling, instead of held-out encyclopedia text.",
)
@click.option(
    "--trained-on",
    "trained_on",
    multiple=True,
    metavar="FILE",
    help="A file that the checkpoints learned from; rows that occur in it are left out. Repeat for more.",
)
@click.option(
    "--held-out",
    is_flag=True,
    help="Your word that neither checkpoint learned from the rows of --task-data and --prose.",
)
@click.option(
    "--bias",
    type=click.Choice(["own", "full"]),
    default="own",
    show_default=True,
    help="own: built-in sentence pairs and pronouns. full: also all probes of bias-full (fetches public datasets).",
)
@click.option("--no-texts", is_flag=True, help="Keep every item's text out of the run's files and of what is printed.")
@click.option("--limit", type=click.IntRange(min=1), help="Evaluate at most this many items per evaluation.")
@out_option
@device_option
@ci_option
@output_options
@follow_links_option
@policy_option
def command(
    base: str,
    finetuned: str,
    task_data: Path | None,
    text: str,
    label: str,
    labels: str | None,
    prose: Path | None,
    trained_on: tuple[str, ...],
    held_out: bool,
    bias: str,
    no_texts: bool,
    limit: int | None,
    out: Path,
    device: str,
    ci: str,
    as_json: bool,
    quiet: bool,
    read_as: dict[str, str],
) -> int:
    """Compare two checkpoints: what was forgotten, how bias changed, and, with --task-data, what was gained.

    BASE and FINETUNED are folders, or hub-id@revision. You need no suite file; harness makes one and writes it to the
    run directory (suite.yaml), to edit and run.
    """
    from harness.cli.as_typed import TypedReporter, spoken_as_typed
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.cli.outcome import show_outcome
    from harness.cli.training_question import training_said
    from harness.commands.new_suites.auto_suite import MADE, TaskData, audit_suite
    from harness.core.errors import SuiteError
    from harness.pipeline.run_suite import Settings, run_suite
    from harness.storage import atomic
    from harness.suite.override import override
    from harness.suite.suite_text import suite_text

    reporter = TypedReporter(make_reporter(quiet=quiet))
    files, held_out = training_said(trained_on, held_out, ask=task_data is not None or prose is not None)
    with spoken_as_typed(Path.cwd() / MADE):
        if labels is not None and task_data is None:
            raise SuiteError("--labels gives the meaning of a head's rows on --task-data, which is missing.")
        suite = audit_suite(
            base,
            finetuned,
            task=None if task_data is None else TaskData(task_data, text, label, labels, read_as),
            prose=prose,
            bias=bias,
            trained_on=files,
            held_out=held_out,
        )
        private = {"texts": "none"} if no_texts else {}
        suite = override(suite, texts="none") if no_texts else suite
        settings = Settings(out=out, limit=limit, device=device, command=["harness", *sys.argv[1:]], overrides=private)
        finished = run_suite(suite, open_store(reporter), reporter, settings)
    code = show_outcome(finished.run, finished.results, as_json=as_json)
    written = finished.run.path / "suite.yaml"
    atomic.write_text(written, suite_text(suite.value))
    say(f"suite: {written} (edit it, then `harness run {written}`)", err=as_json)
    tell(finished.run, finished.results, finished.info, ci, as_json=as_json)
    return code
