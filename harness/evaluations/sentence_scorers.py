"""How a sentence is scored: the scorers by kind of model, their requests and their answers.

A scorer is a protocol of its own, and stands in the id of every metric that reads it: two scorers
are two figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from harness.core.model import ModelFacts
from harness.core.requests import (
    PAIRED_SCORERS,
    Continuations,
    Failure,
    InputMark,
    MaskedScorer,
    PseudoLikelihood,
    Request,
    Response,
    RollingLikelihood,
    input_marks,
)
from harness.evaluations.record_builders import scores, whole_likelihood

Scorer = Literal["pll_word_l2r", "pll", "pll_shared", "pll_modified", "crows_original", "ll", "target_ll"]
SentenceScorer = Literal["pll_word_l2r", "pll", "ll", "target_ll"]
SCORERS: tuple[Scorer, ...] = get_args(Scorer)
MASKED = frozenset(get_args(MaskedScorer))
ORDERED: Scorer = "crows_original"
"""The scorer that reads which sentence of a pair comes first."""
DEFAULTS: Mapping[str, SentenceScorer] = {"masked": "pll_word_l2r", "causal": "ll", "seq2seq": "target_ll"}
"""Kind of language model → the scorer that it is asked by when a probe names none."""

SCORER_HELP = (
    "pll_word_l2r, pll, pll_shared, pll_modified, crows_original (masked models), ll (causal), target_ll (sequence to "
    "sequence: the sentence as the target of an empty source); defaults to pll_word_l2r, ll, or target_ll by kind of "
    "model."
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A sentence's log-likelihood in nats, over how many tokens (None where that is not known), how many of its
    tokens stand for what the tokenizer cannot represent, and what the model read (None where that is not known)."""

    total: float
    tokens: int | None
    unknown: int = 0
    mark: InputMark | None = None


def scorer_for(facts: ModelFacts, wanted: Scorer | None) -> Scorer | None:
    """The scorer that a model is asked by; None when it has no language model, or one of another kind."""
    if facts.language_model is None:
        return None
    if wanted is None:
        return DEFAULTS[facts.language_model]
    return wanted if kind_of(wanted) == facts.language_model else None


def kind_of(scorer: Scorer) -> Literal["masked", "causal", "seq2seq"]:
    """The kind of language model that a scorer needs."""
    if scorer in MASKED:
        return "masked"
    return "causal" if scorer == "ll" else "seq2seq"


def why_not(facts: ModelFacts, wanted: Scorer | None) -> str:
    """Why `scorer_for` is None, for people."""
    if facts.language_model is None or wanted is None:
        return f"it has no language-model head (model family: {facts.family})"
    return f"the scorer {wanted!r} needs a {kind_of(wanted)} language model, and it is {facts.language_model}"


def ask_for(text: str, scorer: str, other: str | None = None, *, second: bool = False) -> Request:
    """The request for a sentence; `other` is its partner, which some scorers read.

    `second` says that the partner comes first in the pair, which `crows_original` reads.
    """
    if scorer == "ll":
        return RollingLikelihood(text)
    if scorer == "target_ll":
        return Continuations("", (text,))
    second = second and scorer == ORDERED
    return PseudoLikelihood(
        text, cast(MaskedScorer, scorer), other if scorer in PAIRED_SCORERS else None, second=second
    )


def read(response: Response, scorer: str) -> Scored | Failure:
    """The likelihood of a whole sentence, or why there is none."""
    if scorer != "target_ll":
        likelihood = whole_likelihood(response)
        return (
            likelihood
            if isinstance(likelihood, Failure)
            else Scored(likelihood.total, likelihood.tokens, likelihood.unknown, _mark(likelihood))
        )
    values = scores(response, 1)
    if isinstance(values, Failure):
        return values
    if not math.isfinite(values[0]):
        return Failure("nan", "the model returned a likelihood that is not finite")
    cut = response.truncated
    return Failure("too_long", f"{cut} tokens exceed the model's length limit") if cut else _scored(values[0], response)


def _scored(value: float, response: Response) -> Scored:
    mark = _mark(response)
    return Scored(value, None, 0 if mark is None else mark.unknown, mark)


def _mark(response: Response) -> InputMark | None:
    marks = input_marks(response)
    return marks[0] if marks else None
