"""Checkpoints of the catalog, for commands: what there is, and fetching without a suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.reporter import Reporter
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite

PREFIX = "catalog:"


@dataclass(frozen=True, slots=True)
class FetchedCheckpoint:
    """A checkpoint that is now on this machine."""

    name: str
    path: Path
    license: str
    package: str


def checkpoint_titles() -> dict[str, str]:
    """Name → title and license of every checkpoint that `load: catalog:NAME` can name."""
    from harness.models.checkpoint import checkpoint_catalog

    entries = {name: checkpoint_catalog.entry(name) for name in checkpoint_catalog.names()}
    return {f"{PREFIX}{name}": f"{entry.title}; {entry.license}" for name, entry in entries.items()}


def catalog_checkpoints(suite: Suite) -> list[str]:
    """The checkpoints of the catalog that a suite loads, with their prefix."""
    named = [name for spec in suite.models.values() for name in spec.kind.fetches(spec.options)]
    return list(dict.fromkeys(name for name in named if name.startswith(PREFIX)))


def fetch_checkpoints(names: Sequence[str], store: Store, reporter: Reporter) -> Iterator[FetchedCheckpoint]:
    """Fetches (and converts) checkpoints named `catalog:NAME`, so that later runs need no network.

    Raises:
        CheckpointError, IncompleteError: for an unknown name, wrong bytes, no network.
    """
    from harness.models.checkpoint import checkpoint_catalog
    from harness.models.checkpoint.locate import locate

    for name in names:
        entry = checkpoint_catalog.entry(name.removeprefix(PREFIX))
        path = locate(name, None, base=Path.cwd(), store=store, reporter=reporter)
        package = f"{entry.archive.package} {entry.archive.version}"
        yield FetchedCheckpoint(name, path, entry.license, package)


def needs_base(name: str, revision: str | None) -> bool:
    """Whether a checkpoint, by path, hub id or catalog name, is an adapter without its base.

    Raises:
        CheckpointError: when it cannot be used.
    """
    from harness.models.checkpoint import adapter_folder
    from harness.models.checkpoint.locate import locate

    return adapter_folder.needs_base(locate(name, revision=revision, base=Path.cwd()))


def family_of(name: str, revision: str | None) -> str | None:
    """What kind of model a checkpoint is, by path, hub id or catalog name; it is looked at, not loaded.

    Raises:
        CheckpointError: when it cannot be used.
    """
    from harness.models.checkpoint.inspection import inspect
    from harness.models.checkpoint.locate import locate

    return inspect(locate(name, revision=revision, base=Path.cwd())).family
