"""Greedy decoding, seeded sampling and beam search, token by token, for many prompts at once.

Prompts are padded on the left, with position ids from the mask's cumulative sum, so that padding
changes no answer. A row that has ended leaves the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from harness.core.records import FloatArray
from harness.core.requests import Failure, Generate, Request, Response
from harness.models.encoding.common_beginning import common_beginning
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.local.batching import Batcher, IntArray, TooLarge, too_large
from harness.models.local.decoding.beam_search import beam_search
from harness.models.local.decoding.token_penalties import is_penalized, penalized
from harness.models.local.decoding.written_answer import Finish, is_stopped, written_answer
from harness.models.local.fast_path import Writing
from harness.models.local.stepper import JoiningStepper, Prompt, Stepper

_SLACK = 0.75
"""Prompts are read once, but every token that is written costs a pass: rows of unlike length may stand together."""
_TOKENS = 16_384
"""Tokens that a batch may come to hold, where the device's budget for reading is smaller: a pass that writes reads one
token of each row, so a few long rows alone leave a processor waiting for the weights."""
_KEEP = 0.75
"""Rows leave a batch, and others enter, when at most this share of its rows is still written."""
_WINDOW = 4
"""How many batches' prompts are taken together, so that the next ones enter where one has ended."""
_WORTH_SHARING = 16
"""Fewer tokens that prompts begin with are read again for each: a pass of their own costs more."""


@dataclass(slots=True)
class _Writing:
    """One row of a batch; `read` holds the tokens before the answer that penalties see."""

    prompt: Prompt
    random: np.random.Generator | None
    read: Sequence[int] = ()
    tokens: list[int] = field(default_factory=list)
    total: float = 0.0
    answer_start: int | None = None
    finish: Finish | None = None
    broken: bool = False

    @property
    def done(self) -> bool:
        return self.broken or self.finish is not None


@dataclass(frozen=True, slots=True)
class Writer:
    """How a model writes.

    Attributes:
        encoder: decodes.
        ends: tokens that end a text.
        stepper: makes a new `Stepper`.
        joins: whether rows may enter a batch in writing, and prompts share what they begin with: by a `JoiningStepper`,
            where that changes no answer; asked where there is use for it.
        around: what stands around each batch.
    """

    encoder: TextEncoder
    ends: frozenset[int]
    stepper: Callable[[], Stepper]
    joins: Callable[[], bool]
    around: Writing


def generations(
    prompts: Sequence[Prompt],
    batcher: Batcher,
    writer: Writer,
    penalized_start: Callable[[Prompt], Sequence[int]],
) -> Iterator[tuple[Request, Response]]:
    """Answers each prompt's request.

    A batch of the batcher is a window of prompts: as many as there is room for are written at a time, and where one has
    ended, the next enters.

    Args:
        prompts: any order.
        batcher: sizes batches by prompt and room for the answer.
        writer: how the model writes.
        penalized_start: the tokens before a prompt's answer that penalties see.
    """

    def forward(window: Sequence[Prompt]) -> list[Response]:
        reads = [penalized_start(prompt) for prompt in window]
        with writer.around():
            if window[0].request.num_beams > 1:
                return beam_search(window, writer.encoder, writer.ends, writer.stepper(), reads)
            capacity = len(window) if windows == 1 else max(1, batcher.budget * room // _size(window[0]))
            return _write(window, writer, capacity, reads)

    room = max(1, _TOKENS // batcher.whole_budget) if batcher.whole_budget > 1 else 1
    for beams in sorted({prompt.request.num_beams for prompt in prompts}):
        rows = sorted((prompt for prompt in prompts if prompt.request.num_beams == beams), key=_size, reverse=True)
        several = beams == 1 and batcher.whole_budget > 1 and len(rows) * _size(rows[0]) > batcher.budget * room
        windows = _WINDOW if several and writer.joins() else 1
        for prompt, answer in batcher.run(rows, _size, forward, slack=_SLACK, room=room * windows):
            yield prompt.request, too_large(answer) if isinstance(answer, TooLarge) else answer


@torch.inference_mode()
def _write(window: Sequence[Prompt], writer: Writer, capacity: int, reads: Sequence[Sequence[int]]) -> list[Response]:
    """The answers to a window's prompts, of which at most `capacity` are written at a time."""
    everything = [_Writing(prompt, _random(prompt.request), read) for prompt, read in zip(window, reads, strict=True)]
    stepper = writer.stepper()
    shared = min(common_beginning([prompt.ids for prompt in window]), min(len(prompt.ids) for prompt in window) - 1)
    if len(window) > 1 and shared >= _WORTH_SHARING and writer.joins():
        assert isinstance(stepper, JoiningStepper)
        stepper.share(window[0].ids[:shared])
    rows, waiting = everything[:capacity], everything[capacity:]
    logits = stepper.start([row.prompt for row in rows])
    while True:
        chosen, values = _choose(logits, rows)
        for row, token, value in zip(rows, chosen.tolist(), values.tolist(), strict=True):
            if not row.done:
                _append(row, token, value, writer.encoder, writer.ends)
        left = [index for index, row in enumerate(rows) if not row.done]
        if not left and not waiting:
            return [_answer(row, writer.encoder) for row in everything]
        tokens = torch.from_numpy(chosen).to(logits.device)
        if len(left) <= _KEEP * len(rows):
            entering, waiting = waiting[: capacity - len(left)], waiting[capacity - len(left) :]
            rows, logits = _exchanged(stepper, rows, left, tokens, entering)
        else:
            logits = stepper.step(tokens)


def _exchanged(
    stepper: Stepper, rows: Sequence[_Writing], left: Sequence[int], tokens: torch.Tensor, entering: Sequence[_Writing]
) -> tuple[list[_Writing], torch.Tensor]:
    """Leaves the rows that have ended, goes one step on with those that are left, and lets others enter behind them."""
    prompts = [row.prompt for row in entering]
    if not left:
        return list(entering), stepper.start(prompts)
    places = torch.tensor(left, device=tokens.device)
    stepper.keep(places)
    logits = stepper.step(tokens[places])
    if entering:
        assert isinstance(stepper, JoiningStepper)
        logits = torch.cat([logits, stepper.enter(prompts)])
    return [*(rows[index] for index in left), *entering], logits


def _choose(logits: torch.Tensor, rows: Sequence[_Writing]) -> tuple[IntArray, FloatArray]:
    """The next token of each row, and its log-probability under the model (not under the sampling)."""
    largest, chosen = logits.max(dim=-1)
    totals = largest + (logits - largest[:, None]).exp_().sum(dim=-1).log()
    for index, row in enumerate(rows):
        request = row.prompt.request
        if row.done or (row.random is None and not is_penalized(request)):
            continue
        scores = penalized(logits[index], request, row.read, row.tokens)
        if row.random is None:
            chosen[index] = scores.argmax()
        else:
            chosen[index] = sample_token(scores.double().cpu().numpy(), request, row.random)
    values = logits.gather(-1, chosen[:, None])[:, 0] - totals
    return chosen.cpu().numpy(), values.double().cpu().numpy()


def sample_token(logits: FloatArray, request: Generate, random: np.random.Generator) -> int:
    """A draw from softmax(logits / temperature), cut to the `top_k` likeliest tokens and then to the smallest set of
    them that holds `top_p`.

    The inverse of the distribution function at one uniform number, tokens in order of falling
    probability: the draw depends on the request alone, not on the batch.
    """
    point = random.random()
    scaled = logits / request.temperature
    order = np.argsort(-scaled, kind="stable")[: request.top_k or None]
    shares = np.exp(scaled[order] - scaled[order[0]])
    shares /= shares.sum()
    cumulative = np.cumsum(shares)
    size = len(order) if request.top_p >= 1 else int(np.searchsorted(cumulative, request.top_p)) + 1
    kept = cumulative[:size]
    place = int(np.searchsorted(kept, point * kept[-1], side="right"))
    return int(order[min(place, len(kept) - 1)])


def _append(row: _Writing, token: int, value: float, encoder: TextEncoder, ends: frozenset[int]) -> None:
    request = row.prompt.request
    if not np.isfinite(value):
        row.broken = True
        return
    row.tokens.append(token)
    row.total += value
    if token in ends:
        row.finish = "end"
        return
    if request.stop and _stopped(row, encoder):
        row.finish = "stop"
        return
    if len(row.tokens) >= row.prompt.limit:
        row.finish = "length"


def _stopped(row: _Writing, encoder: TextEncoder) -> bool:
    """Whether a stop string ends the answer; while a thought is open, none does."""
    thoughts = row.prompt.thoughts
    if row.answer_start is None:
        row.answer_start = 0 if thoughts is None else thoughts.answer_start(row.tokens)
        if thoughts is not None and row.answer_start:
            return False
    return row.answer_start is not None and is_stopped(row.prompt, row.tokens, encoder, row.answer_start)


def _answer(row: _Writing, encoder: TextEncoder) -> Response:
    if row.broken:
        return Failure("nan", f"the log-probability of token {len(row.tokens) + 1} is not finite")
    assert row.finish is not None
    return written_answer(row.prompt, row.tokens, row.finish, row.total, encoder)


def refused(request: Generate) -> Failure | None:
    """A failure for what no model can be asked."""
    if request.max_tokens < 1:
        return Failure("no_token", "max_tokens is below one")
    if request.messages and request.prompt:
        return Failure("error", "messages stand in place of a prompt; both were given")
    if "" in request.stop:
        return Failure("error", "an empty stop string would end every text at once")
    if not (np.isfinite(request.temperature) and request.temperature >= 0):
        return Failure("error", f"expected a temperature of 0 or above, found {request.temperature}")
    if not 0 < request.top_p <= 1:
        return Failure("error", f"expected top_p above 0 and at most 1, found {request.top_p}")
    if request.num_beams < 1 or (request.num_beams > 1 and request.temperature > 0):
        return Failure("error", "expected one beam or more, and no sampling with several")
    if request.top_k < 0 or request.no_repeat_ngram_size < 0 or not request.repetition_penalty > 0:
        return Failure("error", "expected top_k and no_repeat_ngram_size of 0 or above, and a penalty above 0")
    return None


def _random(request: Generate) -> np.random.Generator | None:
    if request.temperature == 0:
        return None
    return np.random.default_rng(int(request.key(), 16))


def _size(prompt: Prompt) -> int:
    return (len(prompt.ids) + prompt.limit) * prompt.request.num_beams
