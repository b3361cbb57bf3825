"""An adapter's folder, as peft and trainers leave it, and the adapter on the base that the suite gives it.

peft writes into adapter_config.json what the base was called where it was trained. That text says nothing of the base's
content: two bases share a name, one base has many. So the base is the one that the suite or the command line names, and
the pair of both, with the digest of the base, is a checkpoint of its own in the store.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.core.digests import digest, file_digest
from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_files import CHECKPOINT_FILE, CHECKPOINT_FORMAT, read_json, write_json
from harness.models.checkpoint.inspection import ADAPTER_WEIGHTS, look_at_adapter
from harness.models.checkpoint.lineage import ADAPTER, ADAPTER_CONFIG, BASE, kind_of, read_lineage
from harness.models.checkpoint.tokenizer_files import CHAT_TEMPLATE, SIDE_FILES, TOKENIZER_FILES

_FILES = (ADAPTER_CONFIG, ADAPTER_WEIGHTS, CHAT_TEMPLATE, *TOKENIZER_FILES, *SIDE_FILES)
_NAMED = "base_model_name_or_path"


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no whole model.

    Raises:
        CheckpointError: when it is no checkpoint, or holds both.
    """
    return kind_of(folder, read_lineage(folder)) == ADAPTER


def needs_base(folder: Path) -> bool:
    """Whether a folder holds an adapter alone; one that `harness export` wrote has its base inside.

    Raises:
        CheckpointError: as `is_adapter`.
    """
    return is_adapter(folder) and not (read_lineage(folder) and (folder / BASE).is_dir())


def check_adapter(folder: Path) -> None:
    """Checks that a folder holds an adapter of peft; a whole model beside it does no harm here.

    Raises:
        CheckpointError: when there is none, with the folder below that has one; when its weights are damaged, were not
            fetched, or were saved from a wrapped model.
    """
    read_lineage(folder)
    if (folder / ADAPTER_CONFIG).is_file():
        look_at_adapter(folder)
        return
    below = sorted(path.parent.name for path in folder.glob(f"*/{ADAPTER_CONFIG}"))
    raise CheckpointError(
        f"the folder has no {ADAPTER_CONFIG}" + (f"; an adapter is in {', '.join(below)} below it." if below else "."),
        where=Where(folder),
        hint=f"give {folder / below[0]}." if below else "give a folder that peft's `save_pretrained` wrote.",
    )


def named_base(adapter: Path) -> str:
    """What adapter_config.json calls the base; empty where it names none. Free text, read only to be shown."""
    named = read_json(adapter / ADAPTER_CONFIG).get(_NAMED)
    return named if isinstance(named, str) else ""


def pair_key(adapter: Path, base_digest: str, labels: tuple[str, ...]) -> str:
    """The store's key of an adapter on a base: by the content of both."""
    files = {name: file_digest(adapter / name) for name in (*_FILES, CHECKPOINT_FILE) if (adapter / name).is_file()}
    return digest({"adapter": files, "base": base_digest, "labels": list(labels)})


def write_pair(work: Path, adapter: Path, base_digest: str, labels: tuple[str, ...]) -> None:
    """Copies an adapter to `work`, with a page that says by digest which base it stands on.

    Args:
        work: an empty folder.
        adapter: of `check_adapter`.
        base_digest: the base's content digest, by which it is also resolved.
        labels: names of the rows of the adapter's head, in order; those of its checkpoint.json when empty.

    Raises:
        CheckpointError: when harness trained the adapter on another base.
    """
    lineage = read_lineage(adapter)
    parent = lineage.get("parent")
    recorded = None if parent is None else parent.get("digest")
    if recorded and recorded != base_digest:
        raise other_base(adapter, recorded, base_digest)
    for name in _FILES:
        if (adapter / name).is_file():
            shutil.copyfile(adapter / name, work / name)
    page = {"format": CHECKPOINT_FORMAT, "kind": ADAPTER, "parent": {"key": base_digest, "digest": base_digest}}
    named = labels or tuple(lineage.get("labels") or ())
    write_json(work / CHECKPOINT_FILE, {**page, "labels": list(named)} if named else page)


def other_base(folder: Path, recorded: str, actual: str, key: str = "") -> CheckpointError:
    """The error for a checkpoint that stands on another one than it was trained on."""
    of = f" for {key!r}" if key else ""
    return CheckpointError(
        f"it was trained on another base: expected digest {recorded[:12]}, found {actual[:12]}{of}.",
        where=Where(folder),
        hint="give the base that it was trained on, or train it again on this one.",
    )
