"""Adapters that a stage starts from: each is merged into its base once, in the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.digests import digest
from harness.core.reporter import Reporter
from harness.pipeline.checkpoints.checkpoint import CHECKPOINTS
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.pipeline.checkpoints.checkpoint import Checkpoint

MERGE_FORMAT = 1


class Merges:
    """The merged checkpoints of a suite's adapters, by content key.

    Args:
        resolve: content key → folder of a checkpoint (an adapter's base).
    """

    def __init__(self, store: Store, reporter: Reporter, resolve: Callable[[str], Path]) -> None:
        self._store = store
        self._reporter = reporter
        self._resolve = resolve
        self._adapters: dict[str, Checkpoint] = {}

    def note(self, made: Checkpoint) -> str | None:
        """The key of an adapter merged into its base, which `folder` then knows; None for what is no adapter."""
        from harness.models.checkpoint.inspection import inspect

        if made.server is not None or inspect(made.path).kind != "adapter":
            return None
        key = digest({"format": MERGE_FORMAT, "merged": made.key})
        self._adapters[key] = made
        return key

    def start(self, made: Checkpoint) -> tuple[Path, str, str]:
        """Folder, key and digest of what a stage starts from: of an adapter, the whole that it makes with its base."""
        key = self.note(made)
        folder = None if key is None else self.folder(key)
        if key is None or folder is None:
            return made.path, made.key, made.digest
        from harness.models.checkpoint.checkpoint_digest import checkpoint_digest

        return folder, key, checkpoint_digest(folder)

    def folder(self, key: str) -> Path | None:
        """The merged checkpoint, made where it is missing; None for a key that is no merge of this suite.

        Raises:
            CheckpointError: when an adapter cannot be merged.
        """
        adapter = self._adapters.get(key)
        if adapter is None:
            return None

        def build(work: Path) -> dict[str, Any]:
            from harness.models.checkpoint.inspection import inspect
            from harness.training.run_stage import merge_adapter

            self._reporter.info(f"{adapter.model}: merging the adapter into its base before training")
            base = self._resolve((inspect(adapter.path).parent or {})["key"])
            return merge_adapter(adapter.path, base, work, key=adapter.key, digest=adapter.digest)

        return self._store.make(CHECKPOINTS, key, build).path
