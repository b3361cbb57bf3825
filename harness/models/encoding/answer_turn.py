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

from harness.models.encoding.common_beginning import common_beginning
from harness.text.thoughts import PAIRS

_SPACE = re.compile(r"\s+")
_MARKS = re.compile("|".join([*(re.escape(mark) for pair in PAIRS for mark in pair), r"\s+"]))
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
        learned: where it begins for training: an empty thought that the template writes and the prompt does not hold
            is to be written by the model.
        end: where it ends.
        closed: whether the turn is closed by a special token, which `text` then ends with.
    """

    text: str
    begin: int
    learned: int
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
    length = common_beginning([before, whole])
    end = len(whole) - len(after) if whole.endswith(after) else len(whole)
    if length >= end or not whole[length:end].strip():
        return None
    begin = _begin(prompt, whole[:end], length, answer)
    learned = _learned(prompt, whole, begin)
    closing = special.search(whole, end) if special is not None else None
    if closing is not None:
        return AnswerTurn(whole[: closing.end()], begin, learned, end, True)
    return AnswerTurn(whole.rstrip() if whole[end:].strip() else whole[:end], begin, learned, end, False)


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
    length, end = common_beginning([before, whole]), len(whole) - len(after)
    if not whole.endswith(after) or length >= end or not whole[length:end].strip():
        return None
    begin = _learned(prompt, whole, _begin(prompt, whole[:end], length, answer))
    return begin, end + _shared_end(alone.text[alone.end :], whole[end:])


def _begin(prompt: str, written: str, length: int, answer: str) -> int:
    """Where an answer begins that ends with `written`; `length` is what answers share of a conversation.

    The prompt may hold the answer's beginning (a thought that it opens); what answers share may be more than the
    prompt (the frame of a template without a generation prompt), or part of the answer (a thought that it opens).
    """
    rest = written[len(prompt) :] if written.startswith(prompt) else ""
    if rest.strip() and _SPACE.sub("", answer).endswith(_SPACE.sub("", rest)):
        return len(prompt)
    return length


def _learned(prompt: str, whole: str, begin: int) -> int:
    """Where an answer begins together with the marks of a thought between the prompt and it."""
    between = whole[len(prompt) : begin] if whole.startswith(prompt) else ""
    return len(prompt) if between.strip() and not _MARKS.sub("", between) else begin


def _shared_end(closing: str, rest: str) -> int:
    """Length of what closes the turn alone and in its place, in whole words."""
    length = common_beginning([closing, rest])
    return length if length == len(closing) else len(closing[:length].rpartition("\n")[0])


def first_token(offsets: Sequence[tuple[int, int]], begin: int) -> int:
    """The first token behind a place in the text, by the offsets of tokens; one that overlaps it counts."""
    return next((place for place, (_, end) in enumerate(offsets) if end > begin), len(offsets))


def span_of(offsets: Sequence[tuple[int, int]], turn: AnswerTurn) -> tuple[int, int]:
    """The answer's tokens [first, last), by the offsets of a turn's tokens."""
    count = len(offsets)
    first = first_token(offsets, turn.begin)
    last = next((place for place in range(first, count) if offsets[place][0] >= turn.end), count)
    return first, last
