"""`open_dataset`: a reference of a suite → a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.core.dataset import SPLITS, Dataset
from harness.core.digests import bytes_digest, digest
from harness.core.errors import DataError, IncompleteError, Where
from harness.core.reporter import Reporter
from harness.data import stored_dataset
from harness.data.build_dataset import assemble, limited
from harness.data.parsers.parser_by_name import PARSERS_VERSION
from harness.data.parsers.raw_row import Raw
from harness.data.sources.source_error import SourceFailed
from harness.data.splits import DEFAULT_SHARES, checked_shares, split_name
from harness.data.user_data import Adopted, Wishes, adopt
from harness.schema.suite.data_refs import CatalogRef, DataRef, FileRef, HubRef, SourceRef
from harness.storage.store import Store


def open_dataset(
    ref: DataRef, *, name: str, base: Path, store: Store, reporter: Reporter, offline: bool = False
) -> Dataset:
    """Opens what a suite names; fetches it first when it must and may.

    Args:
        ref: catalog name, file, hub dataset or outside source.
        name: the name in the suite, for messages and `Dataset.name`.
        base: folder that relative paths start from (the suite's).
        offline: never use the network.

    Raises:
        DataError: when data is missing, damaged or not what the reference says.
        IncompleteError: when the network is needed and does not work.
    """
    if isinstance(ref, CatalogRef):
        from harness.data.catalog import catalog_index
        from harness.data.catalog.catalog_loader import open_entry

        entry = catalog_index.entry(ref.catalog)
        dataset = open_entry(entry, store, reporter, offline=offline)
        told = {"license": entry.license, "citation": entry.citation, "caveats": list(entry.caveats)}
        told = {**told, "title": entry.title, "catalog": entry.name, "lists": list(dataset.columns)}
        dataset = replace(dataset, facts={**dataset.facts, **told})
    elif isinstance(ref, FileRef):
        dataset = _file(ref, name, base, store)
    elif isinstance(ref, HubRef):
        dataset = _hub(ref, name, store, offline)
    else:
        dataset = _outside(ref, name, base)
        dataset = replace(dataset, facts={**dataset.facts, "lists": list(dataset.columns)})
    for warning in dataset.facts.get("warnings", ()):
        reporter.warn(f"data {name!r}: {warning}")
    for shaped in dataset.facts.get("conversations", {}).items():
        reporter.info(f"data {name!r}: {_shape_note(shaped)}")
    return limited(replace(dataset, name=name), ref.limit)


def file_key(ref: FileRef, content: bytes) -> str:
    """The key of a parsed file: its bytes and what the suite says of its columns, not its path."""
    from harness.data.sources import user_file

    said = ref.model_dump(mode="json", exclude={"file", "format", "limit", "license", "language", "held_out"})
    said["columns"] = list(said["columns"].items())
    return _key({"file": bytes_digest(content), "said": said, "format": user_file.format_of(ref)})


def hub_key(ref: HubRef) -> str:
    """The key of a parsed hub dataset: name, commit and what the suite says of its columns."""
    said = ref.model_dump(mode="json", exclude={"limit", "language", "held_out"})
    said["columns"] = list(said["columns"].items())
    return _key({"hub": said})


def _key(read: Mapping[str, Any]) -> str:
    return digest({"format": stored_dataset.DATA_FORMAT, "parsers": PARSERS_VERSION, "read": read})


def _file(ref: FileRef, name: str, base: Path, store: Store) -> Dataset:
    from harness.data.sources import user_file

    content = user_file.content_of(ref, base)

    def build(work: Path) -> dict[str, Any]:
        shares = DEFAULT_SHARES if not isinstance(ref.splits, dict) else ref.splits
        dataset = _made(name, user_file.adopted(ref, content), checked_shares(shares, Where(ref.file)), Where(ref.file))
        return stored_dataset.write(dataset, work, {"bytes": len(content), "digests": {"file": bytes_digest(content)}})

    entry = store.make(stored_dataset.KIND, file_key(ref, content), build)
    dataset = stored_dataset.read(name, entry)
    told: dict[str, Any] = {
        "source": f"file {ref.file}",
        "license": ref.license or "not stated",
        "citation": None,
        "caveats": [],
    }
    return replace(dataset, facts={**dataset.facts, **told})


def _hub(ref: HubRef, name: str, store: Store, offline: bool) -> Dataset:
    from harness.data.sources import hub_dataset

    hub_dataset.check(ref.hub, ref.revision)
    where = f"hub {ref.hub}"

    def build(work: Path) -> dict[str, Any]:
        if offline:
            raise SourceFailed("not in the cache, and harness does not fetch offline")
        hub_splits = hub_dataset.read(ref.hub, ref.revision, ref.config, ref.splits or None)
        splits = ref.splits or {split: theirs for theirs in hub_splits if (split := _usual(theirs)) is not None}
        if not splits:
            raise DataError(
                f"{where}: its splits are named {', '.join(sorted(hub_splits))}.",
                hint="map them: `splits: {train: <its split>, test: <its split>}`.",
            )
        raws: list[Raw] = []
        for split, theirs in splits.items():
            ours = split_name(split)
            of_split = enumerate(hub_splits[theirs], len(raws) + 1)
            raws += [Raw(number, {**raw.fields, "#split": ours}) for number, raw in of_split]
        wishes = Wishes(
            columns=ref.columns,
            cluster=ref.cluster,
            slices=ref.slices,
            split="#split",
            missing_cluster=ref.missing_cluster,
            normalize=ref.normalize,
        )
        dataset = _made(name, adopt(raws, wishes, where), dict.fromkeys(SPLITS, 0.0), Where(where))
        return stored_dataset.write(dataset, work, {"bytes": 0, "digests": {"revision": ref.revision}})

    try:
        entry = store.make(stored_dataset.KIND, hub_key(ref), build)
    except SourceFailed as failed:
        raise IncompleteError(
            f"data {name!r}: {failed.reason}.",
            hint="check the name, the commit, and the network; run `harness data fetch` in advance for offline "
            "machines.",
        ) from failed
    dataset = stored_dataset.read(name, entry)
    told: dict[str, Any] = {
        "source": f"hub {ref.hub} at {ref.revision[:12]}",
        "license": "see the hub's page",
        "caveats": [],
    }
    return replace(dataset, facts={**dataset.facts, **told})


def _usual(theirs: str) -> str | None:
    try:
        return split_name(theirs)
    except DataError:
        return None


def _outside(ref: SourceRef, name: str, base: Path) -> Dataset:
    from harness.data.sources import plugin_source

    where = Where(f"source {ref.source}")
    dataset = _made(name, plugin_source.read(ref.source, ref.options, base), dict(DEFAULT_SHARES), where)
    told: dict[str, Any] = {"source": str(where), "license": "not stated", "caveats": [], "digests": {}, "bytes": 0}
    return replace(dataset, facts={**dataset.facts, **told})


def _shape_note(shaped: tuple[str, str]) -> str:
    column, shape = shaped
    return f"the column {column!r} holds conversations in the shape of {shape}"


def _made(name: str, adopted: Adopted, shares: dict[str, float], place: Where) -> Dataset:
    dataset = assemble(name, adopted, shares, place)
    facts = {**dataset.facts, "lists": list(adopted.lists), "incomplete_columns": dict(adopted.incomplete)}
    if adopted.conversations:
        facts["conversations"] = dict(adopted.conversations)
        facts["notes"] = [*facts["notes"], *map(_shape_note, adopted.conversations.items())]
    if adopted.ignored:
        facts["ignored_columns"] = [column for column in adopted.ignored if column != "#split"]
    return replace(dataset, facts=facts)
