"""Span corruption (Raffel et al. 2020, section 3.1.4): gaps in the source, what stood there as the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from harness.core.errors import SuiteError
from harness.core.reporter import Reporter
from harness.model_kinds.flop_shapes import Shape
from harness.model_kinds.pretrain_kind import PretrainSpec
from harness.training.loop.training_loop import Batch
from harness.training.objectives.bpe_tokenizer import SENTINELS, train_span_tokenizer
from harness.training.objectives.corpus import Corpus, IntArray, plan_rows
from harness.training.objectives.fixed_rows import Rows
from harness.training.objectives.objective import Pretraining, PretrainingPlan, Sizes, WeightedTexts, untrained

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class CorruptedRows(Rows):
    """Rows whose spans are replaced by sentinels, by (seed, batch).

    Every row loses as many tokens in as many spans, so that sources and targets of a batch have
    one length each.
    """

    def __init__(
        self, rows: IntArray, *, size: int, seed: int, hidden: int, spans: int, tokenizer: PreTrainedTokenizerFast
    ) -> None:
        super().__init__(rows, size, seed)
        self._hidden, self._spans = hidden, spans
        self._sentinels = sentinel_ids(tokenizer, spans + 1)
        self._end = int(tokenizer.eos_token_id)

    def __getitem__(self, place: int) -> Batch:
        random = np.random.default_rng([self.seed, place])
        sources, targets = [], []
        for row in self.batch(place):
            source, target = corrupt(row, span_mask(len(row), self._hidden, self._spans, random), self._sentinels)
            sources.append(np.append(source, self._end))
            targets.append(np.append(target, self._end))
        return {"input_ids": torch.from_numpy(np.stack(sources)), "labels": torch.from_numpy(np.stack(targets))}

    def operations(self, shape: Shape) -> float:
        rows, length = self.rows.shape
        source = length - self._hidden + self._spans + 1
        target = self._hidden + self._spans + 2
        return seq2seq_operations(shape, rows * source, rows * target, source, target)


def seq2seq_operations(shape: Shape, source: float, target: float, source_length: float, target_length: float) -> float:
    """Operations of one forward pass: encoder, decoder, its attention to the source, and the head.

    Args:
        source, target: tokens on both sides.
        source_length, target_length: mean length of a row on both sides.
    """
    encoder = shape.stack(shape.layers, source, source_length)
    decoder = shape.stack(shape.decoder_layers, target, target_length)
    return encoder + decoder + shape.cross(source, target, source_length) + shape.head(target)


def sentinel_ids(tokenizer: PreTrainedTokenizerFast, count: int) -> list[int]:
    """Ids of the first `count` sentinels `<extra_id_0>` …

    Raises:
        SuiteError: when the tokenizer has fewer.
    """
    ids = [tokenizer.convert_tokens_to_ids(f"<extra_id_{number}>") for number in range(count)]
    if any(token is None or token == tokenizer.unk_token_id for token in ids):
        raise SuiteError(
            f"span corruption of these rows needs {count} sentinels <extra_id_0> …; the tokenizer has fewer.",
            hint=f"set a lower `sequence_length` or `mlm_probability` (our own tokenizers have {SENTINELS} sentinels).",
        )
    return [int(token) for token in ids]


def span_mask(length: int, hidden: int, spans: int, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """bool[length] with `hidden` true places in exactly `spans` runs, the first place false.

    Lengths of runs and of what stands between them are random compositions, all equally likely.
    """
    kept = _composition(length - hidden, spans + 1, random, last_may_be_empty=True)
    lost = _composition(hidden, spans, random)
    mask = np.zeros(length, dtype=bool)
    place = 0
    for before, run in zip(kept, lost, strict=False):
        mask[place + before : place + before + run] = True
        place += before + run
    return mask


def _composition(total: int, parts: int, random: np.random.Generator, *, last_may_be_empty: bool = False) -> list[int]:
    """`total` as an ordered sum of `parts` whole numbers above 0 (the last one may be 0 if asked)."""
    whole = total + 1 if last_may_be_empty else total
    cuts = np.sort(random.choice(whole - 1, size=parts - 1, replace=False)) + 1
    sizes = np.diff(np.concatenate([[0], cuts, [whole]])).tolist()
    if last_may_be_empty:
        sizes[-1] -= 1
    return [int(size) for size in sizes]


def corrupt(row: IntArray, mask: npt.NDArray[np.bool_], sentinels: list[int]) -> tuple[IntArray, IntArray]:
    """A row's source, with a sentinel for each run of the mask, and its target: each sentinel and what it
    hides, then the next sentinel."""
    starts = mask & ~np.concatenate([[False], mask[:-1]])
    numbers = np.cumsum(starts)
    marks = np.asarray(sentinels, dtype=np.int64)
    source = np.where(starts, marks[np.maximum(numbers - 1, 0)], row)[~mask | starts]
    pieces: list[npt.NDArray[np.int64]] = []
    for number in range(int(numbers[-1])):
        pieces.extend((marks[number : number + 1], row[mask & (numbers == number + 1)]))
    return source, np.concatenate([*pieces, marks[int(numbers[-1]) : int(numbers[-1]) + 1]])


class SpanCorruption:
    """T5-shaped models."""

    auto_class = "AutoModelForSeq2SeqLM"

    def train_tokenizer(self, texts: WeightedTexts, spec: PretrainSpec, max_length: int) -> PreTrainedTokenizerFast:
        return train_span_tokenizer(texts, vocabulary=spec.tokenizer.vocabulary, max_length=max_length)

    def check_tokenizer(self, tokenizer: PreTrainedTokenizerFast) -> str | None:
        if tokenizer.eos_token_id is None:
            return "an end-of-text token"
        known = tokenizer.convert_tokens_to_ids("<extra_id_0>")
        return "sentinels <extra_id_0> …" if known is None or known == tokenizer.unk_token_id else None

    def fresh(self, work: Pretraining, sizes: Sizes, reporter: Reporter) -> PreTrainedModel:
        tokenizer = work.tokenizer
        return untrained(
            self.auto_class,
            sizes,
            work.seed,
            vocab_size=len(tokenizer),
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            decoder_start_token_id=tokenizer.pad_token_id,
        )

    def settle(self, model: PreTrainedModel, missing: list[str], corpus: Corpus) -> None:
        """A sequence-to-sequence model without its head is none; loading has refused it."""

    def plan(self, work: Pretraining, model: PreTrainedModel, *, rows: int) -> CorruptedRows:
        tokenizer, chosen = work.tokenizer, work.chosen
        length = chosen.sequence_length
        planned = plan_rows(
            work.corpus,
            work.spec.weights,
            rows=rows,
            length=length,
            around=(),
            between=(int(tokenizer.eos_token_id),),
            seed=work.seed,
        )
        hidden = min(max(1, round(length * chosen.mlm_probability)), length - 2)
        spans = min(max(1, round(hidden / chosen.span_length)), hidden, length - hidden)
        return CorruptedRows(
            planned, size=chosen.batch_size, seed=work.seed, hidden=hidden, spans=spans, tokenizer=tokenizer
        )

    def loss(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        logits = model(input_ids=batch["input_ids"], labels=batch["labels"], use_cache=False).logits
        return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), batch["labels"].reshape(-1))

    def facts(self, model: PreTrainedModel, plan: PretrainingPlan) -> dict[str, object]:
        return {}


OBJECTIVE = SpanCorruption()
