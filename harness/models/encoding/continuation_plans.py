"""Where a context ends and its continuations begin, in tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.core.requests import Continuations, Failure, Messages
from harness.models.encoding.answer_turn import span_of
from harness.models.encoding.chat_template import Chat, ChatError
from harness.models.encoding.common_beginning import common_beginning
from harness.models.encoding.message_cuts import fitted
from harness.models.encoding.text_encoder import Pieces, TextEncoder

_NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class ContinuationPlan:
    """One request, tokenized.

    Attributes:
        owner: which request.
        trunk: what is read before the first scored token, special tokens included.
        branches: the scored tokens of each option.
        cut: tokens of the context that did not fit.
    """

    owner: int
    trunk: list[int]
    branches: list[list[int]]
    cut: int


def continuation_plans(
    encoder: TextEncoder, chat: Chat, max_length: int | None, requests: Sequence[Continuations]
) -> Iterator[tuple[int, ContinuationPlan | Failure]]:
    """Each request by its number, tokenized; or why it cannot be scored."""
    plain = [request for request in requests if not request.messages]
    pieces = iter(encoder.pieces([request.context + option for request in plain for option in request.options]))
    limit = max_length or _NO_LIMIT
    for owner, request in enumerate(requests):
        options = [] if request.messages else [next(pieces) for _ in request.options]
        if not all(request.options):
            yield owner, Failure("no_token", "an option is empty")
        elif not request.options:
            yield owner, Failure("no_token", "there is no option")
        elif request.messages and request.context:
            yield owner, Failure("error", "messages stand in place of a context; both were given")
        elif request.messages:
            yield owner, _in_conversation(encoder, chat, request, limit, owner)
        else:
            asked = _Asked(request.context, options, encoder.prefix, encoder.plain)
            yield owner, _plan(encoder, asked, limit, owner)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A context as text, and the tokens of the whole text with each option.

    Attributes:
        context: what goes before an option.
        options: context and option as one text.
        prefix: special tokens before it.
        tokens: of texts, without special tokens before them.
    """

    context: str
    options: Sequence[Pieces]
    prefix: Sequence[int]
    tokens: Callable[[Sequence[str]], list[list[int]]]


def _in_conversation(
    encoder: TextEncoder, chat: Chat, request: Continuations, limit: int, owner: int
) -> ContinuationPlan | Failure:
    """The options behind messages, which are cut where they do not fit."""
    try:
        return (_behind_prompt if request.form.as_text else _answers)(encoder, chat, request, limit, owner)
    except ChatError as error:
        return Failure("error", str(error))


def _answers(
    encoder: TextEncoder, chat: Chat, request: Continuations, limit: int, owner: int
) -> ContinuationPlan | Failure:
    """The options as answers in a conversation: the tokens that the template writes behind those of its prompt."""

    def rows(messages: Messages) -> list[tuple[list[int], int]]:
        made = []
        for option in request.options:
            turn = chat.answered(messages, option, request.form)
            pieces = chat.pieces(turn.text)
            first, last = span_of(pieces.offsets, turn)
            made.append((pieces.ids[:last], first))
        return made

    # The last token of an option is only predicted.
    fit = fitted(request.messages, rows, lambda made: max(len(row) for row, _ in made) - 1 - limit, encoder)
    if fit is None:
        return _too_long(limit)
    planned = _branched(encoder, [row for row, _ in fit.rows], [first for _, first in fit.rows], (), limit, owner)
    return planned if isinstance(planned, Failure) else replace(planned, cut=fit.cut)


def _behind_prompt(
    encoder: TextEncoder, chat: Chat, request: Continuations, limit: int, owner: int
) -> ContinuationPlan | Failure:
    """The options right behind the generation prompt, as if that were any text (`ChatForm.as_text`)."""

    def asked(messages: Messages) -> _Asked:
        prompt = chat.prompt(messages, request.form)
        wholes = [chat.pieces(prompt + chat.hide(option)) for option in request.options]
        return _Asked(prompt, wholes, chat.beginning(prompt, request.form), lambda texts: [chat.pieces(texts[0]).ids])

    def excess(made: _Asked) -> int:
        return max(len(whole.ids) for whole in made.options) + len(made.prefix) - 1 - limit

    fit = fitted(request.messages, asked, excess, encoder)
    if fit is None:
        return _too_long(limit)
    planned = _plan(encoder, fit.rows, limit, owner)
    return planned if isinstance(planned, Failure) else replace(planned, cut=fit.cut)


def _too_long(limit: int) -> Failure:
    return Failure("too_long", f"the conversation does not fit into {limit} tokens, however its messages are cut")


def _plan(encoder: TextEncoder, asked: _Asked, limit: int, owner: int) -> ContinuationPlan | Failure:
    """What each option reads and predicts, and how many tokens of context did not fit.

    Trailing white space of the context belongs to the continuation, and so does a token that
    overlaps the join.
    """
    options, join = asked.options, len(asked.context.rstrip())
    # Tokenizers that trim offsets give white space at the very beginning the place (0, 0): without a context it counts.
    starts = [
        next((i for i, (_, end) in enumerate(piece.offsets) if end > join or not join), len(piece.ids))
        for piece in options
    ]
    if any(start == len(piece.ids) for start, piece in zip(starts, options, strict=True)):
        # A normalizer that joins characters across the border (a letter and its accent) gives the letter's place.
        alone = asked.tokens([asked.context])[0]
        starts = [min(start, _changed(alone, piece.ids)) for start, piece in zip(starts, options, strict=True)]
    return _branched(encoder, [piece.ids for piece in options], starts, asked.prefix, limit, owner)


def _branched(
    encoder: TextEncoder,
    rows: Sequence[list[int]],
    starts: Sequence[int],
    prefix: Sequence[int],
    limit: int,
    owner: int,
) -> ContinuationPlan | Failure:
    """Whole rows of tokens, each with the place of its option: all are scored from the earliest one that differs."""
    if any(start >= len(row) for start, row in zip(starts, rows, strict=True)):
        return Failure("no_token", "an option has no token of its own")
    first = min(common_beginning(rows), *starts)
    head = list(prefix)
    if not head and first == 0:
        if encoder.prefix_id is None:
            return Failure("no_token", "the context is empty and the tokenizer has neither BOS nor EOS")
        head = [encoder.prefix_id]
    longest = max(len(row) - first for row in rows)
    excess = max(0, len(head) + first + longest - 1 - limit)
    if excess > first or (excess == first and not head):
        return Failure("too_long", f"a continuation of {longest} tokens does not fit into {limit}")
    trunk = [*head, *rows[0][excess:first]]
    return ContinuationPlan(owner, trunk, [row[first:] for row in rows], excess)


def _changed(context: Sequence[int], whole: Sequence[int]) -> int:
    """The first token that the context would not have on its own; the number of tokens when there is none."""
    if not whole or list(context) == list(whole):
        return len(whole)
    return min(common_beginning([context, whole]), len(whole) - 1)
