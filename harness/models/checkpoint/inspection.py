"""What a checkpoint folder holds and whether it can be used, told from its small files alone.

Reads configuration, tokenizer and safetensors headers; no weights and no torch.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.core import registry
from harness.core.errors import CheckpointError, Where
from harness.core.model_kind import formats
from harness.model_kinds.model_families import _family
from harness.models.checkpoint.checkpoint_files import read_json
from harness.models.checkpoint.checkpoint_heads import ADAPTER_TASKS, Head, heads_in, holds_language_model
from harness.models.checkpoint.formats.safetensors_header import Tensor, tensors_of, weight_files
from harness.models.checkpoint.formats.sentence_router import no_route, read_router
from harness.models.checkpoint.lineage import ADAPTER, ADAPTER_CONFIG, CONFIG, kind_of, parent_of, read_lineage
from harness.models.checkpoint.metadata_schema import Lineage
from harness.models.checkpoint.missing_weights import SINGLE, missing_weights
from harness.models.checkpoint.tokenizer_files import check_tokenizer

ADAPTER_WEIGHTS = "adapter_model.safetensors"

_LABEL_ROWS = re.compile(r"(?:^|\.)(?:classifier|score)(?:\.out_proj)?(?:\.modules_to_save(?:\.\w+)?)?\.weight\Z")
_WRAPPERS = {"_orig_mod.": "torch.compile", "module.": "DistributedDataParallel", "_fsdp_wrapped_module.": "FSDP"}


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """What stands in a checkpoint folder.

    Attributes:
        kind: how it answers, one of the declared formats (`transformers`, `adapter`, `linear`, …).
        family: `masked`, `causal`, `seq2seq`, `bag_of_words`, `baseline`, or `parent` when the parent decides.
        model_type: the configuration's type (`bert`, `gpt2`, …), None where there is none.
        labels: of its classification or tagging head; None without one, or when they have no names.
        has_tokenizer: whether the folder holds its own tokenizer.
        parameters: number of weights in the folder.
        bytes: size of the weight files.
        parent: `key` and `digest` of the checkpoint that it stands on, if any.
        heads: of which the folder holds tensors, beside that of a language model.
        language_model: whether it holds one; of an adapter, whether its base's stays what it is asked by.
        head_rows: rows of the head with labels, which may have no names.
    """

    kind: str
    family: str
    model_type: str | None
    labels: tuple[str, ...] | None
    has_tokenizer: bool
    parameters: int
    bytes: int
    parent: Mapping[str, str] | None
    heads: tuple[Head, ...] = ()
    language_model: bool = False
    head_rows: int | None = None


def inspect(folder: Path) -> CheckpointInfo:
    """Reads what a checkpoint folder holds.

    Raises:
        CheckpointError: when the folder, its configuration, its weights in safetensors or its
            tokenizer is missing, damaged or contradictory.
    """
    lineage = read_lineage(folder)
    kind = kind_of(folder, lineage)
    labels = _labels(folder, lineage)
    if kind == "transformers":
        return _transformers(folder, labels)
    declared = formats()[kind]
    parent = parent_of(folder, kind, lineage)
    if declared.reader is not None:
        labels = registry.imported(declared.reader)(folder).labels
    if kind == ADAPTER:
        return _adapter(folder, labels, parent)
    files = tuple(folder / name for name in declared.weights)
    return _info(kind, declared.family, labels, tensors_of(files), files, parent)


def look_at_adapter(folder: Path) -> CheckpointInfo:
    """What an adapter holds, whatever it says of its base.

    Raises:
        CheckpointError: when it is damaged.
    """
    return _adapter(folder, _labels(folder, read_lineage(folder)), None)


def _adapter(folder: Path, labels: tuple[str, ...] | None, parent: Mapping[str, str] | None) -> CheckpointInfo:
    files = (adapter_weights(folder),)
    tensors = tensors_of(files)
    _check_wrapped(folder, tensors, "base_model.model.")
    config = read_json(folder / ADAPTER_CONFIG) if (folder / ADAPTER_CONFIG).is_file() else {}
    head = ADAPTER_TASKS.get(str(config.get("task_type")))
    info = _info(ADAPTER, formats()[ADAPTER].family, labels, tensors, files, parent)
    return dataclasses.replace(
        info,
        heads=(head,) if head is not None else ("sequence",) if labels else (),
        language_model=head is None,
        head_rows=_label_rows(tensors) if head in ("sequence", "token") else None,
    )


def _label_rows(tensors: tuple[Tensor, ...]) -> int | None:
    rows = [tensor.shape[0] for tensor in tensors if _LABEL_ROWS.search(tensor.name) and len(tensor.shape) == 2]
    return rows[-1] if rows else None


def adapter_weights(folder: Path) -> Path:
    """The adapter's safetensors file.

    Raises:
        CheckpointError: when it is missing or only pickled.
    """
    file = folder / ADAPTER_WEIGHTS
    if file.is_file():
        return file
    pickled = (folder / "adapter_model.bin").is_file()
    raise CheckpointError(
        "the adapter's weights are only there as adapter_model.bin: pickle can run code, so only safetensors is loaded."
        if pickled
        else f"the adapter has no {ADAPTER_WEIGHTS}.",
        where=Where(folder),
        hint="convert it once where you trust it: load it with peft, then `save_pretrained(folder)`."
        if pickled
        else "check that the folder was copied whole.",
    )


def _transformers(folder: Path, labels: tuple[str, ...] | None) -> CheckpointInfo:
    if not (folder / CONFIG).is_file():
        router = read_router(folder)
        if router is not None:
            raise no_route(folder, router)
        below = next(folder.glob(f"*/{ADAPTER_CONFIG}"), None) or next(folder.glob(f"*/{SINGLE}"), None)
        if below is not None:
            raise missing_weights(folder)
        raise CheckpointError(
            f"the checkpoint has no {CONFIG}.",
            where=Where(folder),
            hint="a checkpoint is a folder as `save_pretrained` writes it.",
        )
    config = read_json(folder / CONFIG)
    model_type = str(config.get("model_type", ""))
    files = weight_files(folder)
    tensors = tensors_of(files)
    _check_wrapped(folder, tensors)
    check_tokenizer(folder, config)
    heads = heads_in(config, (tensor.name for tensor in tensors))
    labeled = "sequence" in heads or "token" in heads
    info = _info("transformers", _family(config), labels if labeled else None, tensors, files, None)
    return dataclasses.replace(
        info,
        model_type=model_type,
        has_tokenizer=True,
        heads=heads,
        head_rows=_label_rows(tensors) if labeled else None,
        language_model=holds_language_model(config, [tensor.name for tensor in tensors]),
    )


def _check_wrapped(folder: Path, tensors: tuple[Tensor, ...], around: str = "") -> None:
    """Refuses weights whose names tell of what the model was wrapped in when it was saved.

    Args:
        folder: of the weights.
        tensors: with their names.
        around: what peft puts before the names of the model's own modules, which may be wrapped as well.
    """
    names = [tensor.name.removeprefix(around) for tensor in tensors]
    for wrapper, made_by in _WRAPPERS.items():
        if names and all(name.startswith(wrapper) for name in names):
            raise CheckpointError(
                f"the names of the weights begin with {wrapper!r}: they were saved from a model inside {made_by}.",
                where=Where(folder),
                hint="save the inner model: `accelerator.unwrap_model(model, keep_torch_compile=False)"
                ".save_pretrained(folder)`.",
            )


def _labels(folder: Path, lineage: Lineage) -> tuple[str, ...] | None:
    return tuple(lineage.get("labels") or ()) or configured_labels(folder)


def configured_labels(folder: Path) -> tuple[str, ...] | None:
    """The labels of a head in the order of its rows, as config.json names them (`LABEL_0`, … included).

    Raises:
        CheckpointError: when their keys are no numbers.
    """
    if not (folder / CONFIG).is_file():
        return None
    names = read_json(folder / CONFIG).get("id2label")
    if not isinstance(names, dict) or len(names) < 2:
        return None
    try:
        return tuple(str(names[key]) for key in sorted(names, key=int))
    except ValueError as error:
        raise CheckpointError(
            f"id2label needs whole numbers as keys, found {json.dumps(sorted(names))}.", where=Where(folder / CONFIG)
        ) from error


def _info(
    kind: str,
    family: str,
    labels: tuple[str, ...] | None,
    tensors: tuple[Tensor, ...],
    files: tuple[Path, ...],
    parent: Mapping[str, str] | None,
) -> CheckpointInfo:
    return CheckpointInfo(
        kind=kind,
        family=family,
        model_type=None,
        labels=labels,
        has_tokenizer=False,
        parameters=sum(tensor.size for tensor in tensors),
        bytes=sum(file.stat().st_size for file in files),
        parent=parent,
    )


PROJECTED_KINDS = ("transformers", "adapter")


def check_states(folder: Path, done: str) -> None:
    """Checks that a checkpoint has hidden states of its own, in one stack.

    Args:
        done: what shall be done with it (`projected`), for the message.

    Raises:
        CheckpointError: when it has not.
    """
    info = inspect(folder)
    kind = info.kind
    if info.family == "seq2seq":
        raise CheckpointError(
            f"an encoder–decoder has no single last hidden state, so it cannot be {done}.",
            where=Where(folder),
            hint="take an encoder or a causal model.",
        )
    if kind not in PROJECTED_KINDS:
        raise CheckpointError(
            f"a checkpoint of the kind {kind!r} cannot be {done}: it has no hidden states of its own.",
            where=Where(folder),
            hint="take a transformers checkpoint or an adapter on one.",
        )
