"""Writing a checkpoint: its metadata, `checkpoint.json`, come last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.models.checkpoint.checkpoint_files import CHECKPOINT_FILE, CHECKPOINT_FORMAT
from harness.models.encoding.row_encoder import name_inputs, reads_types
from harness.models.encoding.text_encoder import text_encoder
from harness.storage import atomic
from harness.training.loop.resume import RESUME_FOLDER
from harness.training.loop.training_log import LOG_FILE
from harness.training.stage_inputs import StageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def write_metadata(
    work: Path,
    *,
    kind: str,
    stage: Mapping[str, object],
    inputs: StageInputs,
    cost: Mapping[str, object],
    recipe: Mapping[str, object],
    held_out: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Writes `checkpoint.json` and returns its content.

    Args:
        kind: `transformers`, `adapter`, `linear` or `classical`.
        stage: the stage's spec as JSON.
        cost: tokens, flops, steps, parameters, trainable; bytes are added here.
        recipe: the settings that were used, defaults included.
        held_out: what was measured on held-out text (next-sentence accuracy).
    """
    parent = None
    if inputs.parent_key is not None:
        parent = {"key": inputs.parent_key, "digest": inputs.parent_digest}
    metadata = {
        "format": CHECKPOINT_FORMAT,
        "kind": kind,
        "stage": dict(stage),
        "parent": parent,
        "data": dict(inputs.data),
        "labels": list(inputs.labels) or None,
        "seed": inputs.seed,
        "cost": {**cost, "bytes": folder_bytes(work)},
        "recipe": dict(recipe),
    }
    if held_out:
        metadata["held_out"] = dict(held_out)
    atomic.write_text(work / CHECKPOINT_FILE, json.dumps(metadata, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    return metadata


def folder_bytes(folder: Path) -> int:
    """Bytes of a checkpoint's files; the log and unfinished work (`.resume`) are none of it."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and path.name != LOG_FILE and RESUME_FOLDER not in path.relative_to(folder).parts
    )


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path, model: PreTrainedModel | None = None) -> None:
    """Writes the tokenizer's JSON files into `folder`, so that it returns there what the model was trained with.

    Args:
        model: what reads the rows; without token types of its own, the saved tokenizer returns none.
    """
    if text_encoder(tokenizer).typed and model is not None and not reads_types(model):
        name_inputs(tokenizer, types=False)
    tokenizer.save_pretrained(str(folder))
