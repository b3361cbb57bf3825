"""Where the answer stands in a conversation: told apart by rendering, for every chat template.

    <|im_start|>user\\n2 + 2?<|im_end|>\\n<|im_start|>assistant\\n  4  <|im_end|>\\n
    ─────────────── prompt ─────────────────────────────────────  ─  ── end ──

A template may put a space between the generation prompt and the answer, trim the answer, open a thought in the
generation prompt that a finished turn has not, and close a turn by a token other than the tokenizer's EOS. So nothing
is glued: the finished conversation is rendered, and a stand-in for the answer shows what the template writes around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

STAND_IN = "\U00100000"
"""A private character that no text holds, in place of the answer."""

Render = Callable[[str | None], str]
"""The conversation with an answer, or with None the prompt for one."""


@dataclass(frozen=True, slots=True)
class AnswerTurn:
    """A conversation with its answer.

    Attributes:
        text: prompt, answer and the end of its turn, as the template writes them.
        begin: where the answer begins in `text`, white space before it included that the prompt does not hold.
        end: where it ends.
        closed: whether the turn is closed by a special token, which `text` then ends with.
    """

    text: str
    begin: int
    end: int
    closed: bool


def answer_turn(render: Render, answer: str, special: re.Pattern[str] | None) -> AnswerTurn | None:
    """The finished conversation; None where the template does not write the answer.

    Args:
        render: the conversation through the template.
        answer: what the assistant says.
        special: finds the names of special tokens.
    """
    around = render(STAND_IN).split(STAND_IN)
    if len(around) != 2:
        return None
    before, after = around
    prompt, whole = render(None), render(answer)
    length = _common(before, whole)
    end = len(whole) - len(after) if whole.endswith(after) else len(whole)
    if length >= end or not whole[length:end].strip():
        return None
    gap = before[len(prompt) :]
    begin = len(prompt) if length == len(before) and before.startswith(prompt) and not gap.strip() else length
    closing = special.search(whole, end) if special is not None else None
    if closing is not None:
        return AnswerTurn(whole[: closing.end()], begin, end, True)
    return AnswerTurn(whole.rstrip() if whole[end:].strip() else whole[:end], begin, end, False)


def earlier_answer(render: Render, answer: str, alone: AnswerTurn) -> tuple[int, int] | None:
    """Where an earlier answer and the end of its turn stand in a whole conversation; None where it is not written.

    Args:
        render: the whole conversation with another answer in this turn's place; with None the prompt for this turn.
        answer: what the assistant says in it.
        alone: the conversation up to this answer, which shows what closes its turn.
    """
    around = render(STAND_IN).split(STAND_IN)
    if len(around) != 2:
        return None
    before, after = around
    prompt, whole = render(None), render(answer)
    length, end = _common(before, whole), len(whole) - len(after)
    if not whole.endswith(after) or length >= end or not whole[length:end].strip():
        return None
    gap = before[len(prompt) :]
    begin = len(prompt) if length == len(before) and before.startswith(prompt) and not gap.strip() else length
    closing = alone.text[alone.end :]
    return begin, end + len(closing) if whole.startswith(closing, end) else end


def span_of(offsets: Sequence[tuple[int, int]], turn: AnswerTurn) -> tuple[int, int]:
    """The answer's tokens [first, last), by the offsets of a turn's tokens; one that overlaps its beginning counts."""
    count = len(offsets)
    first = next((place for place, (_, end) in enumerate(offsets) if end > turn.begin), count)
    last = next((place for place in range(first, count) if offsets[place][0] >= turn.end), count)
    return first, last


def _common(first: str, other: str) -> int:
    """Length of the common beginning of two texts."""
    places = range(min(len(first), len(other)))
    return next((place for place in places if first[place] != other[place]), len(places))
