"""Checkpoints of the Hugging Face hub, at a pinned revision and in safetensors only."""

from __future__ import annotations

import re
from pathlib import Path

from harness.core.errors import CheckpointError, IncompleteError, Where

_REVISION = re.compile(r"[0-9a-f]{40}\Z")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?\Z")
_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]


def locate(path: str, revision: str | None, *, base: Path, offline: bool = False, where: Where | None = None) -> Path:
    """The folder of a checkpoint that a suite names: a local folder, or a hub id.

    Args:
        path: a folder (relative to `base`, absolute, or below `~`), or `owner/name`.
        revision: for a hub id, the full commit hash.
        base: the suite's folder.
        offline: use the local hub cache only.
        where: the place in the suite, for errors.

    Raises:
        CheckpointError: when neither a folder nor a hub id is meant, or the revision is not pinned.
        IncompleteError: when the hub cannot be reached.
    """
    folder = base / Path(path).expanduser()
    if folder.is_dir():
        return folder
    local = path.startswith((".", "/", "~")) or path.count("/") > 1 or _HUB_ID.match(path) is None
    if local or (revision is None and "/" not in path):
        raise CheckpointError(
            f"the checkpoint folder does not exist: {folder}.",
            where=where,
            hint="check the path; it is relative to the suite file. A hub id is written owner/name with `revision:`.",
        )
    return snapshot(path, revision, offline=offline, where=where)


def snapshot(hub_id: str, revision: str | None, *, offline: bool = False, where: Where | None = None) -> Path:
    """Fetches a hub checkpoint's safetensors, configuration and tokenizer into the hub's own cache.

    Raises:
        CheckpointError: when the revision is not a full commit hash, or the hub does not know it.
        IncompleteError: when the hub cannot be reached and the cache does not hold it.
    """
    if revision is None or _REVISION.match(revision) is None:
        raise CheckpointError(
            f"the hub checkpoint {hub_id!r} needs a full commit hash (40 digits) as `revision:`, found {revision!r}.",
            where=where,
            hint="branches and tags move; copy the commit hash from the checkpoint's history on the hub.",
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        found = snapshot_download(hub_id, revision=revision, allow_patterns=_FILES, local_files_only=offline)
    except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise CheckpointError(
            f"the hub does not give {hub_id!r} at revision {revision}: {type(error).__name__}.",
            where=where,
            hint="check the id and the commit hash, and that you may read it (`hf auth login`).",
        ) from error
    except (HfHubHTTPError, OSError, RuntimeError) as error:
        raise IncompleteError(
            f"the hub checkpoint {hub_id!r} is not in the local cache and the hub cannot be reached.",
            where=where,
            hint="connect and run again, or give a local folder.",
        ) from error
    return Path(found)
