"""Penalties on tokens that a text already has, applied to scores before a token is chosen.

Repetition penalty and n-gram blocking are those of transformers' `generate`: for causal models they see the prompt too,
for decoders of an encoder the start token and what was written. Presence and frequency penalties are the OpenAI API's
and see what was written alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch

from harness.core.requests import Generate


def is_penalized(request: Generate) -> bool:
    """Whether any penalty is on."""
    return (
        request.repetition_penalty != 1.0
        or request.presence_penalty != 0.0
        or request.frequency_penalty != 0.0
        or request.no_repeat_ngram_size > 0
    )


def penalized(scores: torch.Tensor, request: Generate, read: Sequence[int], written: Sequence[int]) -> torch.Tensor:
    """Scores of the next token, float32[V], with what the request takes from them.

    Args:
        read: tokens before the first generated one that penalties see (a causal model's prompt).
        written: the generated tokens so far.
    """
    scores = scores.clone()
    everything = [*read, *written]
    if request.repetition_penalty != 1.0 and everything:
        ids = torch.tensor(sorted(set(everything)), device=scores.device)
        seen = scores[ids]
        scores[ids] = torch.where(seen < 0, seen * request.repetition_penalty, seen / request.repetition_penalty)
    if written and (request.presence_penalty or request.frequency_penalty):
        counts = Counter(written)
        ids = torch.tensor(list(counts), device=scores.device)
        times = torch.tensor(list(counts.values()), device=scores.device, dtype=scores.dtype)
        scores[ids] -= request.presence_penalty + request.frequency_penalty * times
    banned = _banned(everything, request.no_repeat_ngram_size)
    if banned:
        scores[torch.tensor(banned, device=scores.device)] = -torch.inf
    return scores


def _banned(tokens: Sequence[int], size: int) -> list[int]:
    """The tokens that would complete a sequence of `size` tokens that is there already."""
    if size < 1 or len(tokens) + 1 < size:
        return []
    beginning = tuple(tokens[len(tokens) - size + 1 :])
    return sorted(
        {
            tokens[start + size - 1]
            for start in range(len(tokens) - size + 1)
            if tuple(tokens[start : start + size - 1]) == beginning
        }
    )
