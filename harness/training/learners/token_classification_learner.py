"""Token classification: one tag for each word, learned at the word's first token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from harness.core.errors import DataError, unknown
from harness.core.examples import TaggedWords
from harness.model_kinds.weight_tuning import FinetuneSettings
from harness.models.encoding.embeddings import padding_id
from harness.models.encoding.pair_encoder import WordEncoder
from harness.models.encoding.text_encoder import text_encoder
from harness.models.local.load_weights import load_tokenizer
from harness.training.learners.learner import TrainingJob, hits
from harness.training.load_parent import ParentCheckpoint, load_headed, longest
from harness.training.loop.planned_batches import IGNORED, RowBatches
from harness.training.loop.training_loop import Batch
from harness.training.stage_inputs import StageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def prepare(start: ParentCheckpoint, inputs: StageInputs, chosen: FinetuneSettings) -> TrainingJob:
    """A token classifier around the parent's encoder.

    Raises:
        DataError: when a tag is not one of the task's, or words and tags do not pair up.
        CheckpointError: when the parent cannot be loaded.
    """
    tokenizer = load_tokenizer(start.folder)
    model = load_headed(start, "AutoModelForTokenClassification", labels=inputs.labels, seed=inputs.seed)
    words = WordEncoder(text_encoder(tokenizer))
    limit = longest(model, tokenizer, chosen.max_length)
    fills = {"input_ids": padding_id(model, tokenizer), "tags": IGNORED}

    def plan(part: Sequence[TaggedWords], epochs: int) -> RowBatches:
        rows = [_row(words, example, inputs.labels, limit) for example in part]
        return RowBatches(rows, fills, size=chosen.batch_size, epochs=epochs, seed=inputs.seed)

    return TrainingJob(
        model,
        tokenizer,
        plan(inputs.train, chosen.epochs),
        tag_loss,
        hits(plan(inputs.validation, 1), _right) if inputs.validation else None,
        "TOKEN_CLS",
        heads=("classifier", "score"),
        keeps_language_model=True,
        rates={"classifier": chosen.head_lr_multiplier, "score": chosen.head_lr_multiplier},
    )


def _row(words: WordEncoder, example: TaggedWords, labels: tuple[str, ...], limit: int) -> dict[str, list[int]]:
    if len(example.words) != len(example.tags):
        raise DataError(
            f"an example has {len(example.words)} words and {len(example.tags)} tags.",
            hint="provide one tag per word.",
        )
    ids, places = words.encode(example.words, limit)
    tags = [IGNORED] * len(ids)
    for place, tag in zip(places, example.tags, strict=True):
        if tag not in labels:
            raise DataError(unknown("tag", tag, labels), hint="every tag must be one of the task's labels.")
        if place is not None:
            tags[place] = labels.index(tag)
    return {"input_ids": ids, "tags": tags}


def tag_loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy (nats) over words."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), batch["tags"].reshape(-1), ignore_index=IGNORED
    )


def _right(model: PreTrainedModel, batch: Batch) -> tuple[int, int]:
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    asked = batch["tags"] != IGNORED
    return int((logits.argmax(dim=-1) == batch["tags"])[asked].sum()), int(asked.sum())
