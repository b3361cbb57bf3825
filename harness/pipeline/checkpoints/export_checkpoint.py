"""Copies a run's checkpoint out of the store, in the form that other tools load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.digests import is_key
from harness.core.errors import CheckpointError, DataError, IncompleteError, Where, unknown
from harness.core.model_kind import formats
from harness.models.checkpoint.checkpoint_files import architectures, read_json
from harness.pipeline.checkpoints.checkpoint import CHECKPOINTS
from harness.storage import atomic
from harness.storage.run_dir import RunDir
from harness.storage.seal import INFO
from harness.storage.store import MANIFEST, Store

if TYPE_CHECKING:
    from harness.models.checkpoint.metadata_schema import Lineage

KEPT_BACK = {MANIFEST, "training.jsonl"}
_ADAPTED = {
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "CAUSAL_LM": "AutoModelForCausalLM",
    "SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM",
}
"""peft's task types → the class that such an adapter is put on."""


@dataclass(frozen=True)
class Exported:
    """What was written: the kind of checkpoint, and the Python line that loads it."""

    kind: str
    load: str


def export_model(run: RunDir, model: str, folder: Path, store: Store) -> Exported:
    """Writes the checkpoint of `model` to `folder`, whole or not at all.

    What answers by another checkpoint (an adapter, a head on frozen features, a projection, self-debiasing, worked
    examples) comes with that one in `folder/base`, and that with its own, so that the folder loads anywhere.

    Raises:
        DataError: for a run that was changed, an unknown model, or a folder that is not empty.
        IncompleteError: when the checkpoint, or one that it stands on, is no longer in the cache.
    """
    from harness.models.checkpoint.lineage import read_lineage

    run.check()
    checkpoints = run.read_info().checkpoints
    if model not in checkpoints:
        raise DataError(unknown("model", model, checkpoints), where=Where(run.path))
    source_run = Path(checkpoints[model]) / INFO
    if source_run.is_file():
        raise DataError(
            f"{model!r} is a model of a stored run, which holds its answers and not its weights.",
            where=Where(run.path),
            hint=f"export it from that run: harness export {checkpoints[model]} MODEL DIR.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(
            "the target folder is not empty.",
            where=Where(folder),
            hint="choose a new folder; harness never overwrites files.",
        )
    source = _folder(checkpoints[model], store)
    described = read_lineage(source)
    with atomic.folder(folder.absolute()) as work:
        kind = str(described.get("kind", "transformers"))
        _bundle(source, work, folder.absolute(), list(checkpoints.values()), store)
        loading = _loading(kind, folder, work, described)
    return Exported(kind, loading)


def _folder(address: str, store: Store) -> Path:
    """The folder that a run or a checkpoint names: an entry of the store, or a checkpoint that was loaded.

    The run may be a stranger's: a path that it holds is read only where it leads to a checkpoint, and is no key.
    """
    if not is_key(address):
        return _loaded(Path(address))
    entry = store.get(CHECKPOINTS, address)
    if entry is None:
        raise IncompleteError(
            f"the checkpoint {address[:12]} is no longer in the cache.",
            where=Where(store.root),
            hint="rerun the suite to rebuild the checkpoint, then export it.",
        )
    return entry.path


def _loaded(path: Path) -> Path:
    from harness.models.checkpoint.inspection import inspect

    if not path.is_absolute():
        raise DataError(
            f"expected a cache key or the full path of a loaded checkpoint, found {str(path)[:80]!r}.",
            hint="export from a run directory that harness wrote on this machine.",
        )
    inspect(path)
    return path


def _bundle(source: Path, work: Path, final: Path, loaded: list[str], store: Store) -> None:
    """Copies a checkpoint to `work`, and below it what it stands on; `final` is where `work` will be."""
    from harness.models.checkpoint.lineage import BASE, parent_of, read_lineage

    described = read_lineage(source)
    _copy(source, work)
    kind = described.get("kind", "transformers")
    parent = parent_of(source, kind, described)
    if parent is not None:
        _bundle(_parent(parent, loaded, store), work / BASE, final / BASE, loaded, store)
    if kind == "adapter":
        _point_to_base(work / "adapter_config.json", final / BASE)


def _parent(parent: Mapping[str, str], loaded: list[str], store: Store) -> Path:
    """The folder of a parent: in the store, or among the run's loaded checkpoints, by its digest."""
    from harness.models.checkpoint.checkpoint_digest import checkpoint_digest

    if is_key(parent["key"]) and store.get(CHECKPOINTS, parent["key"]) is None:
        for folder in {Path(address) for address in loaded if not is_key(address) and Path(address).is_absolute()}:
            with suppress(CheckpointError):
                if checkpoint_digest(folder) == parent["digest"]:
                    return folder
    return _folder(parent["key"], store)


def _copy(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for file in sorted(source.iterdir()):
        if file.name not in KEPT_BACK and not file.name.startswith(".") and file.is_file():
            shutil.copyfile(file, target / file.name)


def _point_to_base(config: Path, base: Path) -> None:
    value = read_json(config)
    value["base_model_name_or_path"] = str(base)
    atomic.write_text(config, json.dumps(value, indent=2, sort_keys=True) + "\n")


def _loading(kind: str, folder: Path, work: Path, described: Lineage) -> str:
    """The line of Python that loads what was written to `work`, which ends in `folder`."""
    declared = formats()[kind]
    base = work / "base"
    if kind == "adapter":
        return _adapter_line(folder, work, len(described.get("labels") or []))
    if declared.loads_with and ("{base_model}" not in declared.loads_with or (base / "config.json").is_file()):
        return declared.loads_with.format(
            folder=repr(str(folder)),
            base=repr(str(folder / "base")),
            model=_written(work),
            base_model=_written(base),
        )
    return f"harness loads this folder as `load: {folder}` or `--model NAME={folder}`; other tools do not"


def _adapter_line(folder: Path, work: Path, labels: int) -> str:
    """An adapter goes onto the class of its task, with as many labels as it has."""
    task = read_json(work / "adapter_config.json").get("task_type")
    head = _ADAPTED.get(str(task)) or _written(work / "base")
    sized = f", num_labels={labels}" if labels and task in {"SEQ_CLS", "TOKEN_CLS"} else ""
    around = f"transformers.{head}.from_pretrained({str(folder / 'base')!r}{sized})"
    return f"peft.PeftModel.from_pretrained({around}, {str(folder)!r})"


def _written(checkpoint: Path) -> str:
    """The class that config.json names first, such as BertForSequenceClassification."""
    config = checkpoint / "config.json"
    return next(iter(architectures(read_json(config))), "AutoModel") if config.is_file() else "AutoModel"
