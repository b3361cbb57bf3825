"""Extractive question answering: where in the context the answer begins and ends.

A long context is cut into windows that overlap; a window without the answer, like a question
without one, has its answer at the first token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from harness.core.examples import AnswerSpan
from harness.model_kinds.weight_tuning import FinetuneSettings
from harness.models.encoding.embeddings import padding_id
from harness.models.encoding.row_encoder import TYPES, reads_types
from harness.models.encoding.span_windows import learned_windows
from harness.models.encoding.text_encoder import text_encoder
from harness.models.local.load_weights import load_tokenizer
from harness.training.learners.learner import TrainingJob, hits
from harness.training.load_parent import ParentCheckpoint, load_headed, longest
from harness.training.loop.planned_batches import RowBatches
from harness.training.loop.training_loop import Batch
from harness.training.stage_inputs import StageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def prepare(start: ParentCheckpoint, inputs: StageInputs, chosen: FinetuneSettings) -> TrainingJob:
    """A span head around the parent's encoder.

    Raises:
        DataError: when an answer does not stand where the example says.
        CheckpointError: when the parent cannot be loaded.
    """
    tokenizer = load_tokenizer(start.folder)
    model = load_headed(start, "AutoModelForQuestionAnswering", labels=(), seed=inputs.seed)
    encoder = text_encoder(tokenizer)
    limit = longest(model, tokenizer, chosen.max_length)
    typed = encoder.typed and reads_types(model)
    fills = {"input_ids": padding_id(model, tokenizer), "first": 0, "last": 0, **({TYPES: 0} if typed else {})}

    def plan(part: Sequence[AnswerSpan], epochs: int) -> RowBatches:
        rows = list(learned_windows(encoder, part, limit))
        return RowBatches(rows, fills, size=chosen.batch_size, epochs=epochs, seed=inputs.seed)

    def logits(model: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        named = ("input_ids", "attention_mask", *((TYPES,) if typed else ()))
        answer = model(**{name: batch[name] for name in named})
        hidden = batch["attention_mask"] == 0
        return answer.start_logits.masked_fill(hidden, -1e9), answer.end_logits.masked_fill(hidden, -1e9)

    def loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        first, last = logits(model, batch)
        both = functional.cross_entropy(first, batch["first"][:, 0]) + functional.cross_entropy(
            last, batch["last"][:, 0]
        )
        return both / 2

    def right(model: PreTrainedModel, batch: Batch) -> tuple[int, int]:
        first, last = logits(model, batch)
        hit = (first.argmax(dim=-1) == batch["first"][:, 0]) & (last.argmax(dim=-1) == batch["last"][:, 0])
        return int(hit.sum()), len(hit)

    return TrainingJob(
        model,
        tokenizer,
        plan(inputs.train, chosen.epochs),
        loss,
        hits(plan(inputs.validation, 1), right) if inputs.validation else None,
        "QUESTION_ANS",
        heads=("qa_outputs",),
        keeps_language_model=True,
        rates={"qa_outputs": chosen.head_lr_multiplier},
    )
