"""A question and a long context → overlapping windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.errors import DataError
from harness.core.examples import AnswerSpan
from harness.models.encoding.pair_encoder import PairEncoder
from harness.models.encoding.row_encoder import HeadRow
from harness.models.encoding.text_encoder import Pieces, TextEncoder
from harness.models.local.network import Network

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


def _windows(network: Network, question: list[int], context: list[int], owner: int) -> tuple[list[Window], int] | None:
    pairs, limit = network.pairs, network.max_length
    room = len(question) + len(context) if limit is None else limit - pairs.specials
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
        row = pairs.join(question[:kept], context[start : start + size])
        part = len(context[start : start + size])
        windows.append(Window(HeadRow(row.ids, owner, row.types), start, row.second, part, pairs.prefixed))
        if start + size >= len(context):
            return windows, len(question) - kept
        start += step


_OVERLAP = 128


def windows(encoder: TextEncoder, examples: list[AnswerSpan], limit: int) -> Iterator[dict[str, list[int]]]:
    """Rows of question and window, with the tokens at which the answer begins and ends.

    Raises:
        DataError: when an answer does not stand where the example says, or nothing fits `limit`.
    """
    pairs = PairEncoder(encoder)
    questions = encoder.plain([example.question for example in examples])
    contexts = encoder.pieces([example.context for example in examples])
    for example, question, context in zip(examples, questions, contexts, strict=True):
        room = limit - pairs.specials
        question = question[: room // 2]
        size = room - len(question)
        if size < 1:
            raise DataError(f"a max_length of {limit} leaves no room for a context.", hint="set a higher one.")
        span = _tokens(example, context)
        step = max(1, size - min(_OVERLAP, size // 2))
        for first in range(0, max(1, len(context.ids) - size + step), step):
            part = context.ids[first : first + size]
            row = pairs.join(question, part)
            begin = end = 0
            if span is not None and first <= span[0] and span[1] < first + len(part):
                begin, end = row.second + span[0] - first, row.second + span[1] - first
            yield {"input_ids": row.ids, "token_type_ids": row.types, "first": [begin], "last": [end]}


def _tokens(example: AnswerSpan, context: Pieces) -> tuple[int, int] | None:
    """The answer's first and last token; None where there is no answer."""
    if not example.answers:
        return None
    start, text = example.answers[0]
    if not text or example.context[start : start + len(text)] != text:
        raise DataError(
            f"the answer {text[:40]!r} does not stand at character {start} of its context.",
            hint="correct `start` in the data.",
        )
    inside = [place for place, (low, high) in enumerate(context.offsets) if high > start and low < start + len(text)]
    return (inside[0], inside[-1]) if inside else None
