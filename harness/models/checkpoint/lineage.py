"""What a checkpoint folder says of itself: its kind, and the checkpoint that it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from harness.core import registry
from harness.core.digests import is_key
from harness.core.errors import CheckpointError, Where
from harness.core.model_kind import formats
from harness.models.checkpoint.checkpoint_files import CHECKPOINT_FILE, CHECKPOINT_FORMAT, read_json
from harness.models.checkpoint.declared_sizes import check_sizes
from harness.models.checkpoint.metadata_schema import OLD_KEYS, OLD_KINDS, Lineage, checked
from harness.models.checkpoint.missing_weights import INDEX, SINGLE
from harness.models.checkpoint.named_code import check_names
from harness.models.checkpoint.safe_links import check_files

SERVER = "server"
"""What the store's page of a server calls itself; no folder is opened as one."""


ADAPTER = "adapter"


BASE = "base"
"""Where an exported folder holds its parent."""


CONFIG = "config.json"


ADAPTER_CONFIG = "adapter_config.json"


def read_lineage(folder: Path) -> Lineage:
    """What decides anything in `checkpoint.json`, or {} for a folder of someone else.

    Every way to a checkpoint begins here: links that lead out of the folder, pipes and devices, names of code and
    kernels, kinds that are not data and keys that harness never writes are refused before anything else is read.

    Raises:
        CheckpointError: when the folder is missing or the file is damaged or of another format.
    """
    if not folder.is_dir():
        raise CheckpointError(
            "the checkpoint folder does not exist."
            if not folder.exists()
            else "a checkpoint is a folder; this is a file.",
            where=Where(folder),
            hint="check the path.",
        )
    check_files(folder)
    if (folder / CONFIG).is_file():
        config = read_json(folder / CONFIG)
        check_names(folder / CONFIG, config)
        check_sizes(folder, folder / CONFIG, config)
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return {}
    lineage = _renamed(read_json(path))
    if lineage.get("kind") == SERVER:
        raise CheckpointError(
            "expected a model's files, found the description of a server, which a folder cannot stand for.",
            where=Where(path),
            hint="a server belongs in the suite: `NAME: {server: {url: …, model: …}}` under `models`.",
        )
    declared = formats()
    kind = lineage.get("kind")
    if lineage.get("format") != CHECKPOINT_FORMAT or not isinstance(kind, str) or kind not in declared:
        raise CheckpointError(
            f"expected format {CHECKPOINT_FORMAT} and a kind of {', '.join(declared)}; "
            f"found {lineage.get('format')!r} and {lineage.get('kind')!r}.",
            where=Where(path),
            hint="use the version of harness that wrote it.",
        )
    checked(registry.imported(declared[kind].page), path, lineage)
    return cast("Lineage", {name: lineage[name] for name in Lineage.__annotations__ if name in lineage})


def _renamed(lineage: dict[str, object]) -> dict[str, object]:
    """What an earlier version wrote, in the words of this one."""
    kind = lineage.get("kind")
    if not isinstance(kind, str) or kind not in OLD_KINDS:
        return lineage
    return {OLD_KEYS.get(key, key): value for key, value in lineage.items()} | {"kind": OLD_KINDS[kind]}


def kind_of(folder: Path, lineage: Lineage) -> str:
    """`kind` of checkpoint.json as `read_lineage` gives it; without one, `adapter` or `transformers` by the files.

    A config.json beside an adapter is the base's, which some trainers copy; it makes no whole model.

    Raises:
        CheckpointError: when the folder holds a whole model and an adapter, of which transformers would apply both.
    """
    if "kind" in lineage:
        return lineage["kind"]
    if not (folder / ADAPTER_CONFIG).is_file():
        return "transformers"
    if any((folder / name).is_file() for name in (SINGLE, INDEX)):
        raise CheckpointError(
            f"the folder holds a whole model and an adapter ({ADAPTER_CONFIG}): its weights are merged already, or the "
            "adapter belongs on them.",
            where=Where(folder / ADAPTER_CONFIG),
            hint="of a merged model, remove the adapter's files; otherwise put the adapter into its own folder and "
            "write `load: BASE` with `adapter: FOLDER`.",
        )
    return ADAPTER


def parent_of(folder: Path, kind: str, lineage: Lineage) -> dict[str, str] | None:
    """`key` and `digest` (may be empty) of the checkpoint that an adapter or a linear head stands on.

    An adapter of someone else, without checkpoint.json, names its base itself: by free text, which is only ever read
    as a path and never is a key of the store. A folder that `harness export` wrote has its base inside, and then the
    key is that folder's path; the digest is checked where it is opened.

    Raises:
        CheckpointError: when no parent is named.
    """
    if not formats()[kind].stands_on_parent:
        return None
    parent = lineage.get("parent")
    if isinstance(parent, Mapping) and parent.get("key"):
        inside = folder / BASE
        return {
            "key": str(inside if inside.is_dir() else parent["key"]),
            "digest": str(parent.get("digest") or ""),
        }
    if kind == "adapter" and not lineage:
        named = read_json(folder / ADAPTER_CONFIG).get("base_model_name_or_path")
        if isinstance(named, str) and named:
            return {"key": f"./{named}" if is_key(named) else named, "digest": ""}
    raise CheckpointError(
        f"the {kind} checkpoint does not say which checkpoint it builds on.",
        where=Where(folder / (CHECKPOINT_FILE if lineage else ADAPTER_CONFIG)),
        hint="train it again."
        if lineage
        else "set its base in the suite: `load: BASE` with `adapter: FOLDER`; or `harness audit BASE ADAPTER`.",
    )
