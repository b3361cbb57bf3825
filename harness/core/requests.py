"""One question to a model, and its answer.

Requests are frozen and digestible: two equal requests are asked once, and a response is found
again by the request's digest and the model's answer key. A response is a value or a failure.
Log-likelihoods are in nats (natural logarithm), summed in float64.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from harness.core.digests import digest

MaskedScorer = Literal["pll", "pll_word_l2r", "pll_shared", "pll_modified", "crows_original"]
PAIRED_SCORERS: frozenset[str] = frozenset({"pll_shared", "pll_modified", "crows_original"})
"""Scorers that read which tokens a sentence shares with its partner."""
_FEW_DOCUMENTS = 200
LATER = {"later": True}
"""Marks a field that came after keys were made: at its default it is no part of them."""


Messages = tuple[tuple[str, ...], ...]
"""(role, content) of each turn; a third text is the JSON object of what else a message holds (`tool_calls`, `name`)."""


@dataclass(frozen=True, slots=True)
class ChatForm:
    """What a chat template is given beside the messages.

    Attributes:
        tools: a JSON list of tools (OpenAI's form); empty for none.
        variables: a JSON object of template variables (`enable_thinking`, a date); empty for none.
        default_template: the template of models that have none of their own; empty where they cannot be asked.
        as_text: what the template writes is a text like any other, as lm-evaluation-harness has it: the tokenizer puts
            BOS before it unless it begins with one, an option stands right behind it, and no turn's end is known.
    """

    tools: str = ""
    variables: str = ""
    default_template: str = ""
    as_text: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Request:
    """The base of every request kind; `kind` names it in caches and records."""

    kind: ClassVar[str]

    def key(self) -> str:
        """The request's digest: its kind and every field (but later ones that were left at their default)."""
        return digest({"kind": self.kind, **_key_fields(self)})


def _key_fields(part: Request | ChatForm) -> dict[str, Any]:
    """What a key holds of a request, or of a part of it."""
    values = {slot.name: getattr(part, slot.name) for slot in dataclasses.fields(part) if not _left_out(part, slot)}
    return {name: _key_fields(value) if isinstance(value, ChatForm) else value for name, value in values.items()}


def _left_out(part: Request | ChatForm, slot: dataclasses.Field[Any]) -> bool:
    return bool(slot.metadata.get("later")) and getattr(part, slot.name) == slot.default


@dataclass(frozen=True, slots=True)
class Classify(Request):
    """Log-probabilities of `labels` (in this order) for a text, by a classification head.

    With `pair`, the head reads both texts as its tokenizer joins them (`[CLS] text [SEP] pair
    [SEP]`). With `independent`, each label is a yes/no question of its own: values are log of the
    sigmoid, one per label, and do not add up to one (multi-label tasks). `head_labels` are what a head
    calls the labels that does not know them by their names (`LABEL_0`), in the same order.
    """

    kind: ClassVar[str] = "classify"
    text: str
    labels: tuple[str, ...]
    pair: str | None = None
    independent: bool = False
    head_labels: tuple[str, ...] | None = dataclasses.field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Regress(Request):
    """A number for a text, or for a pair of texts, by a head with one row: what the head gives, unscaled."""

    kind: ClassVar[str] = "regress"
    text: str
    pair: str | None = None


@dataclass(frozen=True, slots=True)
class NextSentence(Request):
    """Log-probability that `second` follows `first`, and that it does not (BERT's own head)."""

    kind: ClassVar[str] = "next_sentence"
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Cloze(Request):
    """Which words fill the gap: for each group, log of the summed probability of its words.

    `text` holds the place of the gap as the literal `{mask}` exactly once. A word must be one
    token of the model; words that are not are left out, and a group that loses all its words is
    a failure. Values are not normalized over the groups; who asks does that.
    """

    kind: ClassVar[str] = "cloze"
    text: str
    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Continuations(Request):
    """Log-likelihood of each option as the continuation of one context.

    Causal models read context and option as one text; sequence-to-sequence models encode the
    context and are teacher-forced on the option. `messages` in place of a context are put through the
    model's chat template with its `form`, generation prompt included.
    """

    kind: ClassVar[str] = "continuations"
    context: str
    options: tuple[str, ...]
    messages: Messages = ()
    form: ChatForm = field(default=ChatForm(), metadata=LATER)


@dataclass(frozen=True, slots=True)
class TargetLikelihood(Request):
    """Log-likelihood of every token of one text after a context or after messages, as in training (teacher forcing).

    As the one option of `Continuations`, with the likelihood and the place of each token; of a sequence-to-sequence
    model the token that ends the target is one of them. Where the chat template writes the target, its tokens have no
    place.
    """

    kind: ClassVar[str] = "target_likelihood"
    context: str
    target: str
    messages: Messages = ()
    form: ChatForm = field(default=ChatForm(), metadata=LATER)


@dataclass(frozen=True, slots=True)
class RollingLikelihood(Request):
    """Log-likelihood of a whole text, each token scored once (causal models).

    With `details`, the answer holds every token's own log-likelihood and place in the text.
    """

    kind: ClassVar[str] = "rolling_likelihood"
    text: str
    details: bool = False


@dataclass(frozen=True, slots=True)
class PseudoLikelihood(Request):
    """Pseudo-log-likelihood of a text by a masked model (Salazar et al. 2020).

    `pll` masks one token at a time; `pll_word_l2r` also masks the later tokens of the same
    word (Kauf and Ivanova 2023). The others read `other`, the sentence's partner: `pll_shared`
    scores the tokens that both hold (Nangia et al. 2020), `pll_modified` those that only this one
    holds, `crows_original` is `pll_shared` with the reference code's own alignment and rounding: it
    aligns a pair once, in the pair's order, so that `second` says that `text` is the pair's second
    sentence and `other` its first. The other scorers do not read `second`.
    With `details`, the answer holds every scored token's own log-likelihood and place.
    """

    kind: ClassVar[str] = "pseudo_likelihood"
    text: str
    scorer: MaskedScorer = "pll_word_l2r"
    other: str | None = None
    details: bool = False
    second: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Generate(Request):
    """A text written by the model after `prompt` (causal), or for it (sequence to sequence).

    Attributes:
        prompt: the text to go on from; `messages` in its place go through the model's chat template,
            generation prompt included.
        max_tokens: at most this many new tokens.
        stop: the text ends before the first of these, also where one spans several tokens.
        temperature: 0 is greedy; above it, sampling by `seed` and `sample`.
        top_p: nucleus kept when sampling.
        seed, sample: name the random draw; part of the key, so each draw is cached as itself.
        top_k: most likely tokens kept when sampling, before `top_p`; 0 keeps all.
        num_beams: above 1, beam search; never together with sampling.
        length_penalty, early_stopping: of beam search, as transformers means them.
        repetition_penalty: divides positive and multiplies negative scores of tokens that the text has, the prompt
            of a causal model included (Keskar et al. 2019).
        presence_penalty, frequency_penalty: taken from the score of a token that was generated, once and per
            occurrence (the OpenAI API's).
        no_repeat_ngram_size: no sequence of so many tokens is written twice; 0 is off.
        thinking: the text may open with a thought, which is kept apart from the answer (`Generated.thought`): stop
            strings end the answer alone.
        form: what the chat template is given beside the messages.
    """

    kind: ClassVar[str] = "generate"
    prompt: str = ""
    messages: Messages = ()
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    sample: int = 0
    top_k: int = field(default=0, metadata=LATER)
    num_beams: int = field(default=1, metadata=LATER)
    length_penalty: float = field(default=1.0, metadata=LATER)
    early_stopping: bool = field(default=False, metadata=LATER)
    repetition_penalty: float = field(default=1.0, metadata=LATER)
    presence_penalty: float = field(default=0.0, metadata=LATER)
    frequency_penalty: float = field(default=0.0, metadata=LATER)
    no_repeat_ngram_size: int = field(default=0, metadata=LATER)
    thinking: bool = field(default=False, metadata=LATER)
    form: ChatForm = field(default=ChatForm(), metadata=LATER)

    def decoding(self) -> dict[str, Any]:
        """What of its decoding is not at its default, by name."""
        values = {slot.name: (getattr(self, slot.name), slot.default) for slot in dataclasses.fields(self)}
        return {name: value for name, (value, default) in values.items() if name in DECODING and value != default}


DECODING = frozenset(
    {
        *("temperature", "top_p", "top_k", "num_beams", "length_penalty", "early_stopping", "repetition_penalty"),
        *("presence_penalty", "frequency_penalty", "no_repeat_ngram_size"),
    }
)
"""The fields of `Generate` that say how tokens are chosen. A backend says which of them it carries out."""


@dataclass(frozen=True, slots=True)
class Embed(Request):
    """The vector of a text, made of its last hidden states by a pooling, or by several whose vectors are joined (`+`).

    Attributes:
        text: what is read.
        pooling: `mean`, `first`, `last`, `max`, `mean_sqrt` (the sum over the root of the length), `weighted_mean`
            (by place: 1, 2, 3, …), or several of them, such as `first+mean`. What a sentence encoder does to that
            vector follows, step by step: `mean>dense`, `mean>dense>normalize`.
        prompt: name of the encoder's own prompt that stands before the text; empty for none.
    """

    kind: ClassVar[str] = "embed"
    text: str
    pooling: str = "mean"
    prompt: str = field(default="", metadata=LATER)


class DocumentPool:
    """Documents that queries search, told apart by their texts alone.

    Attributes:
        texts: in the order in which documents with one score stand.
        digest: of the texts.
    """

    __slots__ = ("digest", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self.digest = digest(list(self.texts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DocumentPool) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        """The texts of a few documents, which a window of requests counts; of many the digest: they are read once."""
        return repr(self.texts) if len(self.texts) <= _FEW_DOCUMENTS else f"{len(self.texts)} documents {self.digest}"


@dataclass(frozen=True, slots=True)
class Rank(Request):
    """The documents of a pool that fit a query best.

    Attributes:
        query: what is looked for.
        pool: the documents.
        top: so many of them are given.
        pooling: of vectors, as `Embed`; empty for a head that reads query and document together, or for a rule.
        prompts: names of the encoder's prompts before the query and before documents; empty for none.
        similarity: of two vectors.
    """

    kind: ClassVar[str] = "rank"
    query: str
    pool: DocumentPool
    top: int
    pooling: str = ""
    prompts: tuple[str, str] = ("", "")
    similarity: Literal["cosine", "dot"] = "cosine"

    def key(self) -> str:
        """As of all requests, with the pool by its digest."""
        fields = [self.query, self.pool.digest, self.top, self.pooling, list(self.prompts), self.similarity]
        return digest({"kind": self.kind, "fields": fields})


@dataclass(frozen=True, slots=True)
class Tag(Request):
    """One label per word, by a token-classification head (the word's first token decides)."""

    kind: ClassVar[str] = "tag"
    words: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtractSpan(Request):
    """The part of `context` that answers `question`, by a span head; long contexts in windows."""

    kind: ClassVar[str] = "extract_span"
    question: str
    context: str
    max_answer_tokens: int = 30
    null_allowed: bool = True


@dataclass(frozen=True, slots=True)
class TopCompletions(Request):
    """The `k` likeliest single tokens: at `{mask}` (masked models), or after the text (causal)."""

    kind: ClassVar[str] = "top_completions"
    text: str
    k: int = 5


class InputMark(NamedTuple):
    """What a model read of a text: a digest of its tokens, and how many of them stand for unknown words.

    Probes learn from it which texts a model cannot tell apart. In responses it stands as a short text, `<digest>` or
    `<digest>?<unknown>`; several are joined by `|`.
    """

    tokens: str
    unknown: int = 0

    @classmethod
    def of(cls, tokens: Any, unknown: int = 0) -> InputMark:
        """The mark of token ids, or of whatever else is all that a model sees of a text."""
        return cls(digest(tokens)[:16], unknown)

    def __str__(self) -> str:
        return f"{self.tokens}?{self.unknown}" if self.unknown else self.tokens

    @classmethod
    def read(cls, text: str) -> InputMark:
        """Reads what `str` wrote."""
        tokens, _, unknown = text.partition("?")
        return cls(tokens, int(unknown) if unknown.isdigit() else int("?" in text))


def input_marks(response: Response) -> list[InputMark] | None:
    """What the model read for a response, one mark for each text or option; None where that is not known."""
    return None if response.inputs is None else [InputMark.read(part) for part in response.inputs.split("|")]


@dataclass(frozen=True, slots=True)
class Scores:
    """One log value per label, group or option, in the order that was asked.

    Attributes:
        inputs: what the model read (`InputMark`), one for each option where options were read; None where that is not
            known.
    """

    values: tuple[float, ...]
    truncated: int = 0
    inputs: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        return _with_inputs({"scores": list(self.values), "truncated": self.truncated}, self.inputs)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The (pseudo-)log-likelihood of a text.

    Attributes:
        total: sum over the scored tokens, nats.
        tokens: how many tokens were scored.
        truncated: how many tokens of the text did not fit and were not scored.
        pieces: (start, end, log-likelihood) of each scored token in the text; only with `details`.
        unknown: how many of the text's tokens stand for what the tokenizer cannot represent.
        inputs: what the model read (`InputMark`); None where that is not known.
    """

    total: float
    tokens: int
    truncated: int = 0
    pieces: tuple[tuple[int, int, float], ...] = ()
    unknown: int = 0
    inputs: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"total": self.total, "tokens": self.tokens, "truncated": self.truncated}
        if self.unknown:
            plain["unknown"] = self.unknown
        if self.pieces:
            plain["pieces"] = [list(piece) for piece in self.pieces]
        return _with_inputs(plain, self.inputs)


@dataclass(frozen=True, slots=True)
class Generated:
    """What the model wrote.

    Attributes:
        text: decoded, special tokens and the stop string left out.
        tokens: how many tokens were generated.
        finish: `end` (the model's own end), `stop` (a stop string), `length` (cut off: no whole answer).
        prompt_tokens: length of the prompt as the model read it.
        truncated: tokens of the prompt that did not fit.
        log_likelihood: of the generated tokens under the model, nats; None where a server keeps it.
        inputs: what the model read (`InputMark`); None where that is not known.
        thought: what was written before the answer as a thought; no part of `text`. None where there is none.
        unclosed: whether the thought never ended, so that there is no answer.
    """

    text: str
    tokens: int
    finish: Literal["end", "stop", "length"]
    prompt_tokens: int = 0
    truncated: int = 0
    log_likelihood: float | None = None
    thought: str | None = None
    unclosed: bool = False
    inputs: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        left_out = {"text", "inputs"} if self.thought is not None else {"text", "inputs", "thought", "unclosed"}
        plain = {k: v for k, v in dataclasses.asdict(self).items() if k not in left_out}
        return _with_inputs({"generated": self.text, **plain}, self.inputs)


@dataclass(frozen=True, slots=True)
class Embedding:
    """A text's vector, float32 precision."""

    values: tuple[float, ...]
    truncated: int = 0
    inputs: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        return _with_inputs({"embedding": list(self.values), "truncated": self.truncated}, self.inputs)


@dataclass(frozen=True, slots=True)
class Tags:
    """A label and its log-probability for every word; words that did not fit have label ``""``."""

    inputs: ClassVar[None] = None
    labels: tuple[str, ...]
    scores: tuple[float, ...]
    truncated: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"tags": list(self.labels), "scores": list(self.scores), "truncated": self.truncated}


@dataclass(frozen=True, slots=True)
class SpanAnswer:
    """The best span, as characters of the context; ``text`` is empty when "no answer" won.

    Attributes:
        score: log-probability of the span (start + end), nats, over all windows.
        null_score: the same for "no answer"; None where it was not allowed.
    """

    inputs: ClassVar[None] = None
    text: str
    start: int
    end: int
    score: float
    null_score: float | None = None
    truncated: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"span": self.text, **{k: v for k, v in dataclasses.asdict(self).items() if k != "text"}}


@dataclass(frozen=True, slots=True)
class Completions:
    """Likeliest tokens, best first, as decoded text, with their log-probabilities."""

    truncated: ClassVar[int] = 0
    tokens: tuple[str, ...]
    scores: tuple[float, ...]
    inputs: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        return _with_inputs({"completions": list(self.tokens), "scores": list(self.scores)}, self.inputs)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best documents of a pool, best first.

    Attributes:
        places: of the documents in the pool.
        scores: as 32-bit floats hold them; documents with one score stand in the pool's order.
        truncated: tokens that did not fit.
    """

    inputs: ClassVar[None] = None
    places: tuple[int, ...]
    scores: tuple[float, ...]
    truncated: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"ranking": list(self.places), "scores": list(self.scores), "truncated": self.truncated}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request has no value: `unsupported`, `nan`, `too_long`, `no_token`, `error`, `unavailable`.

    `unavailable` may pass (a server that does not answer): records with it are not finished, and
    are asked for again.
    """

    inputs: ClassVar[None] = None
    truncated: ClassVar[int] = 0
    reason: str
    message: str

    def to_json(self) -> dict[str, Any]:
        return {"failure": self.reason, "message": self.message}


Response = Scores | Likelihood | Generated | Embedding | Tags | SpanAnswer | Completions | Ranking | Failure


def response_from_json(value: dict[str, Any]) -> Response:
    """Reads what `to_json` wrote.

    Raises:
        ValueError: when the value is none of the forms (a damaged cache row).
    """
    try:
        return _read(value)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a response: {value!r}") from error


def _read(value: dict[str, Any]) -> Response:
    if "failure" in value:
        return Failure(str(value["failure"]), str(value["message"]))
    if "generated" in value:
        finish, likelihood = value["finish"], value["log_likelihood"]
        if finish not in ("end", "stop", "length"):
            raise TypeError(finish)
        counts = {name: int(value[name]) for name in ("tokens", "prompt_tokens", "truncated")}
        known = None if likelihood is None else float(likelihood)
        thought = None if value.get("thought") is None else str(value["thought"])
        text, unclosed = str(value["generated"]), bool(value.get("unclosed"))
        return Generated(
            text=text,
            finish=finish,
            log_likelihood=known,
            thought=thought,
            unclosed=unclosed,
            inputs=_inputs(value),
            **counts,
        )
    if "ranking" in value:
        places = tuple(int(place) for place in value["ranking"])
        return Ranking(places, _floats(value["scores"]), int(value["truncated"]))
    if "embedding" in value:
        return Embedding(_floats(value["embedding"]), int(value["truncated"]), _inputs(value))
    if "tags" in value:
        return Tags(tuple(map(str, value["tags"])), _floats(value["scores"]), int(value["truncated"]))
    if "span" in value:
        null = value["null_score"]
        return SpanAnswer(
            text=str(value["span"]),
            start=int(value["start"]),
            end=int(value["end"]),
            score=float(value["score"]),
            null_score=None if null is None else float(null),
            truncated=int(value["truncated"]),
        )
    if "completions" in value:
        return Completions(tuple(map(str, value["completions"])), _floats(value["scores"]), _inputs(value))
    if "scores" in value:
        return Scores(_floats(value["scores"]), int(value["truncated"]), _inputs(value))
    pieces = tuple((int(start), int(end), float(score)) for start, end, score in value.get("pieces", ()))
    cut_counts = {name: int(value.get(name, 0)) for name in ("truncated", "unknown")}
    return Likelihood(float(value["total"]), int(value["tokens"]), pieces=pieces, inputs=_inputs(value), **cut_counts)


def _with_inputs(plain: dict[str, Any], inputs: str | None) -> dict[str, Any]:
    return plain if inputs is None else {**plain, "inputs": inputs}


def _inputs(value: dict[str, Any]) -> str | None:
    inputs = value.get("inputs")
    return None if inputs is None else str(inputs)


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
