"""`harness data list | show | fetch | verify | audit`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.console import make_reporter
from harness.cli.options import FORMATS, file_options, open_store
from harness.cli.terminal import heading, say, say_json
from harness.commands.data import expand_names, open_entry, open_file, preview_entry, preview_facts
from harness.core.errors import DataError, is_address, unknown


@click.group("data")
def command() -> None:
    """List, show, fetch, and verify catalog datasets; audit any dataset."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def list_data(as_json: bool) -> int:
    """List the catalog: name, license, and whether it is cached."""
    from harness.data.catalog import catalog_index
    from harness.schema.units import show_bytes

    store = open_store(make_reporter(quiet=True))
    previews = {name: preview_entry(name, store) for name in catalog_index.names()}
    if as_json:
        say_json({name: preview_facts(preview) for name, preview in previews.items()})
        return 0
    width = max((len(name) for name in previews), default=0)
    for name, preview in previews.items():
        state = "cached" if preview.cached else f"fetch {show_bytes(preview.bytes_to_fetch or 0)}"
        say(
            f"{name:<{width}}  {state:<14}  {preview.license or 'license not stated'}  "
            f"{catalog_index.entry(name).title}"
        )
    return 0


@command.command("show")
@click.argument("name")
@click.option(
    "--rows", default=3, show_default=True, type=click.IntRange(min=0), help="Number of example rows, if cached."
)
def show_data(name: str, rows: int) -> int:
    """Show one dataset: its title, license, caveats, source, and a few rows."""
    from harness.data.catalog import catalog_index
    from harness.report.wording.safe_text import clean
    from harness.schema.units import show_bytes

    entry = catalog_index.entry(name)
    reporter = make_reporter()
    store = open_store(reporter)
    preview = preview_entry(name, store)
    heading(entry.title)
    for label, value in (
        ("license", entry.license),
        ("citation", entry.citation),
        ("columns", ", ".join(entry.columns)),
        ("source", preview.source),
        ("state", "cached" if preview.cached else f"to fetch, {show_bytes(preview.bytes_to_fetch or 0)}"),
    ):
        say(clean(f"  {label}: {value}"))
    for caveat in entry.caveats:
        say(clean(f"  caveat: {caveat}"))
    if preview.cached:
        dataset = open_entry(name, store, reporter)
        for split, split_rows in dataset.rows.items():
            say(f"  {split}: {len(split_rows)} rows, {len({row.cluster for row in split_rows})} clusters")
        shown = next((name for name in ("train", "test", "validation") if dataset.rows.get(name)), None)
        for row in dataset.rows[shown][:rows] if shown else ():
            say(clean("  " + "  ".join(f"{key}={str(value)[:160]!r}" for key, value in row.fields.items())))
    return 0


@command.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME_OR_SUITE...")
def fetch_data(names: tuple[str, ...]) -> int:
    """Fetch datasets and checkpoints (catalog:NAME), or everything a suite needs; later runs need no network."""
    from harness.pipeline.checkpoints.named_checkpoints import fetch_checkpoints

    reporter = make_reporter()
    store = open_store(reporter)
    data, checkpoints = expand_names(names)
    for done in fetch_checkpoints(checkpoints, store, reporter):
        say(f"{done.name}: {done.package} ({done.license}), in {done.path}")
    for name in data:
        dataset = open_entry(name, store, reporter)
        total = sum(len(rows) for rows in dataset.rows.values())
        say(f"{name}: {total} rows, from {dataset.facts.get('source', '?')}")
    return 0


@command.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def verify_data(names: tuple[str, ...]) -> int:
    """Check cached datasets (all, or the named ones) against their pinned digests."""
    from harness.data.catalog import catalog_index
    from harness.data.fetch_preview import verify

    store = open_store(make_reporter())
    for name in names or [name for name in catalog_index.names() if preview_entry(name, store).cached]:
        for copy in verify(catalog_index.entry(name), store):
            say(f"{name}: {copy.source}: {copy.state}" + (f" ({copy.reason})" if copy.reason else ""))
    return 0


@command.command("audit")
@click.argument("data")
@click.option(
    "--lexicon",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the columns group and word. Defaults to the built-in gendered words.",
)
@click.option("--text", default="text", show_default=True, help="Column that holds the texts.")
@click.option("--label", help="Column whose rates are shown per group. Defaults to `label` if the data has it.")
@click.option("--split", help="Split to audit. Defaults to all splits.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the audit to this file: .html for a page, .csv for a table, else JSON.",
)
@file_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def audit_data(
    data: str,
    lexicon: Path | None,
    text: str,
    label: str | None,
    split: str | None,
    out: Path | None,
    as_json: bool,
    read_as: dict[str, str],
) -> int:
    """Audit DATA: empty texts, duplicates, labels, language, suspected personal data, and what it says about groups.

    Groups: how often, with which labels (tested between groups), and in what context (against base rates).

    DATA is a catalog name, or a file (csv, tsv, jsonl, json, parquet, txt).
    """
    from harness.cli.as_typed import TypedReporter, spoken_as_typed
    from harness.cli.audit_lines import audit_lines
    from harness.data.data_audit import audit, read_groups
    from harness.storage import atomic

    reporter = TypedReporter(make_reporter())
    store = open_store(reporter)
    path = Path(data)
    is_file = path.exists() or is_address(data) or path.suffix.lower().removeprefix(".") in FORMATS
    with spoken_as_typed():
        dataset = open_file(path, reporter, read_as, label or "label") if is_file else open_entry(data, store, reporter)
    for name, option in ((text, "--text"), (label, "--label")):
        if name is not None and name not in dataset.columns:
            raise DataError(
                f"data {dataset.name!r}: {unknown('column', name, dataset.columns)}",
                hint=f"name the column with {option}.",
            )
    guesses: list[str] = []
    groups = read_groups(lexicon, guesses) if lexicon is not None else None
    for guess in guesses:
        reporter.warn(f"{lexicon}: {guess}")
    named = {} if lexicon is None else {"lexicon": lexicon.name}
    if label is None and "label" in dataset.columns:
        label = "label"
    splits = [split] if split is not None else [name for name, rows in dataset.rows.items() if rows]
    made = [audit(dataset, split, text=text, label=label, groups=groups, **named) for split in splits]
    value = {"data": dataset.name, "audits": [made_audit.model_dump(mode="json") for made_audit in made]}
    if out is not None:
        from harness.report.formats.audit_page import audit_file

        atomic.write_text(out.absolute(), audit_file(out.suffix.lower(), made, value))
        reporter.info(f"wrote {out}")
    if as_json:
        say_json(value)
        return 0
    for made_audit in made:
        for line in audit_lines(made_audit):
            say(line)
    return 0
