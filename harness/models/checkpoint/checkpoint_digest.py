"""The content digest of a checkpoint: what it answers with, and nothing else.

Weights, configuration, tokenizer, labels and, for adapters and linear heads, the digest of the
parent. Left out: paths and names, the version that wrote the files, lineage and cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from harness.core.digests import digest, file_digest
from harness.core.errors import CheckpointError, Where
from harness.core.model_kind import formats
from harness.model_kinds.server_kind import ServerSpec
from harness.models.checkpoint.adapter_folder import other_base
from harness.models.checkpoint.checkpoint_files import read_json
from harness.models.checkpoint.formats.safetensors_header import weight_files
from harness.models.checkpoint.formats.sentence_pooling import sentence_pooling
from harness.models.checkpoint.inspection import adapter_weights
from harness.models.checkpoint.lineage import ADAPTER_CONFIG, CONFIG, kind_of, parent_of, read_lineage
from harness.models.checkpoint.tokenizer_files import CHAT_TEMPLATE, SIDE_FILES, TOKENIZER_FILES, has_tokenizer

_TEMPLATE_KEY = "chat_template"
_GENERATION = "generation_config.json"
_GENERATION_KEYS = ("eos_token_id", "forced_bos_token_id", "decoder_start_token_id")
_VOLATILE = frozenset(
    {
        "_name_or_path",
        "name_or_path",
        "transformers_version",
        "base_model_name_or_path",
        "peft_version",
        "revision",
        "inference_mode",
        "_commit_hash",
    }
)
# Written or not by the way a tokenizer was loaded and saved; none of them changes its tokens.
_TOKENIZER_VOLATILE = _VOLATILE | {
    "is_local",
    "local_files_only",
    "backend",
    "tokenizer_class",
    "model_max_length",
    "processor_class",
    "clean_up_tokenization_spaces",
}
_CALL_STATE = frozenset({"truncation", "padding"})
_FORMAT = 2
_DEEPEST = 16

Resolve = Callable[[str], Path]


def checkpoint_digest(folder: Path, resolve: Resolve | None = None, *, above: tuple[Path, ...] = ()) -> str:
    """SHA-256 over everything in `folder`, and in what it stands on, that changes its answers.

    Args:
        folder: the checkpoint.
        resolve: gives a parent's folder by its key; without it, a parent counts by the digest
            that checkpoint.json recorded.
        above: the checkpoints that stand on this one.

    Raises:
        CheckpointError: when the folder is no checkpoint, its parent is not the one that it
            was trained on, or it stands on itself.
    """
    above = (*above, folder.resolve())
    if above[-1] in above[:-1] or len(above) > _DEEPEST:
        raise CheckpointError(
            "the checkpoint stands on itself."
            if above[-1] in above[:-1]
            else f"more than {_DEEPEST} checkpoints stand on one another.",
            where=Where(folder),
            hint="set its base in the suite: `load: BASE` with `adapter: FOLDER`.",
        )
    lineage = read_lineage(folder)
    kind = kind_of(folder, lineage)
    content: dict[str, object] = {"format": _FORMAT, "kind": kind, "labels": lineage.get("labels")}
    if kind == "transformers":
        content["weights"] = [_weights(file) for file in weight_files(folder)]
        content["config"] = _settled(read_json(folder / CONFIG))
        content["tokenizer"] = tokenizer_digest(folder)
        content["max_length"] = repr(_stated_length(folder))
        own_pooling = sentence_pooling(folder)
        if own_pooling is not None:
            content["pooling"] = own_pooling.content()
        generation = _generation(folder)
        if generation:
            content["generation"] = generation
    elif kind == "quantized":
        content["quantize"] = lineage.get("quantize")
    elif kind == "adapter":
        content["weights"] = [_weights(adapter_weights(folder))]
        content["config"] = _settled(read_json(folder / ADAPTER_CONFIG))
        if has_tokenizer(folder):
            content["tokenizer"] = tokenizer_digest(folder)
        elif (folder / CHAT_TEMPLATE).is_file():
            content[CHAT_TEMPLATE] = file_digest(folder / CHAT_TEMPLATE)
    else:
        content["files"] = _files(folder, formats()[kind].files)
    parent = parent_of(folder, kind, lineage)
    if parent is not None:
        content["parent"] = parent_digest(folder, parent, resolve, above)
    return digest(content)


def weights_digest(folder: Path, resolve: Resolve) -> str | None:
    """Digest of the weights of a whole model or of an adapter and its base, however it is configured; else None.

    Raises:
        CheckpointError: when weights are missing.
    """
    lineage = read_lineage(folder)
    kind = kind_of(folder, lineage)
    if kind == "transformers":
        return digest([_weights(file) for file in weight_files(folder)])
    if kind != "adapter":
        return None
    parent = parent_of(folder, kind, lineage)
    below = weights_digest(resolve(parent["key"]), resolve) if parent is not None else None
    return digest([_weights(adapter_weights(folder)), below])


def parent_digest(
    folder: Path, parent: Mapping[str, str], resolve: Resolve | None, above: tuple[Path, ...] = ()
) -> str:
    """The parent's digest, checked against what the checkpoint recorded of it.

    Raises:
        CheckpointError: when they differ, or when neither is known.
    """
    recorded = parent["digest"]
    if resolve is None:
        if not recorded:
            raise CheckpointError(
                f"the checkpoint builds on {parent['key']!r}, which was not given.",
                where=Where(folder),
                hint="give the base checkpoint as well.",
            )
        return recorded
    actual = checkpoint_digest(resolve(parent["key"]), resolve, above=above)
    if recorded and actual != recorded:
        raise other_base(folder, recorded, actual, parent["key"])
    return actual


def tokenizer_digest(folder: Path, *, template: bool = True) -> str:
    """Digest of what decides a tokenizer's tokens, and of its chat template unless that is left out.

    Saving a tokenizer again may add how it was loaded, or the truncation of its last call; a
    fine-tuned model's tokenizer must still count as its base's.
    """
    content: dict[str, object] = {}
    if (folder / TOKENIZER_FILES[0]).is_file():
        whole = read_json(folder / TOKENIZER_FILES[0])
        content["tokenizer"] = digest({key: value for key, value in whole.items() if key not in _CALL_STATE})
    else:
        content.update(_files(folder, [name for name in TOKENIZER_FILES if (folder / name).is_file()]))
    volatile = _TOKENIZER_VOLATILE if template else _TOKENIZER_VOLATILE | {_TEMPLATE_KEY, "model_input_names"}
    for name in SIDE_FILES:
        if (folder / name).is_file():
            content[name] = _settled(read_json(folder / name), volatile)
    if template and (folder / CHAT_TEMPLATE).is_file():
        content[CHAT_TEMPLATE] = file_digest(folder / CHAT_TEMPLATE)
    return digest(content)


def tokenizer_folder(folder: Path, resolve: Resolve) -> Path | None:
    """The folder whose tokenizer a checkpoint reads with: its own, or that of what it stands on; None without one."""
    for _ in range(_DEEPEST):
        lineage = read_lineage(folder)
        kind = kind_of(folder, lineage)
        if kind in {"transformers", "adapter"} and has_tokenizer(folder):
            return folder
        parent = parent_of(folder, kind, lineage)
        if parent is None:
            return None
        folder = resolve(parent["key"])
    return None


def _generation(folder: Path) -> dict[str, object]:
    """The generation settings that change what is written, where the folder has any."""
    page = folder / _GENERATION
    settings = read_json(page) if page.is_file() else {}
    return {name: settings[name] for name in _GENERATION_KEYS if settings.get(name) is not None}


def served_digest(spec: ServerSpec, says: Mapping[str, object], tokenizer: str | None) -> str:
    """What is known of a server's model: where it is (or the word for that), what is asked, what it says of itself.

    Args:
        spec: the suite's entry.
        says: what the server says of the model.
        tokenizer: digest of its tokenizer, if one is named.
    """
    served = {**spec.identity_parts(), "says": says, "tokenizer": tokenizer}
    return digest({"format": _FORMAT, "kind": "server", "labels": None, "served": served})


def _weights(file: Path) -> str:
    """The digest of a file of weights, read once a process as long as the file stays as it is."""
    stat = file.stat()
    return _read_once(file.resolve(), stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1024)
def _read_once(file: Path, *_state: int) -> str:
    return file_digest(file)


def _stated_length(folder: Path) -> object:
    page = folder / SIDE_FILES[0]
    return read_json(page).get("model_max_length") if page.is_file() else None


def _files(folder: Path, names: tuple[str, ...] | list[str]) -> dict[str, object]:
    for name in names:
        if not (folder / name).is_file():
            raise CheckpointError(
                f"the checkpoint has no {name}.", where=Where(folder), hint="check that the folder was copied whole."
            )
    return {name: file_digest(folder / name) for name in names}


def _settled(config: Mapping[str, object], volatile: frozenset[str] = _VOLATILE) -> str:
    return json.dumps({key: value for key, value in config.items() if key not in volatile}, sort_keys=True)
