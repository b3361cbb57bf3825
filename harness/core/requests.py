"""One question to a model, and its answer.

Requests are frozen and digestible: two equal requests are asked once, and a response is found
again by the request's digest and the model's answer key. A response is a value or a failure.
Log-likelihoods are in nats (natural logarithm), summed in float64.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from harness.core.keys import digest

MaskedScorer = Literal["pll", "pll_word_l2r"]


@dataclass(frozen=True, slots=True)
class Request:
    """The base of every request kind; `kind` names it in caches and records."""

    kind: ClassVar[str]

    def key(self) -> str:
        """The request's digest: its kind and every field."""
        return digest({"kind": self.kind, **dataclasses.asdict(self)})


@dataclass(frozen=True, slots=True)
class Classify(Request):
    """Log-probabilities of `labels` (in this order) for a text, by a classification head."""

    kind: ClassVar[str] = "classify"
    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cloze(Request):
    """Which words fill the gap: for each group, log of the summed probability of its words.

    `text` holds the place of the gap as the literal `{mask}` exactly once. A word must be one
    token of the model; words that are not are left out, and a group that loses all its words is
    a failure. Values are not normalised over the groups; who asks does that.
    """

    kind: ClassVar[str] = "cloze"
    text: str
    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Continuations(Request):
    """Log-likelihood of each option as the continuation of one context (causal models)."""

    kind: ClassVar[str] = "continuations"
    context: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RollingLikelihood(Request):
    """Log-likelihood of a whole text, each token scored once (causal models)."""

    kind: ClassVar[str] = "rolling_likelihood"
    text: str


@dataclass(frozen=True, slots=True)
class PseudoLikelihood(Request):
    """Pseudo-log-likelihood of a text by a masked model (Salazar et al. 2020).

    `pll` masks one token at a time; `pll_word_l2r` also masks the later tokens of the same
    word (Kauf and Ivanova 2023).
    """

    kind: ClassVar[str] = "pseudo_likelihood"
    text: str
    scorer: MaskedScorer = "pll_word_l2r"


@dataclass(frozen=True, slots=True)
class Scores:
    """One log value per label, group or option, in the order that was asked."""

    values: tuple[float, ...]
    truncated: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"scores": list(self.values), "truncated": self.truncated}


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The (pseudo-)log-likelihood of a text.

    Attributes:
        total: sum over the scored tokens, nats.
        tokens: how many tokens were scored.
        truncated: how many tokens of the text did not fit and were not scored.
    """

    total: float
    tokens: int
    truncated: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"total": self.total, "tokens": self.tokens, "truncated": self.truncated}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request has no value: `unsupported`, `nan`, `too_long`, `no_token`, `error`."""

    reason: str
    message: str

    def to_json(self) -> dict[str, Any]:
        return {"failure": self.reason, "message": self.message}


Response = Scores | Likelihood | Failure


def response_from_json(value: dict[str, Any]) -> Response:
    """Reads what `to_json` wrote.

    Raises:
        ValueError: when the value is none of the three forms (a damaged cache row).
    """
    try:
        if "failure" in value:
            return Failure(str(value["failure"]), str(value["message"]))
        if "scores" in value:
            return Scores(tuple(float(score) for score in value["scores"]), int(value["truncated"]))
        return Likelihood(float(value["total"]), int(value["tokens"]), int(value["truncated"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a response: {value!r}") from error
