"""What a model is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from harness.core.requests import DECODING, Request, Response


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What must be known of a model to ask it well and to compare it honestly.

    Attributes:
        digest: content digest of weights, configuration, tokenizer and, for adapters and heads
            on a frozen base, of the base too. Never a path.
        family: `masked`, `causal`, `encoder` (no language-model head), `bag_of_words`, ….
        language_model: `masked`, `causal`, `seq2seq` or None when there is no trained
            language-model head.
        labels: the labels of its classification head, in head order, or None.
        tag_labels: the labels of its token-classification head, in head order, or None.
        supports: the kinds of request (`Request.kind`) that it answers.
        chat: whether it has a chat template, so that `messages` can be asked.
        chat_likelihoods: whether it says how likely a text is after `messages`; servers only write there.
        chat_template: digest of that template, where it is known.
        chat_form: a short conversation as that template renders it, for people and for comparing protocols.
        bos: what its texts begin with (`<s> before every text`, …), where that is known.
        tokenizer_digest: of what decides its tokens; the chat template is none of it.
        prompted_for: the task whose worked examples stand before every question, or None.
        shots: how many of them.
        made_for: the only task that it can be asked about, or None.
        pooling: how it makes one vector of a text by itself (`requests.Embed`), or None where it does not say.
        prompts: the names of the prompts that it puts before texts where it is asked to.
        similarity: how its vectors are compared.
        default_prompt: that of texts for which none is named; None where it has none.
        decoding: the fields of `Generate` that it carries out (`requests.DECODING`).
        answer_key: what else changes answers (dtype, scoring version, …), part of cache keys.
    """

    digest: str
    family: str
    language_model: Literal["masked", "causal", "seq2seq"] | None
    labels: tuple[str, ...] | None
    tag_labels: tuple[str, ...] | None = None
    supports: frozenset[str] = frozenset()
    chat: bool = False
    tokenizer_digest: str | None = None
    dtype: str = "float32"
    device: str = "cpu"
    max_length: int | None = None
    parameters: int = 0
    notes: tuple[str, ...] = ()
    prompted_for: str | None = None
    shots: int = 0
    made_for: str | None = None
    chat_likelihoods: bool = True
    chat_template: str | None = None
    chat_form: str | None = None
    bos: str | None = None
    pooling: str | None = None
    prompts: tuple[str, ...] = ()
    default_prompt: str | None = None
    similarity: Literal["cosine", "dot"] = "cosine"
    decoding: frozenset[str] = DECODING
    answer_key: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Model(Protocol):
    """Something that answers requests."""

    @property
    def facts(self) -> ModelFacts: ...

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answers every distinct request once, in any order. Never raises for one request: a
        request that cannot be answered gets a `Failure`."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """What answering has cost since a model was opened.

    Attributes:
        tokens, flops: of the forward passes; None where they are not counted (a server, a table).
        from_cache: answers that cost nothing, as they were known.
    """

    tokens: int | None
    flops: float | None
    from_cache: int

    def since(self, before: Work) -> Work:
        """The difference to an earlier reading."""
        counted = self.tokens is not None and before.tokens is not None
        return Work(
            self.tokens - before.tokens if counted else None,  # type: ignore[operator]
            self.flops - before.flops if counted else None,  # type: ignore[operator]
            self.from_cache - before.from_cache,
        )


class Backend(Protocol):
    """What each model kind implements; one file a kind.

    The answers of a backend are kept by the window that they were computed in, but for one that `AnswersEach`.
    """

    @property
    def facts(self) -> ModelFacts: ...

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Response]]:
        """Answers distinct requests in any order; what it leaves out counts as unsupported."""
        ...


@runtime_checkable
class AnswersEach(Protocol):
    """A backend whose answer to a request does not depend on the others (a server, a rule).

    Attributes:
        most_pending: answers are kept one by one, and so many are held back at most before they are written; None
            where they are kept by the window.
    """

    @property
    def most_pending(self) -> int | None: ...
