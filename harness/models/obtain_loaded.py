"""`load` in a suite → a checkpoint on this machine, with its adapter on it and its weights in few bits where named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from harness.core.digests import digest
from harness.core.model_kind import ObtainContext, Obtained
from harness.model_kinds.load_kind import LoadModel
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.inspection import inspect
from harness.models.checkpoint.locate import locate


def obtain_loaded(options: LoadModel, given: ObtainContext) -> Obtained:
    """Finds or fetches what a suite loads.

    Raises:
        CheckpointError: when it cannot be used.
        IncompleteError: when it cannot be fetched.
    """
    path = locate(
        options.load,
        revision=options.revision,
        base=given.folder,
        file=options.file,
        where=given.where,
        store=given.store,
        reporter=given.reporter,
    )
    if options.adapter is not None:
        base = path
        path = locate(options.adapter, revision=None, base=given.folder, where=given.where)
        parent = inspect(path).parent
        if parent is not None:
            given.note(parent["key"], base)
    key = checkpoint_digest(path, given.resolve)
    given.note(key, path)
    if options.quantize is not None:
        path = _quantized(path, key, options.quantize, given)
        key = checkpoint_digest(path, given.resolve)
        given.note(key, path)
    return Obtained(path, key, key, _source(options))


def _quantized(parent: Path, key: str, bits: Literal["4bit", "8bit"], given: ObtainContext) -> Path:
    """The page that says how a loaded checkpoint is held; kept in the store."""
    from harness.models.derived.quantized_backend import write_quantized

    def build(work: Path) -> dict[str, Any]:
        write_quantized(work, parent, parent_key=key, parent_digest=key, bits=bits)
        return {}

    path: Path = given.store.make("quantized", digest({"quantized": key, "bits": bits}), build).path
    return path


def _source(options: LoadModel) -> dict[str, Any]:
    """What a loaded model is called in the results: where it came from."""
    source = {"source": options.load, "revision": options.revision}
    return {**source, "quantize": options.quantize} if options.quantize is not None else source
