"""Conversations that are longer than a model's window: cut inside a message, so that the template's frame stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.core.requests import Messages
from harness.models.encoding.text_encoder import TextEncoder

_MOST_TRIES = 50
"""Text that is cut may become more tokens than were counted; each try takes away at least one."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fitted(Generic[T]):
    """A conversation that fits.

    Attributes:
        rows: its tokens, as `build` made them.
        messages: what is left of its messages.
        cut: how many tokens were taken from them.
    """

    rows: T
    messages: Messages
    cut: int


def fitted(
    messages: Messages, build: Callable[[Messages], T], excess_of: Callable[[T], int], encoder: TextEncoder
) -> Fitted[T] | None:
    """The conversation, cut where it must be; None where no cut makes it fit.

    The longest message loses its beginning, as the question usually stands at the end; system messages come last.

    Args:
        messages: the conversation.
        build: puts messages through the template.
        excess_of: how many tokens of what was built do not fit.
        encoder: counts the tokens of a message.
    """
    cut = 0
    for _ in range(_MOST_TRIES):
        rows = build(messages)
        excess = excess_of(rows)
        if excess <= 0:
            return Fitted(rows, messages, cut)
        shorter = _shortened(messages, excess, encoder)
        if shorter is None:
            return None
        messages, lost = shorter
        cut += lost
    return None


def _shortened(messages: Messages, excess: int, encoder: TextEncoder) -> tuple[Messages, int] | None:
    """The messages with at most `excess` tokens less, and how many; every message keeps a token."""
    offsets = [piece.offsets for piece in encoder.pieces([turn[1] for turn in messages])]
    place = max(range(len(messages)), key=lambda place: (messages[place][0] != "system", len(offsets[place])))
    if len(offsets[place]) < 2:
        place = max(range(len(messages)), key=lambda place: len(offsets[place]))
    lost = min(excess, len(offsets[place]) - 1)
    if lost < 1:
        return None
    role, text, *more = messages[place]
    kept = text[offsets[place][lost][0] :].lstrip()
    if not kept or kept == text:
        return None
    return (*messages[:place], (role, kept, *more), *messages[place + 1 :]), lost
