"""What a task gives to a training stage: neutral examples that no model has touched yet.

A task that models are trained for has `examples(dataset, split)`, a sequence of examples of one of
these types. The stage picks its objective from the type and from the parent's kind:

    LabeledText     sequence classification: one label, several independent ones, or a pair of texts
    ScoredText       regression: a number for a text or a pair of texts
    SearchPair       retrieval and reranking: what a rule may count; no learner takes it yet
    TaggedWords      token classification
    AnswerSpan       extractive question answering (span head)
    PromptTarget     text after a prompt or a conversation; loss on the target alone
    PlainText        language modeling on whole texts
    PreferencePair   preference optimization

Labels stand in the order of the task's `example_labels` (left out: those of `metric_context`).
Texts are what a model shall read, templates applied, so that training and asking agree to the letter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.core.requests import LATER, ChatForm, Messages


@dataclass(frozen=True, slots=True)
class Example:
    """The base of every example type; `kind` names it in content keys and errors."""

    kind: ClassVar[str]

    def inputs(self) -> tuple[str, ...]:
        """The texts that a model reads, without what it shall answer; for overlap checks."""
        raise NotImplementedError

    def texts(self) -> tuple[str, ...]:
        """All texts, answers included; for overlap checks and for counting."""
        return self.inputs()

    def to_json(self) -> dict[str, Any]:
        """Every field and the kind (but later fields left at their default); part of content keys."""
        values: dict[str, Any] = {"kind": _KEY_NAMES.get(self.kind, self.kind)}
        for name, later, default in _fields(type(self)):
            value = getattr(self, name)
            if not (later and value == default):
                values[name] = dataclasses.asdict(value) if dataclasses.is_dataclass(type(value)) else value
        return values


_FIELDS: dict[type[Any], tuple[tuple[str, bool, Any], ...]] = {}


def _fields(example: type[Any]) -> tuple[tuple[str, bool, Any], ...]:
    """Name, whether it is a later field, and default of each field: looked up once per type, not per example."""
    if example not in _FIELDS:
        slots = dataclasses.fields(example)
        _FIELDS[example] = tuple((slot.name, bool(slot.metadata.get("later")), slot.default) for slot in slots)
    return _FIELDS[example]


# Content keys decide which rows are drawn, so a name in them outlives a change of spelling.
_KEY_NAMES = {"labeled_text": "labelled_text"}


@dataclass(frozen=True, slots=True)
class LabeledText(Example):
    """A text (or a pair of texts) and the places of its labels.

    Attributes:
        places: of its labels in the task's order: exactly one, or with `independent` any number, none included.
        pair: the second text, as `Classify.pair`.
        independent: whether each label is a yes/no question of its own (multi-label).
    """

    kind: ClassVar[str] = "labeled_text"
    text: str
    places: tuple[int, ...]
    pair: str | None = None
    independent: bool = False

    def inputs(self) -> tuple[str, ...]:
        return (self.text,) if self.pair is None else (self.text, self.pair)


@dataclass(frozen=True, slots=True)
class ScoredText(Example):
    """A text (or a pair of texts) and its number, as `Regress` asks for it."""

    kind: ClassVar[str] = "scored_text"
    text: str
    score: float
    pair: str | None = None

    def inputs(self) -> tuple[str, ...]:
        return (self.text,) if self.pair is None else (self.text, self.pair)


@dataclass(frozen=True, slots=True)
class SearchPair(Example):
    """A query and a document that answers it."""

    kind: ClassVar[str] = "search_pair"
    query: str
    document: str

    def inputs(self) -> tuple[str, ...]:
        return (self.query, self.document)


@dataclass(frozen=True, slots=True)
class TaggedWords(Example):
    """Words and one tag for each, as `Tag` asks for them (`O`, `B-person`, …)."""

    kind: ClassVar[str] = "tagged_words"
    words: tuple[str, ...]
    tags: tuple[str, ...]

    def inputs(self) -> tuple[str, ...]:
        return (" ".join(self.words),)


@dataclass(frozen=True, slots=True)
class AnswerSpan(Example):
    """A question, a context, and where in it the answer stands.

    Attributes:
        answers: (first character in `context`, text) of each accepted answer; none means that the
            context does not answer the question. The first one is learned.
    """

    kind: ClassVar[str] = "answer_span"
    question: str
    context: str
    answers: tuple[tuple[int, str], ...] = ()

    def inputs(self) -> tuple[str, ...]:
        return (self.question, self.context)


@dataclass(frozen=True, slots=True)
class PromptTarget(Example):
    """A prompt, or a conversation in its place, and the text that shall follow.

    The prompt is what `Generate.prompt` or `Continuations.context` will be, and the target follows it
    without anything in between: a space or line break that separates them belongs to one of the two.
    `messages` end with what is answered and go through the model's chat template; they must be
    empty when there is a prompt. For sequence-to-sequence models the prompt is the source.

    Attributes:
        form: what the chat template is given beside the messages.
        every_answer: whether the assistant's earlier turns are learned, too.
    """

    kind: ClassVar[str] = "prompt_target"
    target: str
    prompt: str = ""
    messages: Messages = ()
    form: ChatForm = dataclasses.field(default=ChatForm(), metadata=LATER)
    every_answer: bool = dataclasses.field(default=False, metadata=LATER)

    def inputs(self) -> tuple[str, ...]:
        return (self.prompt,) if self.prompt else tuple(turn[1] for turn in self.messages if turn[1])

    def texts(self) -> tuple[str, ...]:
        return (*self.inputs(), self.target)


@dataclass(frozen=True, slots=True)
class PlainText(Example):
    """A whole text, all of which is learned."""

    kind: ClassVar[str] = "plain_text"
    text: str

    def inputs(self) -> tuple[str, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True)
class PreferencePair(Example):
    """A prompt or a conversation, the answer that people prefer and one that they do not."""

    kind: ClassVar[str] = "preference_pair"
    chosen: str
    rejected: str
    prompt: str = ""
    messages: Messages = ()
    form: ChatForm = dataclasses.field(default=ChatForm(), metadata=LATER)

    def inputs(self) -> tuple[str, ...]:
        return (self.prompt,) if self.prompt else tuple(turn[1] for turn in self.messages if turn[1])

    def texts(self) -> tuple[str, ...]:
        return (*self.inputs(), self.chosen, self.rejected)

    def better(self) -> PromptTarget:
        """The prompt with the preferred answer alone."""
        return PromptTarget(self.chosen, prompt=self.prompt, messages=self.messages, form=self.form)


Examples = Sequence[Example]
