"""Checkpoint → model: a folder by its kind, which is one of data; a server only as the suite's own entry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core import registry
from harness.core.model import Backend
from harness.core.model_kind import formats
from harness.models.cached_model import CachedModel
from harness.models.checkpoint.lineage import kind_of, read_lineage
from harness.models.open_context import OpenContext

if TYPE_CHECKING:
    from harness.models.server.open_server import Served


def open_model(checkpoint: Path | Served, context: OpenContext) -> CachedModel:
    """Opens a checkpoint for questions.

    Args:
        checkpoint: its folder; or what `served` made of a suite's entry, the only way to a server.

    Raises:
        CheckpointError: when the folder cannot be used, with what is missing.
        IncompleteError: when the device is not there.
    """
    if not isinstance(checkpoint, Path):
        from harness.models.server.open_server import open_served

        return CachedModel(open_served(checkpoint), context.responses, context.reporter)
    return CachedModel(opener_of(checkpoint)(checkpoint, context), context.responses, context.reporter)


def opener_of(folder: Path) -> Callable[[Path, OpenContext], Backend]:
    """What opens a folder: the opener of its format, which is one of those that the installed kinds declare.

    Raises:
        CheckpointError: when checkpoint.json names anything else.
    """
    declared = formats()[kind_of(folder, read_lineage(folder))]
    opener: Callable[[Path, OpenContext], Backend] = registry.imported(declared.opener)
    return opener
