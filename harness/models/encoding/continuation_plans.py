"""Where a context ends and its continuations begin, in tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.core.requests import Continuations, Failure
from harness.models.encoding.chat_template import Chat, ChatError
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
        context, prefix = request.context, encoder.prefix
        if request.messages:
            try:
                context, options = _after_messages(chat, request)
            except ChatError as error:
                yield owner, Failure("error", str(error))
                continue
            prefix = ()
        else:
            options = [next(pieces) for _ in request.options]
        if not all(request.options):
            yield owner, Failure("no_token", "an option is empty")
        else:
            whole = chat.pieces if request.messages else None
            yield owner, _plan(encoder, context, options, prefix, limit, owner, whole)


def _after_messages(chat: Chat, request: Continuations) -> tuple[str, list[Pieces]]:
    """The rendered prompt, and the tokens of it with each option.

    Raises:
        ChatError: when there is also a context, or no template for the messages.
    """
    if request.context:
        raise ChatError("messages stand in place of a context; both were given")
    prompt = chat.prompt(request.messages)
    return prompt, [chat.pieces(prompt + chat.hide(option)) for option in request.options]


def _plan(
    encoder: TextEncoder,
    context: str,
    options: Sequence[Pieces],
    prefix: Sequence[int],
    limit: int,
    owner: int,
    rendered: Callable[[str], Pieces] | None,
) -> ContinuationPlan | Failure:
    """What each option reads and predicts, and how many tokens of context did not fit.

    Trailing white space of the context belongs to the continuation, and so does a token that
    overlaps the join. All options are scored from the earliest token that one of them changes.
    """
    join = len(context.rstrip())
    if not options:
        return Failure("no_token", "there is no option")
    # Tokenizers that trim offsets give white space at the very beginning the place (0, 0): without a context it counts.
    starts = [
        next((i for i, (_, end) in enumerate(piece.offsets) if end > join or not join), len(piece.ids))
        for piece in options
    ]
    if any(start == len(piece.ids) for start, piece in zip(starts, options, strict=True)):
        # A normalizer that joins characters across the border (a letter and its accent) gives the letter's place.
        alone = rendered(context).ids if rendered is not None else encoder.plain([context])[0]
        starts = [min(start, _changed(alone, piece.ids)) for start, piece in zip(starts, options, strict=True)]
    if any(start == len(piece.ids) for start, piece in zip(starts, options, strict=True)):
        return Failure("no_token", "an option has no token of its own")
    first = min(_common([piece.ids for piece in options]), *starts)
    head = list(prefix)
    if not head and first == 0:
        if encoder.prefix_id is None:
            return Failure("no_token", "the context is empty and the tokenizer has neither BOS nor EOS")
        head = [encoder.prefix_id]
    longest = max(len(piece.ids) - first for piece in options)
    excess = max(0, len(head) + first + longest - 1 - limit)
    if excess > first or (excess == first and not head):
        return Failure("too_long", f"a continuation of {longest} tokens does not fit into {limit}")
    trunk = [*head, *options[0].ids[excess:first]]
    return ContinuationPlan(owner, trunk, [piece.ids[first:] for piece in options], excess)


def _changed(context: Sequence[int], whole: Sequence[int]) -> int:
    """The first token that the context would not have on its own; the number of tokens when there is none."""
    if not whole or list(context) == list(whole):
        return len(whole)
    return min(_common([context, whole]), len(whole) - 1)


def _common(lists: Sequence[Sequence[int]]) -> int:
    """Length of the longest common beginning."""
    for index, column in enumerate(zip(*lists, strict=False)):
        if len(set(column)) > 1:
            return index
    return min(map(len, lists))
