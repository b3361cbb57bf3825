"""Extractive question answering: where in the context the answer begins and ends.

A long context is cut into windows that overlap; a window without the answer, like a question
without one, has its answer at the first token.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn import functional

from harness.core.errors import DataError
from harness.core.examples import AnswerSpan
from harness.model_kinds.finetune_kind import FinetuneSettings
from harness.models.encoding.pair_encoder import PairEncoder
from harness.models.encoding.text_encoder import Pieces, TextEncoder, text_encoder
from harness.training.learners.learner import Job, Start, hits
from harness.training.load_parent import load_headed, load_tokenizer, longest
from harness.training.loop.planned_batches import RowBatches
from harness.training.loop.training_loop import Batch
from harness.training.stage_inputs import StageInputs

_OVERLAP = 128


def prepare(start: Start, inputs: StageInputs, chosen: FinetuneSettings) -> Job:
    """A span head around the parent's encoder.

    Raises:
        DataError: when an answer does not stand where the example says.
        CheckpointError: when the parent cannot be loaded.
    """
    tokenizer = load_tokenizer(start.folder)
    model = load_headed(start, "AutoModelForQuestionAnswering", labels=(), seed=inputs.seed)
    encoder = text_encoder(tokenizer)
    limit = longest(model, tokenizer, chosen.max_length)
    fills = {"input_ids": int(tokenizer.pad_token_id or 0), "token_type_ids": 0, "first": 0, "last": 0}
    typed = int(getattr(model.config, "type_vocab_size", 0) or 0) > 1

    def plan(part: Any, epochs: int) -> RowBatches:
        rows = list(windows(encoder, part, limit))
        return RowBatches(rows, fills, size=chosen.batch_size, epochs=epochs, seed=inputs.seed)

    def logits(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        named = ("input_ids", "attention_mask", *(("token_type_ids",) if typed else ()))
        answer = model(**{name: batch[name] for name in named})
        hidden = batch["attention_mask"] == 0
        return answer.start_logits.masked_fill(hidden, -1e9), answer.end_logits.masked_fill(hidden, -1e9)

    def loss(model: Any, batch: Batch) -> torch.Tensor:
        first, last = logits(model, batch)
        both = functional.cross_entropy(first, batch["first"][:, 0]) + functional.cross_entropy(
            last, batch["last"][:, 0]
        )
        return both / 2

    def right(model: Any, batch: Batch) -> tuple[int, int]:
        first, last = logits(model, batch)
        hit = (first.argmax(dim=-1) == batch["first"][:, 0]) & (last.argmax(dim=-1) == batch["last"][:, 0])
        return int(hit.sum()), len(hit)

    return Job(
        model,
        tokenizer,
        plan(inputs.train, chosen.epochs),
        loss,
        hits(plan(inputs.validation, 1), right) if inputs.validation else None,
        "QUESTION_ANS",
        heads=("qa_outputs",),
        keeps_language_model=True,
        rates={"qa_outputs": chosen.head_rate},
    )


def windows(encoder: TextEncoder, examples: list[AnswerSpan], limit: int) -> Iterator[dict[str, list[int]]]:
    """Rows of question and window, with the tokens at which the answer begins and ends.

    Raises:
        DataError: when an answer does not stand where the example says, or nothing fits `limit`.
    """
    pairs = PairEncoder(encoder)
    questions = encoder.plain([example.question for example in examples])
    contexts = encoder.pieces([example.context for example in examples])
    for example, question, context in zip(examples, questions, contexts, strict=True):
        room = limit - pairs.specials
        question = question[: room // 2]
        size = room - len(question)
        if size < 1:
            raise DataError(f"a max_length of {limit} leaves no room for a context.", hint="set a higher one.")
        span = _tokens(example, context)
        step = max(1, size - min(_OVERLAP, size // 2))
        for first in range(0, max(1, len(context.ids) - size + step), step):
            part = context.ids[first : first + size]
            row = pairs.join(question, part)
            begin = end = 0
            if span is not None and first <= span[0] and span[1] < first + len(part):
                begin, end = row.second + span[0] - first, row.second + span[1] - first
            yield {"input_ids": row.ids, "token_type_ids": row.types, "first": [begin], "last": [end]}


def _tokens(example: AnswerSpan, context: Pieces) -> tuple[int, int] | None:
    """The answer's first and last token; None where there is no answer."""
    if not example.answers:
        return None
    start, text = example.answers[0]
    if not text or example.context[start : start + len(text)] != text:
        raise DataError(
            f"the answer {text[:40]!r} does not stand at character {start} of its context.",
            hint="correct `start` in the data.",
        )
    inside = [place for place, (low, high) in enumerate(context.offsets) if high > start and low < start + len(text)]
    return (inside[0], inside[-1]) if inside else None
