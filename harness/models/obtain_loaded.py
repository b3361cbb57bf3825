"""`load` in a suite → a checkpoint on this machine, with its adapter on it and its weights in few bits where named."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from harness.core.digests import digest
from harness.core.errors import CheckpointError, show_as
from harness.core.model_kind import ObtainContext, Obtained
from harness.model_kinds.load_kind import LoadModel
from harness.models.checkpoint.adapter_folder import check_adapter, is_adapter, named_base, pair_key, write_pair
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.inspection import configured_labels
from harness.models.checkpoint.lineage import read_lineage
from harness.models.checkpoint.sources.locate import NamedCheckpoint, locate


def obtain_loaded(options: LoadModel, given: ObtainContext) -> Obtained:
    """Finds or fetches what a suite loads.

    Raises:
        CheckpointError: when it cannot be used.
        IncompleteError: when it cannot be fetched.
    """
    path = locate(
        NamedCheckpoint(options.load, revision=options.revision, file=options.file),
        base=given.folder,
        where=given.where,
        store=given.store,
        reporter=given.reporter,
    )
    if options.adapter is not None:
        path = _with_adapter(path, options, given)
    key = checkpoint_digest(path, given.resolve)
    given.note(key, path)
    if options.quantize is not None:
        path = _quantized(path, key, options.quantize, given)
        key = checkpoint_digest(path, given.resolve)
        given.note(key, path)
    return Obtained(path, key, key, _source(options))


def _with_adapter(base: Path, options: LoadModel, given: ObtainContext) -> Path:
    """The adapter on the base that the suite gives it, kept in the store; another name in its file is said.

    Raises:
        CheckpointError: when the base is none, or harness trained the adapter on another one.
    """
    assert options.adapter is not None
    adapter = locate(
        NamedCheckpoint(options.adapter, revision=options.adapter_revision), base=given.folder, where=given.where
    )
    check_adapter(adapter)
    if is_adapter(base):
        raise CheckpointError(
            "the base of an adapter is an adapter itself.",
            where=given.where,
            hint="merge the two once with peft (`merge_and_unload`), and load the result as the base.",
        )
    key = checkpoint_digest(base, given.resolve)
    given.note(key, base)
    if not read_lineage(adapter):
        _tell_of_name(named_base(adapter), base, options, given)
    labels = tuple(options.labels or _named_beside(adapter))

    def build(work: Path) -> dict[str, object]:
        write_pair(work, adapter, key, labels)
        return {}

    path: Path = given.store.make("adapters", pair_key(adapter, key, labels), build).path
    show_as(path, adapter)
    return path


def _named_beside(adapter: Path) -> tuple[str, ...]:
    """The labels that a config.json beside an adapter names; none where they are `LABEL_0`, `LABEL_1`, …"""
    labels = configured_labels(adapter) or ()
    return () if labels == tuple(f"LABEL_{place}" for place in range(len(labels))) else labels


def _tell_of_name(named: str, base: Path, options: LoadModel, given: ObtainContext) -> None:
    """Says that an adapter's file names another base than the suite, which is the one that counts."""
    if named == options.load or (Path(named).is_absolute() and Path(named).resolve() == base.resolve()):
        return
    says = f"names {named!r} as its base" if named else "names no base"
    given.reporter.info(f"the adapter {options.adapter} {says}; it is put on {options.load}, as the suite says")


def _quantized(parent: Path, key: str, bits: Literal["4bit", "8bit"], given: ObtainContext) -> Path:
    """The page that says how a loaded checkpoint is held; kept in the store."""
    from harness.models.derived.quantized_backend import write_quantized

    def build(work: Path) -> dict[str, object]:
        write_quantized(work, parent, parent_key=key, parent_digest=key, bits=bits)
        return {}

    path: Path = given.store.make("quantized", digest({"quantized": key, "bits": bits}), build).path
    show_as(path, parent)
    return path


def _source(options: LoadModel) -> dict[str, object]:
    """What a loaded model is called in the results: where it came from."""
    source: dict[str, object] = {"source": options.load, "revision": options.revision}
    more = {"adapter": options.adapter, "quantize": options.quantize}
    return source | {name: value for name, value in more.items() if value is not None}
