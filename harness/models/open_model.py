"""Checkpoint → model: a folder by its kind, which is one of data; a server only as the suite's own entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core import registry
from harness.core.model import Backend
from harness.core.model_kind import formats
from harness.core.reporter import Reporter, Silent
from harness.models.cached_model import CachedModel
from harness.models.checkpoint.checkpoint_digest import Resolve
from harness.models.checkpoint.inspection import kind_of, read_lineage
from harness.models.open_context import Bases, OpenContext
from harness.storage.response_cache import ResponseFile

if TYPE_CHECKING:
    from harness.models.server.open_server import Served


def open_model(
    checkpoint: Path | Served,
    *,
    resolve: Resolve,
    responses: ResponseFile | None,
    device: str = "auto",
    reporter: Reporter | None = None,
    labels: Sequence[str] | None = None,
    batch_tokens: int | None = None,
    pool: Bases | None = None,
) -> CachedModel:
    """Opens a checkpoint for questions.

    Args:
        checkpoint: its folder; or what `served` made of a suite's entry, the only way to a server.
        resolve: gives a parent checkpoint's folder by its key (adapters, linear heads).
        responses: SQLite file of known responses, shared between models and processes; None to
            keep nothing.
        device: `auto`, `cpu`, `cuda` or `mps`.
        reporter: told about shrinking batches and damaged files.
        labels: names for the classification head's rows, in order. They go before those of
            checkpoint.json, and those before config.json's `id2label`, which may be the
            meaningless LABEL_0, LABEL_1, ….
        batch_tokens: tokens in a batch instead of the device's own budget; changes no answer beyond
            rounding.
        pool: keeps a base in memory for the next model that stands on it.

    Raises:
        CheckpointError: when the folder cannot be used, with what is missing.
        IncompleteError: when the device is not there.
    """
    reporter = reporter or Silent()
    named = tuple(labels) if labels else None
    context = OpenContext(resolve, responses, device, reporter, named, batch_tokens=batch_tokens, pool=pool)
    if not isinstance(checkpoint, Path):
        from harness.models.server.open_server import open_served

        return CachedModel(open_served(checkpoint), responses, reporter)
    return CachedModel(opener_of(checkpoint)(checkpoint, context), responses, reporter)


def opener_of(folder: Path) -> Callable[[Path, OpenContext], Backend]:
    """What opens a folder: the opener of its format, which is one of those that the installed kinds declare.

    Raises:
        CheckpointError: when checkpoint.json names anything else.
    """
    declared = formats()[kind_of(folder, read_lineage(folder))]
    opener: Callable[[Path, OpenContext], Backend] = registry.imported(declared.opener)
    return opener
