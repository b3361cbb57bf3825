"""Prompts and targets → token ids, so that training reads what asking will show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.core.errors import DataError
from harness.core.examples import PreferencePair, PromptTarget
from harness.core.requests import ChatForm, Messages
from harness.models.encoding.answer_turn import first_token
from harness.models.encoding.chat_template import PLAIN_FORM, Chat, ChatError
from harness.models.encoding.message_cuts import fitted
from harness.models.encoding.text_encoder import text_encoder
from harness.text.conversations import PLAIN_TEMPLATE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class PromptEncoder:
    """Prompt and target as one row of a causal model, or as two of a sequence-to-sequence one.

    Args:
        tokenizer: gets `template` when it has no chat template.
        limit: longest row.
        template: of `template_for`; None where no example is a conversation.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, limit: int, *, template: str | None) -> None:
        if template is not None and not tokenizer.chat_template:
            tokenizer.chat_template = template
        self._tokenizer = tokenizer
        self._limit = limit
        self._encoder = text_encoder(tokenizer)
        self._chat = Chat(self._encoder)

    def learned(self, example: PromptTarget) -> tuple[list[int], list[bool]]:
        """The tokens of an example, and which of them are learned.

        A conversation of several turns that is too long loses its oldest exchanges.

        Raises:
            DataError: as `row`.
        """
        messages = example.messages
        while example.every_answer:
            ids, mask = self._conversation(messages, example.target, example.form)
            shorter = _without_oldest(messages)
            if len(ids) <= self._limit:
                return ids, mask
            if shorter is None:
                break
            messages = shorter
        before, after = self.row(example.prompt, messages, example.target, example.form)
        return [*before, *after], [False] * len(before) + [True] * len(after)

    def row(
        self, prompt: str, messages: Messages, target: str, form: ChatForm = PLAIN_FORM
    ) -> tuple[list[int], list[int]]:
        """The tokens before the target, special ones included, and the target's, its end included.

        What is too long loses the beginning of its prompt (a conversation that of its longest message, so that the
        template's frame stays), then the end of its target.

        Raises:
            DataError: when the template refuses the messages, or nothing is left of the target.
        """
        if messages:
            before, after, closed = self._fitted(messages, target, form)
        else:
            before, after, closed = (*self._text(prompt, target), False)
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

    def _fitted(self, messages: Messages, target: str, form: ChatForm) -> tuple[list[int], list[int], bool]:
        """As `_messages`, the messages cut where the row is too long, and the target is not so by itself."""

        def build(turns: Messages) -> tuple[list[int], list[int], bool]:
            return self._messages(turns, target, form)

        def excess(made: tuple[list[int], list[int], bool]) -> int:
            return len(made[0]) + min(len(made[1]) + (not made[2]), self._limit - 1) - self._limit

        fit = fitted(messages, build, excess, self._encoder)
        return build(messages) if fit is None else fit.rows

    def _messages(self, messages: Messages, target: str, form: ChatForm) -> tuple[list[int], list[int], bool]:
        """Tokens before the answer, those of the answer and its turn's end, and whether a special token closes it."""
        with _told():
            turn = self._chat.answered(messages, target, form)
        pieces = self._chat.pieces(turn.text)
        first = first_token(pieces.offsets, turn.learned)
        return pieces.ids[:first], pieces.ids[first:], turn.closed

    def _conversation(self, messages: Messages, target: str, form: ChatForm) -> tuple[list[int], list[bool]]:
        """Tokens of a whole conversation, and which are an answer of the assistant or the end of its turn."""
        with _told():
            turn, earlier = self._chat.answers(messages, target, form)
        pieces = self._chat.pieces(turn.text)
        first = first_token(pieces.offsets, turn.learned)
        mask = [place >= first for place in range(len(pieces.ids))]
        stop = self._tokenizer.eos_token_id
        for begin, end in earlier:
            for place, (low, high) in enumerate(pieces.offsets):
                # Without a closing token the last answer ends with EOS, and so does an earlier one that has it.
                ends = not turn.closed and low == end and pieces.ids[place] == stop
                mask[place] = mask[place] or ends or (high > begin and low < end)
        return (pieces.ids, mask) if turn.closed or stop is None else ([*pieces.ids, stop], [*mask, True])


@contextmanager
def _told() -> Iterator[None]:
    """What a template refuses, as an error of the data."""
    try:
        yield
    except ChatError as error:
        raise DataError(f"{error}.", hint="let turns alternate between user and assistant.") from error


def _without_oldest(messages: Messages) -> Messages | None:
    """The conversation without its first exchange, system messages kept; None where only the last one is left."""
    answers = [place for place, turn in enumerate(messages) if turn[0] == "assistant"]
    users = [place for place, turn in enumerate(messages) if turn[0] == "user"]
    later = [place for place in users if answers and place > answers[0]]
    if not later:
        return None
    kept = (turn for turn in messages[: users[0]] if turn[0] in ("system", "developer"))
    return (*kept, *messages[later[0] :])


def template_for(examples: Iterable[PromptTarget | PreferencePair]) -> str | None:
    """The chat template of tokenizers without one, as the first conversation says it; None where there is none."""
    forms = (example.form for example in examples if example.messages)
    return next((form.default_template or PLAIN_TEMPLATE for form in forms), None)
