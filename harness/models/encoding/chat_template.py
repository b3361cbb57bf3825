"""Messages → one prompt, by the model's chat template.

What the template writes may be special tokens; what stands in a message is text, also where it
spells a special token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.core.digests import digest
from harness.core.errors import CheckpointError
from harness.core.requests import ChatForm, Messages
from harness.models.encoding.answer_turn import AnswerTurn, answer_turn, earlier_answer
from harness.models.encoding.template_clock import STATED_TIME, at_stated_time, reads_clock
from harness.models.encoding.text_encoder import Pieces, TextEncoder
from harness.models.encoding.thought_reader import ThoughtReader, thought_reader
from harness.text.bounded import BoundExceeded, bounded

_SAMPLE = (("user", "one"), ("assistant", "two"), ("user", "three"))
_MARKS = range(0xF0000, 0xFFFFE)
"""Private characters that stand for special tokens spelled in messages while the template runs."""
PLAIN_FORM = ChatForm()
_SAYS = {"assistant": "answer"}
_PARTS = "its chat template takes messages as lists of parts; they are given so"
_FOLDED = "its chat template has no system role: a system message is put before the first user message"
_LEFT_OUT = "its chat template has no system role: the system message is left out, as lm-evaluation-harness does"
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

    @cached_property
    def thoughts(self) -> ThoughtReader:
        """Tells the model's thoughts from its answers."""
        return thought_reader(self._encoder)

    def prompt(self, messages: Messages, form: ChatForm = PLAIN_FORM) -> str:
        """The prompt with the generation prompt at its end; special tokens in messages are marked.

        Raises:
            ChatError: without a template, or when the template refuses the messages.
        """
        return self._render(messages, None, form)

    def beginning(self, prompt: str, form: ChatForm) -> tuple[int, ...]:
        """The tokens before those of a prompt: where the template's text is a text like any other, a missing BOS."""
        first = str(self._encoder.tokenizer.bos_token or "")
        return self._encoder.prefix if form.as_text and not (first and prompt.startswith(first)) else ()

    def answered(self, messages: Messages, answer: str, form: ChatForm = PLAIN_FORM) -> AnswerTurn:
        """The conversation with an answer, and where that stands; special tokens in messages are marked.

        Raises:
            ChatError: as `prompt`, and when the template does not write the answer.
        """
        turn = answer_turn(lambda text: self._render(messages, text, form), self.hide(answer), self._special)
        if turn is None:
            raise ChatError("the chat template does not write the assistant's answer exactly once")
        return turn

    def answers(
        self, messages: Messages, answer: str, form: ChatForm = PLAIN_FORM
    ) -> tuple[AnswerTurn, list[tuple[int, int]]]:
        """The conversation with its last answer, and where the assistant's earlier turns stand in it.

        An earlier turn is where its answer begins and where the end of the turn ends. One that the template does not
        write (a thought that is over) is left out.

        Raises:
            ChatError: as `answered`.
        """
        last = self.answered(messages, answer, form)
        whole = (*messages, ("assistant", answer))
        places = [place for place, turn in enumerate(messages) if turn[0] == "assistant" and turn[1].strip()]
        spans = (self._earlier(whole, place, form) for place in places)
        return last, [span for span in spans if span is not None]

    def _earlier(self, whole: Messages, place: int, form: ChatForm) -> tuple[int, int] | None:
        content, given = self.hide(whole[place][1]), self._given(form)
        turns = [self._marked(turn) for turn in whole]

        def render(text: str | None) -> str:
            if text is None:
                return self._formed(turns[:place], given, prompt=True)
            changed = _Turn("assistant", text, turns[place].more)
            return self._formed([*turns[:place], changed, *turns[place + 1 :]], given, prompt=False)

        return earlier_answer(render, content, self.answered(whole[:place], whole[place][1], form))

    @cached_property
    def turn_end(self) -> int | None:
        """The special token by which the template closes an assistant's turn; None without one."""
        try:
            turn = self.answered((("user", "Hello."),), "Hello.")
        except ChatError:
            return None
        ids = self.pieces(turn.text).ids
        return ids[-1] if turn.closed and ids else None

    def _render(self, messages: Messages, answer: str | None, form: ChatForm) -> str:
        """The prompt for an answer, or with one the finished conversation; `answer` is marked already."""
        if not self.available and not form.default_template:
            raise ChatError("the tokenizer has no chat template")
        turns = [self._marked(turn) for turn in messages]
        turns += [_Turn("assistant", answer, {})] if answer is not None else []
        return self._formed(turns, self._given(form), prompt=answer is None, as_text=form.as_text)

    def _marked(self, turn: Sequence[str]) -> _Turn:
        """A message with the special tokens in its texts marked."""
        role, content, *more = turn
        return _Turn(role, self.hide(content), self._hidden(json.loads(more[0])) if more else {})

    def _hidden(self, value: Any) -> Any:
        """A JSON value with the special tokens in its texts marked."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self._hidden(item) for item in value]
        if isinstance(value, dict):
            return {name: self._hidden(item) for name, item in value.items()}
        return value

    def _given(self, form: ChatForm) -> dict[str, object]:
        """What the template is rendered with, beside the messages."""
        tokenizer = self._encoder.tokenizer
        tools = self._hidden(json.loads(form.tools)) if form.tools else None
        given: dict[str, object] = {**json.loads(form.variables)} if form.variables else {}
        if self.available:
            template = tokenizer.get_chat_template(tools=tools) if tools else tokenizer.get_chat_template()
        else:
            template = form.default_template
        return {**given, "chat_template": at_stated_time(template), **({"tools": tools} if tools else {})}

    def _formed(
        self, turns: Sequence[_Turn], given: Mapping[str, object], *, prompt: bool, as_text: bool = False
    ) -> str:
        """The conversation in the first form of which the template drops nothing; `told` says which, if not the plain.

        As a text (`ChatForm.as_text`) it is what the template makes of it.

        Raises:
            ChatError: when the template refuses every form, or drops a message in each that it takes.
            CheckpointError: when the template takes too long, or too much memory.
        """
        refused: Exception | None = None
        dropped: str | None = None
        for conversation, said in _lm_eval_forms(turns) if as_text else _forms(turns):
            try:
                with bounded("the chat template"):
                    rendered = str(
                        self._encoder.tokenizer.apply_chat_template(
                            conversation, tokenize=False, add_generation_prompt=prompt, **given
                        )
                    )
            except BoundExceeded as error:
                raise CheckpointError(f"{error}.", hint="fix or remove the checkpoint's chat template.") from error
            except Exception as error:  # the template is code of the checkpoint: it may raise anything
                refused = refused or error
                continue
            wanted = () if as_text else _wanted(turns, given)
            lost = next((what for what, texts in wanted if not _holds(rendered, texts)), None)
            if lost is None:
                self.told.update([said] if said else [])
                return rendered
            dropped = dropped or lost
        if dropped is not None:
            raise ChatError(f"the chat template does not write {dropped}")
        raise ChatError(f"the chat template refuses the messages: {refused}") from refused

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


@dataclass(frozen=True, slots=True)
class _Turn:
    """A message; `more` is what it holds beside role and content."""

    role: str
    content: str
    more: Mapping[str, object]

    def as_text(self) -> dict[str, object]:
        return {"role": self.role, "content": self.content, **self.more}

    def as_parts(self) -> dict[str, object]:
        return {"role": self.role, "content": [{"type": "text", "text": self.content}], **self.more}


def _forms(turns: Sequence[_Turn]) -> Iterator[tuple[list[dict[str, object]], str | None]]:
    """The forms in which templates take a conversation, the plain one first, and what is said of each."""
    folded = _without_system(turns)
    for told, said in ((turns, None), *([(folded, _FOLDED)] if folded is not None else [])):
        yield [turn.as_text() for turn in told], said
        yield [turn.as_parts() for turn in told], _PARTS if said is None else said


def _lm_eval_forms(turns: Sequence[_Turn]) -> Iterator[tuple[list[dict[str, object]], str | None]]:
    """The same for lm-evaluation-harness, which leaves system messages out where the template refuses them."""
    yield [turn.as_text() for turn in turns], None
    if any(turn.role == "system" for turn in turns):
        yield [turn.as_text() for turn in turns if turn.role != "system"], _LEFT_OUT


def _without_system(turns: Sequence[_Turn]) -> list[_Turn] | None:
    """The turns with a leading system message put before the first user message; None without one."""
    if len(turns) < 2 or turns[0].role != "system" or turns[1].role != "user":
        return None
    return [_Turn("user", f"{turns[0].content}\n\n{turns[1].content}", turns[1].more), *turns[2:]]


def _wanted(turns: Sequence[_Turn], given: Mapping[str, object]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What must stand in a rendered conversation: its name, and the texts of which one is enough."""
    for turn in turns:
        what = f"the {turn.role}'s {_SAYS.get(turn.role, 'message')}"
        # White space and a thought that is over may be gone.
        yield what, (turn.content, turn.content.rpartition(_THOUGHT_END)[2])
        for name in _function_names(turn.more.get("tool_calls")):
            yield f"the {turn.role}'s tool call", (name,)
    for name in _function_names(given.get("tools")):
        yield f"the tool {name!r}", (name,)


def _function_names(tools: object) -> Iterator[str]:
    """The functions that a list of tools, or of calls of them, names."""
    for tool in tools if isinstance(tools, list) else ():
        yield str(tool.get("function", tool).get("name", ""))


def _holds(rendered: str, texts: Sequence[str]) -> bool:
    """Whether one of the texts stands in what was rendered, white space aside."""
    whole = _SPACE.sub("", rendered)
    return any(_SPACE.sub("", text) in whole for text in texts)


def _is_mark(character: str) -> bool:
    return ord(character) in _MARKS
