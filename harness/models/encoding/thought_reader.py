"""Written tokens → thought and answer, by the marks that a tokenizer and its template know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.models.encoding.text_encoder import TextEncoder
from harness.text.thoughts import THINK, Pair, SplitText, marks_in, split_thought

_WINDOW = 16
"""Tokens at the end of a text in which a mark or a stop string is looked for, beside those that it can be long."""


@dataclass(frozen=True, slots=True)
class ThoughtReader:
    """How one model's thoughts are told from its answers.

    Attributes:
        encoder: decodes tokens.
        pairs: the marks that count.
        special: tokens that are marks, or parts of one, and left out of decoded texts: id → name.
        known: whether the tokenizer or its template knows marks; then white space may come before a thought.
        opened: whether the prompt opens a thought.
    """

    encoder: TextEncoder
    pairs: tuple[Pair, ...]
    special: dict[int, str]
    known: bool
    opened: bool = False

    def behind(self, prompt: str) -> ThoughtReader:
        """The reader of what is written behind a prompt."""
        return replace(self, opened=prompt.rstrip().endswith(tuple(mark for mark, _ in self.pairs)))

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; of special ones only the marks."""
        if self.special.keys().isdisjoint(tokens):
            return self.encoder.decode(tokens)
        parts: list[str] = []
        start = 0
        for place, token in enumerate(tokens):
            if token in self.special:
                parts += [self.encoder.decode(tokens[start:place]), self.special[token]]
                start = place + 1
        return "".join([*parts, self.encoder.decode(tokens[start:])])

    def split(self, tokens: Sequence[int]) -> SplitText:
        """Thought and answer of written tokens."""
        return split_thought(self.decode(tokens), self.pairs, opened=self.opened)

    def answer_start(self, tokens: Sequence[int]) -> int | None:
        """The first token of the answer, as far as tokens are written; None while that is open.

        To be asked after every token: only the end of a long thought is looked at.
        """
        if len(tokens) <= _WINDOW:
            head = self.decode(tokens).lstrip()
            may_think = any(mark.startswith(head) or head.startswith(mark) for mark, _ in self.pairs)
            if not self.opened and not (may_think and (head or self.known)):
                return 0
        window = _WINDOW + max(len(mark) for pair in self.pairs for mark in pair)
        tail = self.decode(tokens[-window:])
        return len(tokens) if any(close in tail for _, close in self.pairs) else None


def thought_reader(encoder: TextEncoder) -> ThoughtReader:
    """The reader of a tokenizer's thoughts."""
    tokenizer = encoder.tokenizer
    added = {int(number): token for number, token in tokenizer.added_tokens_decoder.items()}
    texts = [str(tokenizer.chat_template or ""), *map(str, added.values())]
    pairs = marks_in(*texts)
    marks = [mark for pair in pairs for mark in pair]
    special = {
        number: str(token)
        for number, token in added.items()
        if token.special and any(str(token) in mark for mark in marks)
    }
    known = len(pairs) > 1 or any(THINK[1] in text for text in texts)
    return ThoughtReader(encoder, pairs, special, known)
