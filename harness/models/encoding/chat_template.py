"""Messages → one prompt, by the model's chat template.

What the template writes may be special tokens; what stands in a message is text, also where it
spells a special token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from harness.core.digests import digest
from harness.models.encoding.answer_turn import AnswerTurn, answer_turn
from harness.models.encoding.template_clock import STATED_TIME, at_stated_time, reads_clock
from harness.models.encoding.text_encoder import Pieces, TextEncoder

Messages = Sequence[tuple[str, str]]
_SAMPLE = (("user", "one"), ("assistant", "two"), ("user", "three"))
_MARKS = range(0xF0000, 0xFFFFE)
"""Private characters that stand for special tokens spelled in messages while the template runs."""


_SAYS = {"assistant": "answer"}
_PARTS = "its chat template takes messages as lists of parts; they are given so"
_FOLDED = "its chat template has no system role: a system message is put before the first user message"
_SPACE = re.compile(r"\s+")
_THOUGHT_END = "</think>"


class ChatError(ValueError):
    """The messages cannot be put through the template; the text says why."""


class Chat:
    """A tokenizer's chat template.

    Args:
        encoder: the tokenizer; it may have no template.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        names = sorted(map(str, encoder.tokenizer.get_added_vocab()), key=len, reverse=True)
        self._names = [name for name in names if name]
        self.told: set[str] = set()
        """What is to be said of the forms in which messages were given to the template."""
        self._special = re.compile("|".join(map(re.escape, self._names))) if self._names else None

    @property
    def available(self) -> bool:
        return bool(self._encoder.tokenizer.chat_template)

    @property
    def template_digest(self) -> str | None:
        """Digest of the template; None without one."""
        template = self._encoder.tokenizer.chat_template
        return digest(template) if template else None

    @property
    def form(self) -> str | None:
        """A short conversation as the template renders it; None without one."""
        if not self.available:
            return None
        try:
            return self.prompt(_SAMPLE)
        except ChatError as error:
            return f"refused: {error}"

    @property
    def clock(self) -> str | None:
        """The time at which the template is rendered; None for one that does not ask for it."""
        reads = self.available and reads_clock(str(self._encoder.tokenizer.chat_template))
        return STATED_TIME.isoformat(" ", "minutes") if reads else None

    @property
    def notes(self) -> list[str]:
        """What a reader of the answers must know."""
        if self.clock is None:
            return []
        return [f"its chat template asks for the time: prompts are rendered as of {self.clock}"]

    def prompt(self, messages: Messages) -> str:
        """The prompt with the generation prompt at its end; special tokens in messages are marked.

        Raises:
            ChatError: without a template, or when the template refuses the messages.
        """
        return self._render(messages, None)

    def answered(self, messages: Messages, answer: str) -> AnswerTurn:
        """The conversation with an answer, and where that stands; special tokens in messages are marked.

        Raises:
            ChatError: as `prompt`, and when the template does not write the answer.
        """
        turn = answer_turn(lambda text: self._render(messages, text), self.hide(answer), self._special)
        if turn is None:
            raise ChatError("the chat template does not write the assistant's answer")
        return turn

    @cached_property
    def turn_end(self) -> int | None:
        """The special token by which the template closes an assistant's turn; None without one."""
        try:
            turn = self.answered((("user", "Hello."),), "Hello.")
        except ChatError:
            return None
        ids = self.pieces(turn.text).ids
        return ids[-1] if turn.closed and ids else None

    def _render(self, messages: Messages, answer: str | None) -> str:
        """The prompt for an answer, or with one the finished conversation; `answer` is marked already."""
        if not self.available:
            raise ChatError("the tokenizer has no chat template")
        turns = [(role, self.hide(content)) for role, content in messages]
        turns += [("assistant", answer)] if answer is not None else []
        return self._formed(turns, prompt=answer is None)

    def _formed(self, turns: Messages, *, prompt: bool) -> str:
        """The conversation in the first form of which the template drops nothing; `told` says which, if not the plain.

        Raises:
            ChatError: when the template refuses every form, or drops a message in each that it takes.
        """
        refused: Exception | None = None
        dropped: str | None = None
        for conversation, said in _forms(turns):
            try:
                rendered = self._apply(conversation, prompt=prompt)
            except Exception as error:  # the template is code of the checkpoint: it may raise anything
                refused = refused or error
                continue
            lost = next((role for role, content in turns if not _holds(rendered, content)), None)
            if lost is None:
                self.told.update([said] if said else [])
                return rendered
            dropped = dropped or lost
        if dropped is not None:
            raise ChatError(f"the chat template does not write the {dropped}'s {_SAYS.get(dropped, 'message')}")
        raise ChatError(f"the chat template refuses the messages: {refused}") from refused

    def _apply(self, conversation: Any, *, prompt: bool) -> str:
        tokenizer = self._encoder.tokenizer
        template = at_stated_time(tokenizer.get_chat_template())
        return str(
            tokenizer.apply_chat_template(
                conversation, chat_template=template, tokenize=False, add_generation_prompt=prompt
            )
        )

    def pieces(self, marked: str) -> Pieces:
        """Tokens of a prompt (and of text after it that went through `hide`), with offsets.

        Offsets count in `marked`.
        """
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        words: list[int] = []
        whole = self._encoder.canonical(marked)
        if not any(_is_mark(character) for character in marked):
            return Pieces(list(whole.ids), list(whole.offsets), [0] * len(whole.ids))
        for start, text, special in self._parts(marked):
            piece = self._special_piece(text) if special else self._text_piece(text)
            ids.extend(piece.ids)
            offsets.extend((start + low, start + high) for low, high in piece.offsets)
            words.extend([0] * len(piece.ids))
        return Pieces(ids, offsets, words)

    def hide(self, text: str) -> str:
        """Marks special tokens that a text spells."""
        cleaned = self._encoder.clean(text)
        if self._special is None:
            return cleaned
        return self._special.sub(lambda match: chr(_MARKS.start + self._names.index(match.group())), cleaned)

    def _parts(self, marked: str) -> list[tuple[int, str, bool]]:
        parts, end = [], 0
        for match in self._special.finditer(marked) if self._special is not None else ():
            parts.append((end, marked[end : match.start()], False))
            parts.append((match.start(), match.group(), True))
            end = match.end()
        parts.append((end, marked[end:], False))
        return [part for part in parts if part[1]]

    def _special_piece(self, text: str) -> Any:
        return self._encoder.canonical(text)

    def _text_piece(self, marked: str) -> Pieces:
        """Tokens of text; each mark is spelled out again, and its tokens stand at the mark."""
        spelled: list[str] = []
        origin: list[int] = []
        for place, character in enumerate(marked):
            text = self._names[ord(character) - _MARKS.start] if _is_mark(character) else character
            spelled.append(text)
            origin.extend([place] * len(text))
        origin.append(len(marked))
        piece = self._encoder.pieces(["".join(spelled)])[0]
        offsets = [(origin[low], max(origin[low] + 1, origin[high])) for low, high in piece.offsets]
        return Pieces(piece.ids, offsets, piece.words)


def _forms(turns: Messages) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
    """The forms in which templates take a conversation, the plain one first, and what is said of each."""
    folded = _without_system(turns)
    for told, said in ((turns, None), *([(folded, _FOLDED)] if folded is not None else [])):
        yield [{"role": role, "content": content} for role, content in told], said
        yield (
            [{"role": role, "content": [{"type": "text", "text": content}]} for role, content in told],
            _PARTS if said is None else said,
        )


def _without_system(turns: Messages) -> Messages | None:
    """The turns with a leading system message put before the first user message; None without one."""
    if len(turns) < 2 or turns[0][0] != "system" or turns[1][0] != "user":
        return None
    return [("user", f"{turns[0][1]}\n\n{turns[1][1]}"), *turns[2:]]


def _holds(rendered: str, content: str) -> bool:
    """Whether a message stands in what was rendered; white space and a thought that is over may be gone."""
    wanted = _SPACE.sub("", content)
    return any(text in _SPACE.sub("", rendered) for text in (wanted, wanted.rpartition(_THOUGHT_END)[2]))


def _is_mark(character: str) -> bool:
    return ord(character) in _MARKS


PLAIN = (
    "{% for message in messages %}"
    "{{ message['role'] | capitalize }}: {{ message['content'] | trim }}\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""Turns as lines of plain text: a base's tokenizer has no tokens for turns, and needs none."""


def ensure_template(tokenizer: Any) -> None:
    """Gives a tokenizer without a chat template the plain one."""
    if not getattr(tokenizer, "chat_template", None):
        tokenizer.chat_template = PLAIN
