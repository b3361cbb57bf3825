"""Beam search, as transformers' `generate` does it, for many prompts at once.

Every prompt keeps `num_beams` running texts and the best finished ones. A finished text's score is the sum of its
tokens' log-probabilities (after penalties) / length ** `length_penalty`. A text ends at a token that ends texts, at a
stop string or at the length limit; only texts among the best `num_beams` candidates of a step may end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from harness.core.requests import Failure, Generate, Response
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.local.decoding.token_penalties import is_penalized, penalized
from harness.models.local.decoding.written_answer import Finish, written_answer
from harness.models.local.stepper import Prompt, Stepper


@dataclass(frozen=True, slots=True)
class _Beam:
    """A text in writing: its tokens, its score (a sum, or normalized once finished), its plain log-likelihood."""

    tokens: tuple[int, ...]
    score: float
    total: float
    finish: Finish | None = None


@dataclass(slots=True)
class _Search:
    """The search of one prompt."""

    prompt: Prompt
    read: Sequence[int]
    running: list[_Beam] = field(default_factory=list)
    finished: list[_Beam] = field(default_factory=list)
    done: bool = False
    broken: bool = False

    @property
    def request(self) -> Generate:
        return self.prompt.request


@torch.inference_mode()
def beam_search(
    prompts: Sequence[Prompt],
    encoder: TextEncoder,
    ends: frozenset[int],
    stepper: Stepper,
    reads: Sequence[Sequence[int]],
) -> list[Response]:
    """The best text of each prompt; all prompts ask for one number of beams.

    Args:
        reads: tokens of each prompt that penalties see.
    """
    searches = [_Search(prompt, read, [_Beam((), 0.0, 0.0)]) for prompt, read in zip(prompts, reads, strict=True)]
    logits = stepper.start(prompts)
    active = searches
    while True:
        parents: list[int] = []
        row = 0
        for search in active:
            count = len(search.running)
            chosen = _advance(search, logits[row : row + count], encoder, ends)
            if not search.done:
                parents += [row + parent for parent in chosen]
            row += count
        active = [search for search in active if not search.done]
        if not active:
            return [_answer(search, encoder) for search in searches]
        tokens = [beam.tokens[-1] for search in active for beam in search.running]
        stepper.keep(torch.tensor(parents, device=logits.device))
        logits = stepper.step(torch.tensor(tokens, device=logits.device))


def _advance(search: _Search, logits: torch.Tensor, encoder: TextEncoder, ends: frozenset[int]) -> list[int]:
    """Takes one step; returns which running text each new running one goes on from."""
    request, beams = search.request, search.request.num_beams
    plain = torch.log_softmax(logits, dim=-1)
    if not bool(torch.isfinite(plain.max())):
        search.done = search.broken = True
        return []
    scores = plain
    if is_penalized(request):
        pairs = zip(plain, search.running, strict=True)
        scores = torch.stack([penalized(row, request, search.read, beam.tokens) for row, beam in pairs])
    before = torch.tensor([beam.score for beam in search.running], device=scores.device, dtype=scores.dtype)
    flat = (scores + before[:, None]).flatten()
    kept = min(max(2, 1 + len(ends)) * beams, len(flat))
    values, places = torch.topk(flat, kept)
    size = scores.shape[-1]
    candidates: list[tuple[int, _Beam]] = []
    for value, place in zip(values.tolist(), places.tolist(), strict=True):
        parent, token = divmod(place, size)
        old = search.running[parent]
        tokens = (*old.tokens, token)
        total = old.total + float(plain[parent, token])
        candidates.append((parent, _Beam(tokens, value, total, _finish(tokens, search.prompt, encoder, ends))))
    _note_finished(search, [beam for _, beam in candidates[:beams]])
    going_on = [(parent, beam) for parent, beam in candidates if beam.finish is None][:beams]
    search.done = not going_on or not _can_improve(search, going_on[0][1])
    search.running = [beam for _, beam in going_on]
    return [parent for parent, _ in going_on]


def _finish(tokens: Sequence[int], prompt: Prompt, encoder: TextEncoder, ends: frozenset[int]) -> Finish | None:
    if tokens[-1] in ends:
        return "end"
    if prompt.request.stop:
        answer = encoder.decode(list(tokens)) if prompt.thoughts is None else prompt.thoughts.split(tokens).answer
        if any(stop in answer for stop in prompt.request.stop):
            return "stop"
    return "length" if len(tokens) >= prompt.limit else None


def _note_finished(search: _Search, best: Sequence[_Beam]) -> None:
    """Keeps the best finished texts, at most `num_beams`."""
    request = search.request
    if request.early_stopping and len(search.finished) == request.num_beams:
        return
    ended = [
        _Beam(beam.tokens, beam.score / len(beam.tokens) ** request.length_penalty, beam.total, beam.finish)
        for beam in best
        if beam.finish is not None
    ]
    search.finished = sorted([*search.finished, *ended], key=lambda beam: -beam.score)[: request.num_beams]


def _can_improve(search: _Search, best: _Beam) -> bool:
    """Whether the best running text may still be better than the worst finished one."""
    request = search.request
    if len(search.finished) < request.num_beams:
        return True
    if request.early_stopping:
        return False
    return bool(best.score / len(best.tokens) ** request.length_penalty > search.finished[-1].score)


def _answer(search: _Search, encoder: TextEncoder) -> Response:
    if search.broken or not search.finished:
        return Failure("nan", "a log-probability is not finite")
    best = search.finished[0]
    assert best.finish is not None
    return written_answer(search.prompt, best.tokens, best.finish, best.total, encoder)
