"""Prompts and targets → token ids, so that training reads what asking will show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.core.errors import DataError
from harness.core.requests import Messages
from harness.models.encoding.answer_turn import span_of
from harness.models.encoding.chat_template import Chat, ChatError, ensure_template
from harness.models.encoding.text_encoder import text_encoder


class PromptEncoder:
    """Prompt and target as one row of a causal model, or as two of a sequence-to-sequence one.

    Args:
        tokenizer: gets the plain chat template when `chats` and it has none.
        limit: longest row.
    """

    def __init__(self, tokenizer: Any, limit: int, *, chats: bool) -> None:
        if chats:
            ensure_template(tokenizer)
        self._tokenizer = tokenizer
        self._limit = limit
        self._encoder = text_encoder(tokenizer)
        self._chat = Chat(self._encoder)

    def row(self, prompt: str, messages: Messages, target: str) -> tuple[list[int], list[int]]:
        """The tokens before the target, special ones included, and the target's, its end included.

        What is too long loses the beginning of its prompt, then the end of its target.

        Raises:
            DataError: when the template refuses the messages, or nothing is left of the target.
        """
        before, after, closed = self._messages(messages, target) if messages else (*self._text(prompt, target), False)
        end = self._tokenizer.eos_token_id
        after = [*after, end] if end is not None and not closed else after
        before = [*self._encoder.prefix, *before] if not messages else before
        if not before:
            start = self._encoder.prefix_id
            before = [] if start is None else [start]
        after = after[: self._limit - 1]
        room = self._limit - len(after)
        if len(before) > room:
            kept = len(self._encoder.prefix) if not messages else 0
            before = [*before[:kept], *before[len(before) - room + kept :]]
        if not after:
            raise DataError("an example's target is empty.", hint="drop rows without an answer.")
        return before, after

    def sides(self, prompt: str, target: str) -> tuple[list[int], list[int]]:
        """Source and target of a sequence-to-sequence model, each with its special tokens, cut from the right."""
        room = self._encoder.room(self._limit)
        source, written = self._encoder.plain([prompt, target])
        return self._encoder.wrap(source[:room]), self._encoder.wrap(written[:room])

    def _text(self, prompt: str, target: str) -> tuple[list[int], list[int]]:
        """Tokens of both, cut where the target begins: the text is tokenized as a whole, as it is asked."""
        pieces = self._encoder.pieces([prompt + target])[0]
        length = len(prompt)
        cut = next((place for place, (_, end) in enumerate(pieces.offsets) if end > length), len(pieces.ids))
        return pieces.ids[:cut], pieces.ids[cut:]

    def _messages(self, messages: Messages, target: str) -> tuple[list[int], list[int], bool]:
        """Tokens before the answer, those of the answer and its turn's end, and whether a special token closes it."""
        try:
            turn = self._chat.answered(messages, target)
        except ChatError as error:
            raise DataError(f"{error}.", hint="let turns alternate between user and assistant.") from error
        pieces = self._chat.pieces(turn.text)
        first, _ = span_of(pieces.offsets, turn)
        return pieces.ids[:first], pieces.ids[first:], turn.closed


def has_messages(examples: Sequence[Any]) -> bool:
    """Whether any example is a conversation."""
    return any(example.messages for example in examples)
