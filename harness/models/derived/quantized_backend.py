"""A loaded checkpoint whose base is held in 4 or 8 bits: a checkpoint of its own, as it answers otherwise."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.checkpoint_files import CHECKPOINT_FILE, CHECKPOINT_FORMAT
from harness.models.checkpoint.lineage import kind_of, parent_of, read_lineage
from harness.storage import atomic

if TYPE_CHECKING:
    from harness.core.model import Backend
    from harness.models.open_context import OpenContext

Bits = Literal["4bit", "8bit"]
_KINDS = ("transformers", "adapter")


def write_quantized(folder: Path, parent: Path, *, parent_key: str, parent_digest: str, bits: Bits) -> None:
    """Writes the page of a quantized checkpoint; its weights stay where they are.

    Args:
        folder: of the new checkpoint.
        parent: the checkpoint's folder.
        parent_key: by which `resolve` finds it.
        parent_digest: its content.
        bits: how its base is held.

    Raises:
        CheckpointError: for a checkpoint that transformers does not load.
    """
    kind = kind_of(parent, read_lineage(parent))
    if kind not in _KINDS:
        raise CheckpointError(
            f"a checkpoint of the kind {kind!r} has no weights to quantize.",
            where=Where(parent),
            hint="`quantize` is for transformers checkpoints and adapters on them.",
        )
    page = {
        "format": CHECKPOINT_FORMAT,
        "kind": "quantized",
        "parent": {"key": parent_key, "digest": parent_digest},
        "quantize": bits,
    }
    atomic.write_text(folder / CHECKPOINT_FILE, json.dumps(page, indent=1) + "\n")


def open_quantized(folder: Path, context: OpenContext) -> Backend:
    """Opens the parent with the weights of its base in few bits; heads and adapters keep theirs.

    Raises:
        CheckpointError: when the page is damaged, or the parent is not the one that was named.
        IncompleteError: when bitsandbytes is not there, or does not run on the device.
    """
    from harness.models.local.transformers_backend import open_transformers

    lineage = read_lineage(folder)
    bits = lineage.get("quantize")
    if bits not in get_args(Bits):
        raise CheckpointError(
            f"expected `quantize` as one of {', '.join(get_args(Bits))}; found {bits!r}.",
            where=Where(folder / CHECKPOINT_FILE),
            hint="name the model with `quantize` in the suite again.",
        )
    own = checkpoint_digest(folder, context.resolve)
    parent = parent_of(folder, "quantized", lineage)
    assert parent is not None
    backend = open_transformers(context.resolve(parent["key"]), dataclasses.replace(context, quantize=bits))
    backend.known_as(own)
    return backend
