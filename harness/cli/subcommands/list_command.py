"""`harness list`."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getdoc

import click

from harness.cli.terminal import heading, say, say_json

KINDS = (
    *("tasks", "probes", "metrics", "models", "sources", "data", "checkpoints", "suites", "importers"),
    "report_sections",
)


@click.command("list")
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS), metavar="[KIND]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def command(kinds: tuple[str, ...], as_json: bool) -> int:
    """List what is installed: tasks, probes, metrics, models, sources, data, checkpoints, suites, importers,
    report sections."""

    entries_by_kind = {kind: dict(_entries(kind)) for kind in kinds or KINDS}
    if as_json:
        say_json(entries_by_kind)
        return 0
    for kind, entries in entries_by_kind.items():
        heading(kind)
        width = max((len(name) for name in entries), default=0)
        for name, summary in entries.items():
            say(f"  {name:<{width}}  {summary}")
    return 0


def _entries(kind: str) -> Iterator[tuple[str, str]]:
    if kind == "data":
        from harness.data.catalog import catalog_index

        for name in catalog_index.names():
            yield name, catalog_index.entry(name).title
    elif kind == "checkpoints":
        from harness.pipeline.checkpoints.named_checkpoints import checkpoint_titles

        yield from checkpoint_titles().items()
    elif kind == "suites":
        from harness.suite import bundled

        for name, title in bundled.titles().items():
            yield name, title
    else:
        from harness.core import registry
        from harness.core.distribution import DISTRIBUTION

        for name in registry.names(kind):
            entry = registry.load(kind, name)
            # A source is a plain function: the first line of its docstring says what it gives.
            summary = str(getattr(entry, "summary", None) or (getdoc(entry) or "").partition("\n")[0])
            source = registry.origin(kind, name)
            yield name, summary if source == DISTRIBUTION else f"{summary} (from {source})"
