"""What writes one token at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from harness.core.requests import Generate
from harness.models.encoding.thought_reader import ThoughtReader


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """What a generation starts from.

    Attributes:
        ids: token ids that the model reads (the decoder's start for sequence to sequence is not here).
        request: what was asked.
        truncated: tokens of the prompt that did not fit.
        limit: at most so many new tokens.
        thoughts: tells a thought from the answer; None where no thought is kept apart.
    """

    ids: list[int]
    request: Generate
    truncated: int
    limit: int
    thoughts: ThoughtReader | None = None


class Stepper(Protocol):
    """A batch of prompts in a model that keeps what it has read."""

    def start(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """float32[B, V] logits of each row's first new token."""
        ...

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """float32[B, V] logits after int64[B] tokens."""
        ...

    def keep(self, rows: torch.Tensor) -> None:
        """Puts these rows, int64, in place of the batch; a row may be named several times (beams)."""
        ...


@runtime_checkable
class JoiningStepper(Stepper, Protocol):
    """One in which rows may enter a batch that is being written, and what prompts begin with is read once."""

    def share(self, beginning: Sequence[int]) -> None:
        """Reads tokens that all prompts begin with, each of which goes on; asked before `start`."""
        ...

    def enter(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """float32[N, V] logits of the first new token of prompts that stand behind the batch's rows from now on."""
        ...
