"""Checkpoints of the Hugging Face hub, at a pinned revision and in safetensors only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import CheckpointError, IncompleteError, Where, is_address
from harness.core.reporter import Reporter, Silent
from harness.models.checkpoint.formats.gguf import converted
from harness.models.checkpoint.formats.sentence_router import encoder_folder
from harness.models.checkpoint.sources.pypi_checkpoints import PREFIX, in_cache, packaged
from harness.storage.store import Store

_REVISION = re.compile(r"[0-9a-f]{40}\Z")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?\Z")
_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")


@dataclass(frozen=True, slots=True)
class NamedCheckpoint:
    """A checkpoint as a suite names it.

    Attributes:
        path: a folder or a GGUF file (relative to the suite, absolute, or below `~`), `owner/name` of the hub, or
            `catalog:NAME`.
        revision: for a hub id, the full commit hash.
        file: for a hub id, the one GGUF file to use.
    """

    path: str
    revision: str | None = None
    file: str | None = None


def locate(
    named: NamedCheckpoint,
    *,
    base: Path,
    offline: bool = False,
    where: Where | None = None,
    store: Store | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """The folder of a checkpoint that a suite names; of a router of sentence-transformers its default encoder's.

    Args:
        base: the suite's folder.
        offline: use the local caches only.
        where: the place in the suite, for errors.
        store: keeps converted and fetched checkpoints; the user's own when left out.

    Raises:
        CheckpointError: when none of these is meant, a file is damaged or the revision not pinned.
        IncompleteError: when the hub or the package index cannot be reached, or a library is missing.
    """
    reporter = reporter or Silent()
    path, revision, file = named.path, named.revision, named.file
    if path.startswith(PREFIX):
        _refuse(revision is not None or file is not None, "a checkpoint of the catalog is pinned already", where)
        name = path.removeprefix(PREFIX)
        return packaged(name, store or Store(reporter=reporter), reporter, offline=offline, where=where)
    folder = base / Path(path).expanduser()
    if folder.is_dir():
        _refuse(file is not None, "`file` is for GGUF files of the hub; give the file's path as `load`", where)
        return encoder_folder(folder)
    if folder.is_file() and folder.suffix == ".gguf":
        return converted(folder, store or Store(reporter=reporter), reporter, where=where)
    local = path.startswith((".", "/", "~")) or path.count("/") > 1 or _HUB_ID.match(path) is None
    if is_address(path):
        raise CheckpointError(
            f"expected a folder, a hub id, or catalog:NAME, found an address: {path}.",
            where=where,
            hint="download the checkpoint, or name its hub id (owner/name with `revision:`).",
        )
    if local or (revision is None and "/" not in path):
        raise CheckpointError(
            f"the checkpoint folder does not exist: {folder}.",
            where=where,
            hint="check the path; it is relative to the suite file. A hub id is written owner/name with `revision:`.",
        )
    if revision is None:
        raise CheckpointError(
            f"the checkpoint folder does not exist: {folder}; as a hub checkpoint, {path!r} needs a full commit hash "
            "(40 digits) as `revision:`, found None.",
            where=where,
            hint="give a folder, in the suite or as `--model NAME=PATH`, or the commit hash from the checkpoint's "
            "history on the hub; branches and tags move.",
        )
    if file is not None:
        _refuse(not file.endswith(".gguf"), f"expected the name of a GGUF file, found {file!r}", where)
        checkpoint_file = snapshot(path, revision, offline=offline, where=where, files=[file]) / file
        _refuse(not checkpoint_file.is_file(), f"the hub checkpoint has no file {file!r}", where)
        return converted(checkpoint_file, store or Store(reporter=reporter), reporter, where=where)
    return encoder_folder(snapshot(path, revision, offline=offline, where=where))


def at_hand(path: str, store: Store) -> bool:
    """Whether a checkpoint that a suite names needs no fetching from the package index."""
    return not path.startswith(PREFIX) or in_cache(path.removeprefix(PREFIX), store)


def _refuse(wrong: bool, message: str, where: Where | None) -> None:
    if wrong:
        raise CheckpointError(f"{message}.", where=where)


def snapshot(
    hub_id: str,
    revision: str | None,
    *,
    offline: bool = False,
    where: Where | None = None,
    files: Sequence[str] = _FILES,
) -> Path:
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
        folder = snapshot_download(hub_id, revision=revision, allow_patterns=list(files), local_files_only=offline)
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
    return Path(folder)
