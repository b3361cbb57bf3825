"""A question and a long context → overlapping windows, learned and asked alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.core.errors import DataError
from harness.core.examples import AnswerSpan
from harness.models.encoding.row_encoder import TYPES, HeadRow, RowEncoder
from harness.models.encoding.text_encoder import Pieces, TextEncoder

OVERLAP = 128
"""Tokens that two neighboring windows share, at most half of a window."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One row of a question and a part of the context.

    Attributes:
        first: index of the part's first token in the context.
        begin: where that token stands in the row.
        size: tokens of the part.
        null: whether a special token stands first, for "no answer".
    """

    row: HeadRow
    first: int
    begin: int
    size: int
    null: bool


def windows_of(
    rows: RowEncoder, question: list[int], context: list[int], max_length: int | None, owner: int = 0
) -> tuple[list[Window], int] | None:
    """The windows of a context, and how many tokens of the question did not fit; None where nothing fits.

    The question is cut from the right to half of the room, or to what the whole context leaves where that is more.
    """
    room = len(question) + len(context) if max_length is None else max_length - rows.pairs.specials
    if room < 1:
        return None
    kept = min(len(question), max(room // 2, room - len(context)))
    size = room - kept
    if size < 1:
        return None
    step = size - min(OVERLAP, size // 2)
    windows = []
    start = 0
    while True:
        part = context[start : start + size]
        row = rows.pair(question[:kept], part, None)
        second = rows.pairs.second(kept)
        windows.append(Window(HeadRow(row.ids, owner, row.types), start, second, len(part), rows.pairs.prefixed))
        if start + size >= len(context):
            return windows, len(question) - kept
        start += step


def learned_windows(encoder: TextEncoder, examples: Sequence[AnswerSpan], limit: int) -> Iterator[dict[str, list[int]]]:
    """Rows of question and window as they are asked, with the tokens at which the answer begins and ends.

    Raises:
        DataError: when an answer does not stand where the example says, or nothing fits `limit`.
    """
    rows = RowEncoder(encoder)
    questions = encoder.plain([example.question for example in examples])
    contexts = encoder.pieces([example.context for example in examples])
    for example, question, context in zip(examples, questions, contexts, strict=True):
        planned = windows_of(rows, question, context.ids, limit)
        if planned is None:
            raise DataError(f"a max_length of {limit} leaves no room for a context.", hint="set a higher one.")
        span = _tokens(example, context)
        for window in planned[0]:
            begin = end = 0
            if span is not None and window.first <= span[0] and span[1] < window.first + window.size:
                begin, end = (window.begin + place - window.first for place in span)
            row = {"input_ids": window.row.ids, "first": [begin], "last": [end]}
            yield row if window.row.types is None else {**row, TYPES: window.row.types}


def _tokens(example: AnswerSpan, context: Pieces) -> tuple[int, int] | None:
    """The answer's first and last token; None where there is no answer."""
    if not example.answers:
        return None
    start, text = example.answers[0]
    if not text or example.context[start : start + len(text)] != text:
        raise DataError(
            f"the answer {text[:40]!r} is not at character {start} of its context.",
            hint="correct `start` in the data.",
        )
    inside = [place for place, (low, high) in enumerate(context.offsets) if high > start and low < start + len(text)]
    return (inside[0], inside[-1]) if inside else None
