"""How long the steps of a run take: forecasts from sizes, good to a factor of about two on a machine that is free.

Fitted to cold runs of the suites `sentiment` and `demo` on two cores (docs/performance.md).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.core.evaluation import Item
from harness.model_kinds.flop_shapes import TEXT_LENGTH, Shape, shape_of, training_flops

if TYPE_CHECKING:
    from harness.core.model_kind import StageCost

EFFICIENCY = 0.28
"""Share of a plain matrix product's rate that a model of 128 numbers a token reaches, in training and in answering."""
WIDENING = 0.7
"""Wider models lose less between their products: the share grows with this power of the width, up to `HIGHEST`."""
HIGHEST = 1.2
"""oneDNN's products are faster than numpy's."""
_WIDTH = 128
SECONDS_PER_STEP = 0.01
SECONDS_PER_STAGE = 2.0
"""Opening the parent, the tokenizer, validation, writing."""
SECONDS_PER_ROW_READ = 1e-4
"""Cleaning, counting words and cutting into tokens, per row of text."""
SECONDS_PER_ROW_FITTED = 4e-4
"""A classical model, or a linear head, per row."""
SECONDS_TO_ASK = 0.3
"""Opening a model, per evaluation."""
SECONDS_PER_ANSWER = 1e-3
SECONDS_PER_WRITTEN_TOKEN = 8e-4
"""A step of generation of six layers, shared by a batch."""
SECONDS_OF_STATISTICS = 4.0
SECONDS_PER_RECORD_SCORED = 3e-4
SECONDS_PER_ROW_AUDITED = 5e-5
CHARACTERS_PER_TOKEN = 4.5
ANSWER_SHARE = 0.25
"""Of the tokens of a row that an encoder and a decoder share, what the decoder has."""
WRITTEN_ROW = 60.0
"""Tokens of an item, or of a prompt and its answer, where nobody has counted yet."""
VOCABULARY = 8000
"""Of a tokenizer that is trained in the run."""
LONGEST = 256
"""Tokens of a text that small models read."""
SHARED = 0.3
"""Of a masked model's copies of a text, the share that is computed (docs/scoring.md)."""

_PER_TOKEN = frozenset({"language_modeling", "minimal_pairs", "stereoset", "sentence_choice", "next_word_prediction"})
_CAUSAL = frozenset({"gpt2", "gpt_neox", "llama"})
_TWICE = frozenset({"counterfactual", "minimal_pairs", "coreference", "perturbation"})


@dataclass(frozen=True)
class Machine:
    """What this machine can do, from a few milliseconds of matrix products."""

    cores: int

    @classmethod
    def here(cls) -> Machine:
        return cls(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))

    @cached_property
    def rate(self) -> float:
        """Operations per second of plain matrix products on all cores.

        The fastest of many products of one core counts, so that other work on the machine does not. OpenBLAS gives a
        product of more than 64³ to all cores, and one that is busy with other work can make it a thousand times slower.
        """
        import numpy as np

        size, rounds = 64, 20
        left = np.ones((size, size), dtype=np.float32)
        out = np.empty_like(left)
        fastest, begun = float("inf"), time.perf_counter()
        while time.perf_counter() - begun < 0.1:
            started = time.perf_counter()
            for _ in range(rounds):
                np.matmul(left, left, out=out)
            fastest = min(fastest, (time.perf_counter() - started) / rounds)
        return float(2 * size**3 / fastest * self.cores)

    def speed(self, configuration: Mapping[str, Any] | None) -> float:
        """Operations per second that a model of this shape reaches."""
        shape = None if configuration is None else shape_of(configuration)
        width = _WIDTH if shape is None else shape.hidden
        return self.rate * min(HIGHEST, EFFICIENCY * float(max(1.0, width / _WIDTH) ** WIDENING))

    def training(self, cost: StageCost, rows: int, configuration: Mapping[str, Any] | None) -> float:
        """Seconds of a stage."""
        if cost.seconds is not None:
            return SECONDS_PER_STAGE + cost.seconds
        computed = cost.flops / self.speed(configuration) + cost.steps * SECONDS_PER_STEP
        return SECONDS_PER_STAGE + computed + rows * (SECONDS_PER_ROW_READ if cost.steps else SECONDS_PER_ROW_FITTED)

    def answering(
        self, evaluation: str, options: object, lengths: Sequence[float], configuration: Mapping[str, Any] | None
    ) -> float:
        """Seconds in which a model answers an evaluation.

        Args:
            evaluation: the kind.
            lengths: tokens of each item.
            configuration: of the model; None for one that is no network.
        """
        shape = None if configuration is None else shape_of(configuration)
        if shape is None or configuration is None:
            return SECONDS_TO_ASK + len(lengths) * SECONDS_PER_ANSWER / 2
        kind = str(configuration.get("model_type", "bert"))
        copies = 2 if evaluation in _TWICE else 1
        masked = kind not in _CAUSAL and not shape.decoder_layers and evaluation in _PER_TOKEN
        flops = sum(copies * _reading(shape, length / copies, masked) for length in lengths)
        per_item = copies * SECONDS_PER_ANSWER * (2 if masked else 1)
        layers = shape.layers + shape.decoder_layers
        tokens = _written_tokens(options) if kind in _CAUSAL or shape.decoder_layers else 0
        per_item += tokens * SECONDS_PER_WRITTEN_TOKEN * layers / 6
        flops += len(lengths) * (
            shape.stack(layers, tokens, tokens) + shape.head(tokens, shape.vocabulary or VOCABULARY)
        )
        return SECONDS_TO_ASK + flops / self.speed(configuration) + len(lengths) * per_item


def token_lengths(items: Sequence[Item]) -> list[float]:
    """About how many tokens each item has, as small models read it."""
    return [min(LONGEST, sum(map(len, item.texts.values())) / CHARACTERS_PER_TOKEN + 2) for item in items]


def _written_tokens(options: object) -> int:
    """The most tokens of an answer that a task has its model write; 0 where it only reads."""
    return int(getattr(options, "max_tokens", 0))


def with_lengths(
    cost: StageCost, configuration: Mapping[str, Any] | None, *, length: float | None, writes: bool
) -> StageCost:
    """What a stage of training takes whose rows have so many tokens, and where the model learns to write words.

    Args:
        cost: of rows of `TEXT_LENGTH` tokens that have a label.
        length: tokens per row; None where nobody has counted yet.
    """
    shape = shape_of(configuration) if configuration is not None and writes else None
    if length is None:
        length = TEXT_LENGTH if shape is None else WRITTEN_ROW * (2 if shape.decoder_layers else 1)
    longer = min(LONGEST, length) / TEXT_LENGTH
    flops = cost.flops * longer
    if shape is not None:
        # Each of two stacks reads its part of a row alone; the head stands over what is written.
        flops *= 0.5 if shape.decoder_layers else 1.0
        learned = cost.tokens * longer * (ANSWER_SHARE if shape.decoder_layers else 1.0)
        flops += training_flops(shape.head(learned, shape.vocabulary or VOCABULARY))
    return replace(cost, tokens=cost.tokens * longer, flops=flops)


def _reading(shape: Shape, length: float, masked: bool) -> float:
    """Operations of reading a text once, or once with each token masked."""
    once = shape.stack(shape.layers + shape.decoder_layers, length, length)
    return length * SHARED * once if masked else once


def statistics_seconds(records: int, rows: int) -> float:
    """Scores, comparisons and gates of so many records, and audits of so many rows of data."""
    return SECONDS_OF_STATISTICS + records * SECONDS_PER_RECORD_SCORED + rows * SECONDS_PER_ROW_AUDITED
