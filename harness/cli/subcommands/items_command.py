"""`harness items RUN`."""

from __future__ import annotations

import click

from harness.cli.options import output_options
from harness.cli.run_argument import run_folder
from harness.cli.terminal import say, say_json


@click.command("items")
@click.argument("run")
@click.option(
    "--evaluation", "evaluations", multiple=True, metavar="NAME", help="Only this task or probe. Repeat for more."
)
@click.option("--model", metavar="NAME", help="The model. Defaults to the released one.")
@click.option("--baseline", metavar="NAME", help="The other model. Defaults to the evaluation's baseline.")
@click.option(
    "--broken", "cases", flag_value="broken", multiple=True, help="Items that only the baseline answers right."
)
@click.option("--fixed", "cases", flag_value="fixed", multiple=True, help="Items that only the model answers right.")
@click.option("--wrong", "cases", flag_value="both_wrong", multiple=True, help="Items that both answer wrong.")
@click.option(
    "--slice", "slices", multiple=True, metavar="KEY=VALUE", help="Only items of this slice. Repeat to narrow."
)
@click.option("--label-errors", is_flag=True, help="Only items whose label both models confidently contradict.")
@click.option("--limit", type=click.IntRange(min=1), help="Show at most this many items.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with an empty column new_label, for `harness relabel`.")
@output_options
def command(
    run: str,
    evaluations: tuple[str, ...],
    model: str | None,
    baseline: str | None,
    cases: tuple[str, ...],
    slices: tuple[str, ...],
    label_errors: bool,
    limit: int | None,
    as_csv: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """List the items of RUN: label, both models' answers, and texts.

    Items whose label both models confidently contradict come first: the label may be wrong. Texts that the run does not
    hold (`texts: none`) are read again from the data.
    """
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.commands.stored_runs.item_rows import ItemChoice, csv_rows, item_rows
    from harness.report.formats.csv_tables import table_csv
    from harness.report.wording.safe_text import clean_line
    from harness.storage.run_folders import find

    reporter = make_reporter(quiet=quiet)
    choice = ItemChoice(evaluations, baseline, model, frozenset(cases), slices, label_errors)
    rows = item_rows(find(run_folder(run)), choice, open_store(reporter), reporter)
    shown = rows[:limit]
    columns, cells = csv_rows(shown)
    if as_json:
        say_json({"items": cells, "count": len(rows)})
    elif as_csv:
        say(table_csv(columns, cells).rstrip("\n"))
    else:
        for row in shown:
            doubt = f", label in doubt: {row.doubt.label} ({row.doubt.confidence:.2f})" if row.doubt else ""
            say(clean_line(f"{row.evaluation} {row.item_id} {row.case}{doubt}"))
            say(
                "  "
                + clean_line(f"label {row.target}, baseline {row.before}, model {row.after}; {' '.join(row.slices)}")
            )
            say("  " + clean_line(" | ".join(row.texts.values()), 400))
        say(f"{len(rows)} items" + (f", {len(shown)} shown" if len(shown) < len(rows) else ""))
    return 0
