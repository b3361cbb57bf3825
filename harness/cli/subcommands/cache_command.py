"""`harness cache`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from harness.cli.terminal import say, say_json

if TYPE_CHECKING:
    from harness.storage.cache_care import CachePart


@click.group("cache")
def command() -> None:
    """Show, check, or clear the cache of data, checkpoints, and answers (HARNESS_CACHE_DIR)."""


@command.command("size")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def size(as_json: bool) -> int:
    """Show what the cache holds, by kind."""
    from harness.storage.cache_care import sizes
    from harness.storage.store import Store

    store = Store()
    _show(sizes(store), as_json, folder=str(store.root))
    return 0


@command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def verify_cache(as_json: bool) -> int:
    """Read every file and answer again; what is damaged is set aside, and made again when it is needed.

    Exit code 12 if anything was damaged.
    """
    from harness.cli.console import make_reporter
    from harness.core.errors import EXIT_INCOMPLETE
    from harness.storage.cache_care import verify
    from harness.storage.store import Store

    reporter = make_reporter(quiet=as_json)
    faults = verify(Store(reporter=reporter), reporter)
    if as_json:
        say_json({"damaged": faults})
    else:
        for fault in faults:
            say(f"damaged: {fault}")
        say(f"{len(faults)} damaged; they are made again when they are needed." if faults else "no damage found.")
    return EXIT_INCOMPLETE if faults else 0


@command.command("prune")
@click.option(
    "--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Also remove what was not used for DAYS."
)
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def prune_cache(older_than: float | None, dry_run: bool, as_json: bool) -> int:
    """Remove damaged entries, work that was abandoned a week ago, and lock files that nobody holds.

    With --older-than also the data, checkpoints, and answers that were not used for so long.
    """
    from harness.storage.cache_care import prune
    from harness.storage.store import Store

    removed = prune(Store(), older_than=older_than, dry_run=dry_run)
    _show(removed, as_json, dry_run=dry_run)
    if not removed and not as_json:
        say("nothing to remove.")
    return 0


def _show(parts: Sequence[CachePart], as_json: bool, **facts: object) -> None:
    from harness.schema.units import show_bytes

    if as_json:
        say_json({**facts, "parts": [asdict(part) for part in parts], "bytes": sum(part.bytes for part in parts)})
        return
    width = max((len(part.name) for part in parts), default=0)
    for part in parts:
        say(f"  {part.name:<{width}}  {part.count:>9,}  {show_bytes(part.bytes):>8}")
    say(f"  {'total':<{width}}  {'':>9}  {show_bytes(sum(part.bytes for part in parts)):>8}")
