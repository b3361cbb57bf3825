"""What `harness data` and `plan` need to know without fetching: preview, fetch, verify."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.core.dataset import Dataset
from harness.core.errors import HarnessError
from harness.core.reporter import Reporter
from harness.data import stored_dataset
from harness.data.catalog import catalog_index
from harness.data.catalog.catalog_loader import open_entry, parsed, title
from harness.data.catalog.catalog_schema import CatalogEntry
from harness.data.fingerprints import fingerprint
from harness.data.sources.source_error import SourceFailed
from harness.data.sources.source_specs import ArtifactSource, GeneratedSource, MirrorSource, UrlSource
from harness.schema.suite.data_refs import CatalogRef, DataRef, FileRef, HubRef
from harness.storage.store import Store


@dataclass(frozen=True, slots=True)
class DataPreview:
    """What opening a dataset would take.

    Attributes:
        cached: it can be opened without a network.
        bytes_to_fetch: size of what would be downloaded; 0 when cached, None when unknown (hub).
        source: where it would come from, in a few words.
        rows: number of rows, or None when not known before it is fetched.
        artifact: digest of the archive that would be fetched; data with the same archive share
            one download.
    """

    name: str
    cached: bool
    bytes_to_fetch: int | None
    source: str
    license: str
    rows: int | None
    artifact: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """The state of one copy of an entry: `ok`, `damaged`, or `absent`."""

    source: str
    state: Literal["ok", "damaged", "absent"]
    reason: str = ""


def preview(ref: DataRef, *, name: str, base: Path, store: Store) -> DataPreview:
    """Says where a dataset would come from. Reads local files only; never the network.

    Raises:
        DataError: for an unknown catalog name or a missing file.
    """
    if isinstance(ref, CatalogRef):
        return preview_entry(catalog_index.entry(ref.catalog), store, name=name)
    if isinstance(ref, FileRef):
        from harness.data.open_dataset import file_key
        from harness.data.sources import user_file

        entry = store.get(stored_dataset.KIND, file_key(ref, user_file.content_of(ref, base)))
        rows = sum(entry.meta["facts"]["rows"].values()) if entry is not None else None
        return DataPreview(name, True, 0, f"file {ref.file}", ref.license or "license not stated", rows)
    if isinstance(ref, HubRef):
        from harness.data.open_dataset import hub_key

        entry = store.get(stored_dataset.KIND, hub_key(ref))
        rows = sum(entry.meta["facts"]["rows"].values()) if entry is not None else None
        source = f"hub {ref.hub} at {ref.revision[:12]}"
        return DataPreview(name, entry is not None, 0 if entry else None, source, "see the hub's page", rows)
    return DataPreview(name, True, 0, f"source {ref.source}", "license not stated", None)


def preview_entry(entry: CatalogEntry, store: Store, *, name: str | None = None) -> DataPreview:
    """Says where a catalog entry would come from; see `preview`."""
    shown = name or entry.name
    dataset = parsed(entry, store)
    if dataset is not None:
        facts = dataset.meta["facts"]
        return DataPreview(shown, True, 0, facts["source"], entry.license, sum(facts["rows"].values()))
    for source in entry.sources:
        size: int | None
        archive = None
        if isinstance(source, GeneratedSource):
            size = 0
        elif isinstance(source, MirrorSource):
            from harness.data.sources import mirror_folder

            if not mirror_folder.available(source):
                continue
            size = 0
        elif isinstance(source, ArtifactSource):
            from harness.data.sources import package_artifact

            size = 0 if package_artifact.cached(source, store) else source.bytes
            archive = source.sha256 if size else None
        elif isinstance(source, UrlSource):
            from harness.data.sources import url

            size = sum(member.bytes for member in source.members.values() if not url.cached(member, store))
        else:
            size = None
        return DataPreview(shown, size == 0, size, title(source), entry.license, entry.rows, archive)
    return DataPreview(shown, False, None, "a mirror only (HARNESS_DATA_DIR)", entry.license, entry.rows)


def fetch(entry: CatalogEntry | str, store: Store, reporter: Reporter) -> Dataset:
    """Fetches and parses an entry, so that later runs need no network.

    Raises:
        DataError, IncompleteError: see `open_entry`.
    """
    return open_entry(catalog_index.entry(entry) if isinstance(entry, str) else entry, store, reporter)


def verify(entry: CatalogEntry | str, store: Store) -> list[Verified]:
    """Checks every copy on this machine (mirror, fetched archives, parsed rows) against the pinned digests.

    Never uses the network.
    """
    from harness.core.reporter import Silent
    from harness.data.sources import mirror_folder, package_artifact, url

    if isinstance(entry, str):
        entry = catalog_index.entry(entry)
    results = []
    if all(isinstance(source, GeneratedSource) for source in entry.sources):
        return [Verified(title(source), "ok", "part of harness, nothing is stored") for source in entry.sources]
    for source in entry.sources:
        try:
            if isinstance(source, MirrorSource):
                mirror_folder.read(source)
            elif isinstance(source, ArtifactSource):
                if package_artifact.cached(source, store) is None:
                    raise SourceFailed("not fetched", absent=True)
                package_artifact.read(source, store, Silent(), offline=True)
            elif isinstance(source, UrlSource):
                if any(url.cached(member, store) is None for member in source.members.values()):
                    raise SourceFailed("not fetched", absent=True)
                url.read(source, store, Silent(), offline=True)
            else:
                continue
        except SourceFailed as failed:
            state: Literal["damaged", "absent"] = "damaged" if failed.damaged else "absent"
            results.append(Verified(title(source), state, failed.reason))
        else:
            results.append(Verified(title(source), "ok"))
    results.append(_parsed_state(entry, store))
    return results


def _parsed_state(entry: CatalogEntry, store: Store) -> Verified:
    try:
        stored = parsed(entry, store)
    except HarnessError as error:
        return Verified("parsed rows", "damaged", error.message)
    if stored is None:
        return Verified("parsed rows", "absent", "not fetched, or set aside as corrupt")
    dataset = stored_dataset.read(entry.name, stored)
    if fingerprint(dataset.rows, dataset.columns, dataset.labels) != dataset.fingerprint:
        return Verified("parsed rows", "damaged", "the fingerprint has changed since they were written")
    return Verified("parsed rows", "ok")
